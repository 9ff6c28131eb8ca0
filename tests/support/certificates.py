"""A throw-away authority and what it signs, made with openssl in a folder of the test."""
import os
import ssl
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_key(path):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    os.chmod(path, 0o600)


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.file = os.path.join(folder, "ca.pem")
        self.key = os.path.join(folder, "ca.key")
        make_key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-days", "2", "-subj", "/CN=throw-away authority",
                "-out", self.file)

    def sign(self, name="server", days=2):
        """A certificate for 127.0.0.1 and localhost; days < 0: expired. Its path, and its key's."""
        key, request, certificate, extensions = (
            os.path.join(self.folder, name + ending) for ending in (".key", ".csr", ".pem", ".ext"))
        make_key(key)
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl("req", "-new", "-key", key, "-subj", "/CN=localhost", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial",
                "-days", str(days), "-extfile", extensions, "-out", certificate)
        return certificate, key

    def context(self):
        """For clients that trust this authority and nobody else."""
        return ssl.create_default_context(cafile=self.file)
