"""What the demo needs to talk to the daemon: a process, HTTP with JSON, and safetensors files.

Standard library only, so that the demo runs where Python does.
"""
import json
import pathlib
import re
import select
import shutil
import struct
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 15
REQUEST_TIMEOUT_S = 60


class DemoError(Exception):
    """One line for a person; the demo ends with it."""


class Daemon:
    """`amfd` in a temporary directory of its own, gone with it at the end of the `with` block."""

    def __init__(self, program):
        self.program = pathlib.Path(program)
        self.folder = self.process = self.url = self.token = None

    def __enter__(self):
        if not self.program.exists():
            raise DemoError(f"{self.program} is not there; run scripts/demo, which builds it")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="amf-demo-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--data", self.data_path, "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,  # so that Ctrl-C reaches the demo, which then stops it in order
            )
        self.url = self._await_address()
        self.token = self.token_path.read_text().strip()

    def stop(self):
        """As a service manager would; by force when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reap()

    def kill(self):
        self.process.kill()
        self._reap()

    def _reap(self):
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    @property
    def data_path(self):
        return self.folder / "data"

    @property
    def token_path(self):
        return self.data_path / "admin.token"

    @property
    def log_path(self):
        return self.folder / "amfd.log"

    def log_tail(self):
        """The last lines of the daemon's log, for an error message."""
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "".join(f"\n    {line}" for line in lines[-10:])

    def _await_address(self):
        deadline, text = time.monotonic() + START_TIMEOUT_S, b""
        while b"\n" not in text:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DemoError(f"the daemon was not ready after {START_TIMEOUT_S} s{self.log_tail()}")
            if not select.select([self.process.stdout], [], [], left)[0]:
                continue
            more = self.process.stdout.read1(4096)
            if not more:
                raise DemoError(f"the daemon ended with status {self.process.wait()}{self.log_tail()}")
            text += more
        match = re.match(rb"listening on (http://\S+)\n", text)
        if not match:
            raise DemoError(f"the daemon said {text!r} instead of its address")
        return match.group(1).decode()


class Client:
    """Requests to one project; anything but a 2xx is a DemoError with the server's own words."""

    def __init__(self, url, token, project):
        self.project = f"/v1/projects/{project}"
        self._url, self._token = url, token
        # a proxy from the environment has no business with an address of this machine
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path):
        return self.request("GET", path)

    def send(self, method, path, body, key=None):
        """`body` as JSON; `key` is the Idempotency-Key that makes a retry harmless."""
        return self.request(method, path, json.dumps(body).encode(), "application/json", key)

    def request(self, method, path, data=None, content_type=None, key=None):
        headers = {"Authorization": f"Bearer {self._token}"}
        if content_type:
            headers["Content-Type"] = content_type
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=REQUEST_TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise DemoError(f"{method} {path} answered {error.code}: {problem_text(error)}") from None
        except (OSError, ValueError) as error:
            raise DemoError(f"{method} {path} failed: {error}") from None


def problem_text(error):
    """The sentence of a problem+json answer, with the field at fault."""
    text = error.read(4096).decode(errors="replace")
    try:
        problem = json.loads(text)
        return f"{problem['code']}: {problem['detail']}" + (f" (at {problem['at']})" if problem.get("at") else "")
    except (ValueError, KeyError, TypeError):
        return text


class Episodes:
    """The bundled recording, handed out per task in its own order."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.tasks = json.loads((folder / "tasks.json").read_text())["tasks"]
        self._left = {
            task["key"]: sorted((folder / task["key"]).glob("*.safetensors")) for task in self.tasks
        }

    def take(self, task):
        """The next episode of the task, as bytes of a safetensors file."""
        if not self._left[task]:
            raise DemoError(f"the recording has no more episodes of {task}")
        return self._left[task].pop(0).read_bytes()


def split_tensors(data):
    """(header, tensor bytes) of a safetensors file."""
    (length,) = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_metadata(data, **entries):
    """The same file with more entries in its `__metadata__`."""
    header, body = split_tensors(data)
    header["__metadata__"] = {**header["__metadata__"], **entries}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def as_json(data):
    """A demonstration of the file, in the API's JSON form."""
    header, body = split_tensors(data)
    metadata = header["__metadata__"]
    demonstration = {
        "task": metadata["task"],
        "success": metadata["success"] == "true",
        "source": metadata["source"],
    }
    for name in ("states", "actions"):
        rows, columns = header[name]["shape"]
        flat = struct.unpack_from(f"<{rows * columns}f", body, header[name]["data_offsets"][0])
        demonstration[name] = [flat[i * columns : (i + 1) * columns] for i in range(rows)]
    return demonstration
