#!/usr/bin/env python3
"""The same requests through haproxy and nginx: nothing gets past them that they have not seen. Prints TAP.

Usage: behind.py haproxy|nginx

What the proxy does with a bad request is its own affair. What counts is that proxy and daemon agree on
where a request ends. The proxy puts the token into every request that it forwards, and clients have
none; so a request that reaches the daemon inside another one is answered 401, and is seen in the
daemon's log. After each case a good request goes through, over whatever connection the proxy has kept,
and must get its own answer and no other. That the log would show it is tried first, without a proxy,
with the shape that libmicrohttpd 0.9.75 hides from the daemon.
"""
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from daemon import Daemon, wait_until  # noqa: E402
from raw import all_cases  # noqa: E402
from tap import Tap  # noqa: E402

SMUGGLED = b"GET /v1/projects/smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
PATIENCE_S = 0.15  # a proxy may wait for more, as it should; then we close

HAPROXY = """
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 40s
    timeout http-request 10s
    http-reuse always
listen door
    bind 127.0.0.1:{port}
    http-request set-header Authorization "Bearer {token}"
    server amfd {address}
"""

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 100; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    upstream amfd {{ server {address}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://amfd;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header Authorization "Bearer {token}";
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    def __init__(self, kind, folder, daemon):
        self.address = ("127.0.0.1", free_port())
        text = {"haproxy": HAPROXY, "nginx": NGINX}[kind].format(
            port=self.address[1], token=daemon.token, address=daemon.address, folder=folder)
        path = pathlib.Path(folder) / "configuration"
        path.write_text(text, encoding="ascii")
        command = {"haproxy": ["/usr/sbin/haproxy", "-db", "-f", str(path)],
                   "nginx": ["/usr/sbin/nginx", "-p", folder, "-e", folder + "/error.log", "-c", str(path)]}[kind]
        self.log = open(pathlib.Path(folder) / "output", "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        wait_until(self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace"))
        try:
            socket.create_connection(self.address, timeout=1).close()
            return True
        except ConnectionRefusedError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def exchange(address, pieces):
    """Everything that comes back until the connection ends, or nothing more seems to come."""
    data = b""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while more := connection.recv(65536):
                data += more
        except (socket.timeout, BrokenPipeError, ConnectionResetError):
            pass
    return data


def bytes_of(case):
    return [value for step, value in case.steps if step == "send"]


def good_answer(address, name):
    """The answer to a request for `name` is about `name`."""
    request = f"GET /v1/projects/{name} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(request)
        data = b""
        while more := connection.recv(65536):
            data += more
    return data.startswith(b"HTTP/1.1 404") and name.encode() in data


def logged(daemon, status):
    """Lines of the daemon's log about the hidden request."""
    log = pathlib.Path(daemon.data, "log").read_text(encoding="utf-8", errors="replace")
    return re.findall(rf".*path=/v1/projects/smuggled .*status={status}.*", log)


def check_control(tap, daemon):
    parts = urlsplit(daemon.url)
    for group, case in all_cases("", SMUGGLED):
        if case.name == "content-length-nul":
            exchange((parts.hostname, parts.port), bytes_of(case))
    wait_until(lambda: logged(daemon, 401))
    tap.check(True, "control: without a proxy the log shows a smuggled request")


def check_cases(tap, kind, daemon, proxy):
    seen = len(logged(daemon, 401))
    for group, case in all_cases("", SMUGGLED):
        if case.options.get("slow") == "yes":
            continue
        exchange(proxy.address, bytes_of(case))
        right = good_answer(proxy.address, f"after-{case.name}"[:64])
        found = logged(daemon, 401)[seen:]
        seen += len(found)
        tap.check(right and not found, f"{kind}: {group}: {case.name}",
                  "\n".join(found) or "the next request got another answer than its own")
    # What a proxy takes for a second request is one, and comes with the token.
    tap.check(logged(daemon, 404), f"control: {kind} forwards a request behind another, with the token")


def main():
    kind, tap, daemon = sys.argv[1], Tap(), Daemon()
    with tempfile.TemporaryDirectory(prefix="amf-behind-") as folder:
        proxy = Proxy(kind, folder, daemon)
        try:
            check_control(tap, daemon)
            check_cases(tap, kind, daemon, proxy)
        finally:
            proxy.close()
            daemon.close()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
