"""TLS: what it takes to start, what is spoken, who is trusted, and what the two kinds of port do not do."""
import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import tap  # noqa: E402
from certificates import Authority, make_key, openssl  # noqa: E402
from daemon import AMF, AMFD, TENSORS, Daemon, demonstration_file, trajectory, wait_until  # noqa: E402

HELLO = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"


def setUpModule():
    global folder, authority, certificate, key, daemon
    folder = tempfile.TemporaryDirectory(prefix="amf-tls-")
    authority = Authority(folder.name)
    certificate, key = authority.sign()
    daemon = Daemon(options=["--tls-cert", certificate, "--tls-key", key], tls=authority.context())


def tearDownModule():
    daemon.close()
    folder.cleanup()


def path(name):
    return os.path.join(folder.name, name)


def write(name, data, mode=0o600):
    with open(path(name), "wb") as file:
        file.write(data)
    os.chmod(path(name), mode)
    return path(name)


def read(name):
    return pathlib.Path(name).read_bytes()


def connect(url, context=None):
    address = urllib.parse.urlsplit(url)
    plain = socket.create_connection((address.hostname, address.port), timeout=30)
    return context.wrap_socket(plain, server_hostname="localhost") if context else plain


class Start(unittest.TestCase):
    def refused(self, reason, *options, listen="127.0.0.1:0", code=1):
        done = subprocess.run([AMFD, "--data", path("refused"), "--listen", listen, *options],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(reason, done.stderr)

    def pair(self, reason, cert=None, private=None):
        self.refused(reason, "--tls-cert", cert or certificate, "--tls-key", private or key)

    def test_files_that_cannot_be_used(self):
        self.pair("No such file", cert=path("none"))
        self.pair("is no file", cert=folder.name)
        self.pair("is empty", cert=write("empty.pem", b""))
        self.pair("is empty", private=write("empty.key", b""))
        self.pair("is no certificate", cert=write("text.pem", b"hello\n"))
        self.pair("is no private key", private=write("text.key", b"hello\n"))
        self.pair("is no private key", private=write("cert.key", read(certificate)))
        self.pair("too large", cert=write("large.pem", b"\n" * (1 << 20)))

    def test_a_key_that_others_can_read(self):
        for mode in (0o640, 0o604, 0o644, 0o610):
            self.pair("chmod 600", private=write("open.key", read(key), mode))

    def test_a_key_of_another_certificate(self):
        make_key(path("other.key"))
        self.pair("not that of the certificate", private=path("other.key"))

    def test_an_encrypted_key(self):
        openssl("pkcs8", "-topk8", "-in", key, "-passout", "pass:secret", "-out", path("locked.key"))
        os.chmod(path("locked.key"), 0o600)
        self.pair("encrypted", private=path("locked.key"))

    def test_an_expired_certificate(self):
        expired, its_key = authority.sign("expired", days=-1)
        self.pair("expired", cert=expired, private=its_key)

    def test_one_without_the_other(self):
        self.refused("tls_key", "--tls-cert", certificate, code=2)
        self.refused("tls_cert", "--tls-key", key, code=2)

    def test_other_machines_need_tls_or_a_word(self):
        self.refused("--tls-cert", listen="0.0.0.0:0", code=2)
        for options in (["--tls-cert", certificate, "--tls-key", key], ["--allow-remote"]):
            printed = subprocess.run([AMFD, "--listen", "0.0.0.0:0", *options, "--print-config"],
                                     capture_output=True, text=True, timeout=60, check=True)
            self.assertIn("listen = 0.0.0.0:0", printed.stdout)


class Spoken(unittest.TestCase):
    def test_the_address_says_so(self):
        self.assertTrue(daemon.url.startswith("https://127.0.0.1:"))

    def test_versions(self):
        for version, good in ((ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
                              (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
            context = authority.context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(), self.subTest(version=version.name):
                warnings.simplefilter("ignore")
                context.minimum_version = context.maximum_version = version
                if good:
                    with connect(daemon.url, context) as spoken:
                        self.assertEqual(spoken.version(), version.name.replace("_", "."))
                else:
                    with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                        connect(daemon.url, context)

    def test_ciphers_of_1_2(self):
        for cipher, good in (("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
                             ("ECDHE-ECDSA-AES128-SHA", False), ("AES128-GCM-SHA256", False)):
            context = authority.context()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(cipher + ":@SECLEVEL=0")
            with self.subTest(cipher=cipher):
                if good:
                    with connect(daemon.url, context) as spoken:
                        self.assertEqual(spoken.cipher()[0], cipher)
                else:
                    with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                        connect(daemon.url, context)

    def test_the_whole_as_sslscan_sees_it(self):
        address = urllib.parse.urlsplit(daemon.url).netloc
        seen = subprocess.run(["sslscan", "--no-colour", address], capture_output=True, text=True,
                              timeout=120, check=True).stdout
        for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
            self.assertRegex(seen, rf"{version} +disabled")
        for version in ("TLSv1.2", "TLSv1.3"):
            self.assertRegex(seen, rf"{version} +enabled")
        suites = [line.split()[4] for line in seen.splitlines()
                  if line.startswith(("Accepted", "Preferred"))]
        self.assertTrue(suites)
        for suite in suites:
            self.assertRegex(suite, "GCM|CHACHA20")
        self.assertIn("Session renegotiation not supported", seen)

    def test_plain_http_is_closed(self):
        with connect(daemon.url) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n")
            data = b""
            try:
                while more := plain.recv(4096):
                    data += more
            except ConnectionResetError:
                pass
        self.assertNotIn(b"HTTP/1.1", data)

    def test_a_hello_on_a_plain_port_is_closed(self):
        plain_daemon = Daemon()
        try:
            with connect(plain_daemon.url) as plain:
                plain.sendall(HELLO + b"\r\n\r\n")
                data = b""
                try:
                    while more := plain.recv(4096):
                        data += more
                except ConnectionResetError:
                    pass
            self.assertNotIn(b"HTTP/1.1 2", data)
            with self.assertRaises((ssl.SSLError, ConnectionResetError)):
                connect(plain_daemon.url, authority.context())
        finally:
            plain_daemon.close()

    def test_stalled_handshakes_are_cut(self):
        with connect(daemon.url) as silent, connect(daemon.url) as begun:
            begun.sendall(HELLO[:3])
            self.assertEqual(daemon.request("GET", "/healthz", token=False).status, 200)
            for stalled in (silent, begun):
                try:
                    self.assertEqual(stalled.recv(4096), b"")
                except ConnectionResetError:
                    pass


class Renewed(unittest.TestCase):
    """SIGHUP: the files are read again, for those who connect from then on."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="amf-renewed-")
        self.addCleanup(self.folder.cleanup)
        self.authority = Authority(self.folder.name)
        self.certificate, self.key = self.authority.sign()
        self.daemon = Daemon(options=["--tls-cert", self.certificate, "--tls-key", self.key], tls=self.authority.context())
        self.addCleanup(self.daemon.close)

    def serial(self):
        with connect(self.daemon.url, self.authority.context()) as connection:
            return connection.getpeercert()["serialNumber"]

    def hang_up_until(self, text):
        before = pathlib.Path(self.daemon.data, "log").read_text().count(text)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: pathlib.Path(self.daemon.data, "log").read_text().count(text) > before)

    def replace(self, certificate, private):
        for new, old in ((certificate, self.certificate), (private, self.key)):
            os.replace(new, old)

    def test_new_connections_see_the_new_one_and_old_ones_go_on(self):
        context = self.authority.context()
        address = urllib.parse.urlsplit(self.daemon.url)
        old = http.client.HTTPSConnection(address.hostname, address.port, timeout=60, context=context)
        self.addCleanup(old.close)
        seen = [self.serial()]
        for number in range(10):  # more than are kept: those whose connections have ended make room
            old.request("GET", "/healthz")  # also what keeps it from being idle
            self.assertIn(b"ok", old.getresponse().read())
            self.assertIsNotNone(old.sock)  # the connection of the first certificate
            self.replace(*self.authority.sign(f"renewed{number}"))
            self.hang_up_until("certificate renewed")
            seen.append(self.serial())
        self.assertEqual(len(set(seen)), 11)
        self.assertEqual(self.daemon.stop(), 0)  # while a connection of the first is open

    def test_files_that_cannot_be_used_change_nothing(self):
        before = self.serial()
        pathlib.Path(self.certificate).write_bytes(b"half of a")
        self.hang_up_until("certificate not renewed")
        self.assertEqual(self.serial(), before)
        self.assertEqual(self.daemon.request("GET", "/healthz", token=False).status, 200)


class Used(unittest.TestCase):
    def test_the_main_job(self):
        daemon.ok("POST", "/v1/projects", {"id": "p"})
        daemon.ok("PUT", "/v1/projects/p/tasks/pour", {})
        daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("pour", 1, steps=500), status=201)
        daemon.ok("POST", "/v1/projects/p/demonstrations",
                  demonstration_file(trajectory("pour", 2, steps=20000)), TENSORS, status=201)
        answer = daemon.request("POST", "/v1/projects/p/demonstrations",
                                demonstration_file(trajectory("pour", 2, steps=20000, state_dim=4)), TENSORS)
        self.assertEqual((answer.status, answer.json["code"]), (422, "wrong_dimension"))

    def amf(self, *arguments, **environment):
        environment = {"PATH": os.environ["PATH"], "HOME": folder.name, "AMF_TOKEN": daemon.token,
                       "AMF_URL": daemon.url, **environment}
        return subprocess.run([AMF, *arguments], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)

    def test_the_command_line(self):
        for done in (self.amf("project", "list", AMF_CA_FILE=authority.file),
                     self.amf("project", "list", "--ca-file", authority.file)):
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        unknown = self.amf("project", "list")
        self.assertEqual((unknown.returncode, unknown.stdout), (3, ""))
        self.assertIn("certificate", unknown.stderr)
        missing = self.amf("project", "list", "--ca-file", path("none"))
        self.assertEqual(missing.returncode, 4)
        self.assertIn("No such file", missing.stderr)


if __name__ == "__main__":
    tap.main()
