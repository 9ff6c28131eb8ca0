"""A real daemon for tests: its own data directory, port 0, gone at the end.

AMF_BUILD names the build directory. Daemons started here are killed when the test ends, however it ends.
"""
import http.client
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.parse

BUILD = os.environ["AMF_BUILD"]
AMFD = os.path.join(BUILD, "server", "amfd")
AMF = os.path.join(BUILD, "clients", "cli", "amf")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Daemon:
    """start() / stop() / kill() on one data directory; request() speaks to it.

    options: further arguments of amfd. open_files: its limit of open files. tls: the ssl context of request(), for a daemon with a certificate.
    """

    def __init__(self, data=None, workers=2, program=AMFD, options=(), tls=None, environment=None,
                 open_files=None):
        self.owned = data is None
        self.data = data or tempfile.mkdtemp(prefix="amf-test-")
        self.workers, self.program, self.process = workers, program, None
        self.options, self.tls, self.environment = list(options), tls, environment or {}
        self.wrapper = [] if open_files is None else ["prlimit", f"--nofile={open_files}:{open_files}"]
        self.start()

    def start(self):
        self.log = open(os.path.join(self.data, "log"), "ab") if os.path.isdir(self.data) else None
        self.process = subprocess.Popen(
            [*self.wrapper, self.program, "--data", os.path.join(self.data, "d"), "--listen", "127.0.0.1:0",
             "--workers", str(self.workers), *self.options],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **self.environment})
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"amfd did not start: {line!r}, see {self.data}/log")
        self.url = line.split()[-1]
        self.address = urllib.parse.urlsplit(self.url).netloc
        with open(os.path.join(self.data, "d", "admin.token"), encoding="ascii") as file:
            self.token = file.read().strip()

    def _end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.log.close()
        return code

    def stop(self):
        return self._end(signal.SIGTERM)

    def kill(self):
        return self._end(signal.SIGKILL)

    def close(self):
        """Stops it as a service manager would, and looks whether a sanitizer had anything to say."""
        code = self.stop() if self.process and self.process.poll() is None else 0
        with open(os.path.join(self.data, "log"), encoding="utf-8", errors="replace") as log:
            complaints = [line for line in log if "Sanitizer" in line or "runtime error" in line]
        if self.owned:
            shutil.rmtree(self.data, ignore_errors=True)
        if code or complaints:
            raise AssertionError(f"amfd ended with {code}: {''.join(complaints[:20])}")

    def request(self, method, path, body=None, headers=None, token=True, source=None):
        """body: bytes are sent as they are, anything else as JSON. source: the address to come from."""
        sent = dict(headers or {})
        if token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        source = source and (source, 0)
        connection = (http.client.HTTPSConnection(self.address, timeout=60, source_address=source, context=self.tls)
                      if self.tls else http.client.HTTPConnection(self.address, timeout=60, source_address=source))
        try:
            try:
                connection.request(method, path, body=body, headers=sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of the body was sent: the answer is there to be read
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def ok(self, method, path, body=None, headers=None, status=None):
        """The answer's JSON; fails unless it is a 2xx (or exactly `status`)."""
        answer = self.request(method, path, body, headers)
        good = answer.status == status if status else 200 <= answer.status < 300
        if not good:
            raise AssertionError(f"{method} {path} answered {answer.status}: {answer.body[:500]!r}")
        return answer.json if answer.body else None


class Source:
    """Addresses of this machine that nobody has come from yet, for what is counted by address."""

    def __init__(self):
        self.count = 0

    def next(self):
        self.count += 1
        return f"127.{1 + self.count // 65536}.{self.count // 256 % 256}.{self.count % 256}"


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.02)


def trajectory(task, seed, steps=12, state_dim=3, action_dim=2, **more):
    """A small smooth demonstration; a function of its arguments alone."""
    states = [(t / steps + 0.1 * seed) * (d + 1) - 0.05 * t * d
              for t in range(steps) for d in range(state_dim)]
    actions = [0.1 * seed + 0.02 * t - 0.03 * d for t in range(steps) for d in range(action_dim)]

    def rows(flat, width):
        return [flat[i:i + width] for i in range(0, len(flat), width)]

    return {"task": task, "states": rows(states, state_dim), "actions": rows(actions, action_dim), **more}


def safetensors(tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}."""
    header, offset, body = {}, 0, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def matrix(rows, dtype="F64"):
    """Rows of numbers as an entry for safetensors()."""
    code = {"F64": "d", "F32": "f", "F16": "e"}[dtype]
    flat = [x for row in rows for x in row]
    return dtype, [len(rows), len(rows[0]) if rows else 0], struct.pack(f"<{len(flat)}{code}", *flat)


def demonstration_file(demonstration, dtype="F64", **metadata):
    """The same demonstration as safetensors bytes."""
    texts = {"task": demonstration["task"], **metadata}
    return safetensors({"states": matrix(demonstration["states"], dtype),
                        "actions": matrix(demonstration["actions"], dtype)}, texts)


TENSORS = {"Content-Type": "application/vnd.safetensors"}
