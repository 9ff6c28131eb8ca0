"""Followers of a project's events, as a browser's EventSource would be one."""
import json
import socket


class Stream:
    """A follower. Its events are (id or None, name, data), in the order they came; comments are left out."""

    def __init__(self, daemon, project, after=None, query="", token=None, receive_bytes=None, accept="text/event-stream"):
        host, port = daemon.address.split(":")
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(60)
        self.socket.connect((host, int(port)))
        if daemon.tls:
            self.socket = daemon.tls.wrap_socket(self.socket, server_hostname=host)
        last = "" if after is None else f"Last-Event-ID: {after}\r\n"
        self.socket.sendall((f"GET /v1/projects/{project}/events{query} HTTP/1.1\r\nHost: {daemon.address}\r\nAccept: {accept}\r\n"
                             f"Authorization: Bearer {token or daemon.token}\r\n{last}\r\n").encode())
        self.bytes, self.head, self.retry = b"", None, None

    def _more(self):
        """Whether something came; False: the stream has ended."""
        try:
            piece = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.bytes += piece
        return bool(piece)

    def begin(self):
        """The status, once the head is there."""
        while b"\r\n\r\n" not in self.bytes:
            if not self._more():
                raise AssertionError(f"ended before its head: {self.bytes!r}")
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        self.head = head.decode().split("\r\n")
        if any(line.lower() == "transfer-encoding: chunked" for line in self.head):
            self.bytes, self._more = self._unchunk(self.bytes)
        return int(self.head[0].split()[1])

    def _unchunk(self, first):
        raw, more, end = bytearray(first), self._more, []

        def decode():
            out = b""
            while not end and b"\r\n" in raw:
                line, rest = bytes(raw).split(b"\r\n", 1)
                size = int(line, 16)
                if len(rest) < size + 2:
                    break
                out += rest[:size]
                del raw[:len(line) + 2 + size + 2]
                if size == 0:
                    end.append(True)
            return out

        def again():
            while True:
                piece = decode()
                if piece:
                    self.bytes = self.bytes + piece
                    return True
                if end:
                    return False
                kept, self.bytes = self.bytes, b""
                came = more()
                raw.extend(self.bytes)
                self.bytes = kept
                if not came:
                    return False

        return decode(), again

    def next(self):
        """The next event; None: the stream has ended."""
        if self.head is None:
            self.begin()
        while True:
            while b"\n\n" not in self.bytes:
                if not self._more():
                    return None
            block, self.bytes = self.bytes.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            if "retry" in fields:
                self.retry = int(fields["retry"])
            if "data" in fields:
                number = fields.get("id")
                return number and int(number), fields.get("event", "message"), json.loads(fields["data"])

    def until(self, seq):
        """The numbered events up to that one."""
        found = []
        while not found or found[-1]["seq"] < seq:
            event = self.next()
            if event is None:
                raise AssertionError(f"ended before event {seq}: {found[-1:]}")
            if event[0] is not None:
                assert event[0] == event[2]["seq"], event
                found.append(event[2])
        return found

    def ended(self):
        """Reads on until the server ends the stream: what still came."""
        rest = []
        while (event := self.next()) is not None:
            rest.append(event)
        return rest

    def close(self):
        self.socket.close()
