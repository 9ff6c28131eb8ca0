"""Who is let in when there are too many, too slow, or too few descriptors; and who is not kept out by them."""
import json
import pathlib
import resource
import select
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import tap  # noqa: E402
from daemon import AMFD, Daemon, wait_until  # noqa: E402

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"


def connect(daemon, source="127.0.0.1"):
    address = urllib.parse.urlsplit(daemon.url)
    return socket.create_connection((address.hostname, address.port), timeout=20, source_address=(source, 0))


def ask(connection, request=HEALTH):
    """Status, head and body of one answer."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise AssertionError(f"the connection ended after {data!r}")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), body


def answered(daemon, source):
    with connect(daemon, source) as connection:
        return ask(connection)[0] == 200


class Crowd:
    """Connections that stay; their sockets are closed at the end."""

    def __init__(self):
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        for connection in self.sockets:
            connection.close()
        self.sockets = []

    def add(self, daemon, count, source="127.0.0.1"):
        for _ in range(count):
            self.sockets.append(connect(daemon, source))


class WithDaemon(unittest.TestCase):
    options, open_files = (), None

    def setUp(self):
        self.daemon = Daemon(options=self.options, open_files=self.open_files)

    def tearDown(self):
        self.daemon.close()

    def refused(self, source="127.0.0.1"):
        with connect(self.daemon, source) as connection:
            status, head, body = ask(connection)
        if status == 503:
            self.assertIn("\r\nRetry-After: 1", head)
            self.assertIn("\r\nConnection: close", head)
            self.assertEqual(json.loads(body)["code"], "overloaded")
        return status == 503


class OneAddress(WithDaemon):
    def test_500_idle_connections_do_not_keep_another_address_out(self):
        with Crowd() as crowd:
            crowd.add(self.daemon, 500)
            wait_until(self.refused)
            for _ in range(10):
                self.assertTrue(answered(self.daemon, "127.0.0.2"))
            crowd.leave()
            wait_until(lambda: not self.refused())


class FewForEach(WithDaemon):
    options = ("--connections-per-address", "4")

    def test_the_fifth_is_turned_away(self):
        with Crowd() as crowd:
            crowd.add(self.daemon, 4)
            for connection in crowd.sockets:
                self.assertEqual(ask(connection)[0], 200)
            for _ in range(40):  # more than are kept open to read their refusal
                self.assertTrue(self.refused())
            self.assertTrue(answered(self.daemon, "127.0.0.2"))
            crowd.sockets.pop().close()
            wait_until(lambda: not self.refused())
            for connection in crowd.sockets:
                self.assertEqual(ask(connection)[0], 200)


class FewDescriptors(WithDaemon):
    open_files = 84

    def test_what_is_kept_back_is_enough_to_store(self):
        with Crowd() as crowd:
            crowd.add(self.daemon, 1, "127.0.0.2")
            self.assertEqual(ask(crowd.sockets[0])[0], 200)
            for last in range(3, 13):
                crowd.add(self.daemon, 10, f"127.0.0.{last}")
            wait_until(lambda: self.refused("127.0.0.99"))
            body = json.dumps({"id": "full"})
            status, _, answer = ask(crowd.sockets[0], (
                f"POST /v1/projects HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {self.daemon.token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
            self.assertEqual(status, 201, answer)
            crowd.leave()
            wait_until(lambda: not self.refused("127.0.0.99"))
        self.assertEqual(len(self.daemon.ok("GET", "/v1/projects")["projects"]), 1)

    def test_too_few_to_start(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))

        done = subprocess.run([AMFD, "--data", self.daemon.data + "/few", "--listen", "127.0.0.1:0"],
                              preexec_fn=few, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (1, "", 1))
        self.assertIn("open files", done.stderr)


class CloseAfterBody(WithDaemon):
    options = ("--close-after-body",)

    def test_what_hides_behind_a_nul_is_not_served(self):
        for header in (b"Content-Length: 0\0 34\r\n\r\n", b"Transfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n"):
            with connect(self.daemon) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: t\r\n" + header + HEALTH)
                data = b""
                try:
                    while more := connection.recv(65536):
                        data += more
                except ConnectionResetError:
                    pass
            self.assertEqual(data.count(b"HTTP/1.1 "), 1, data)
            self.assertIn(b"\r\nConnection: close\r\n", data)

    def test_other_requests_keep_their_connection(self):
        with connect(self.daemon) as connection:
            self.assertEqual([ask(connection)[0] for _ in range(3)], [200] * 3)


class Slow(WithDaemon):
    """As slowhttptest does it, in short: a byte now and then, from many addresses."""

    def attack(self, crowd):
        """400 connections; those that drip, with what they drip."""
        post = ("POST /v1/projects HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
                f"Authorization: Bearer {self.daemon.token}\r\nContent-Length: 1000\r\n\r\n").encode()
        for i in range(400):
            source = f"127.0.{1 + i // 200}.{1 + i % 200}"
            crowd.add(self.daemon, 1, source)
            if i % 4 == 1:
                crowd.sockets[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: t\r\nX-")
            elif i % 4 == 2:
                crowd.sockets[-1].sendall(post)
            elif i % 4 == 3:
                crowd.sockets[-1].sendall(b"GET /hea")

    @staticmethod
    def drip(connections):
        """A byte from each; those that are still open."""
        ended = set(select.select(connections, [], [], 0)[0])
        left = []
        for connection in connections:
            if connection in ended:
                continue
            try:
                connection.send(b"a")
                left.append(connection)
            except OSError:
                pass
        return left

    def test_400_attackers_delay_nobody_and_are_cut(self):
        with Crowd() as crowd:
            self.attack(crowd)
            # The first quarter is silent for good.
            dripping, asked = [s for i, s in enumerate(crowd.sockets) if i % 4], 0
            end = time.monotonic() + 60
            while dripping and time.monotonic() < end:
                with connect(self.daemon, "127.0.0.9") as good:
                    good.settimeout(9)  # before the first deadline of an attacker
                    self.assertEqual(ask(good)[0], 200)
                asked += 1
                time.sleep(0.5)
                dripping = self.drip(dripping)
            self.assertEqual(dripping, [])
            self.assertGreater(asked, 5)
            silent = [s for i, s in enumerate(crowd.sockets) if i % 4 == 0]
            wait_until(lambda: len(select.select(silent, [], [], 0)[0]) == len(silent))

    def test_who_never_reads_is_cut_and_costs_no_memory(self):
        def resident():
            status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii")
            return int(status.partition("VmRSS:")[2].split()[0]) * 1024

        before = resident()
        request = b"GET /openapi.yaml HTTP/1.1\r\nHost: t\r\n\r\n"
        with Crowd() as crowd:
            crowd.add(self.daemon, 8)
            for connection in crowd.sockets:
                connection.setblocking(False)
                try:
                    connection.send(request * 2000)
                except BlockingIOError:
                    pass
            self.assertTrue(answered(self.daemon, "127.0.0.9"))
            self.assertLess(resident() - before, 64 << 20)
            log = pathlib.Path(self.daemon.data, "log")
            wait_until(lambda: log.read_bytes().count(b"broken_off=yes") >= 8, 60)


if __name__ == "__main__":
    tap.main()
