"""Uploads of tensors, while they arrive: refused by their first bytes, held once, gone when broken off."""
import json
import pathlib
import socket
import struct
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import tap  # noqa: E402
from daemon import AMFD, TENSORS, Daemon, demonstration_file, matrix, safetensors, trajectory, wait_until  # noqa: E402

PATH = "/v1/projects/p/demonstrations"
MIB = 1 << 20


def setUpModule():
    global daemon
    daemon = Daemon()
    daemon.ok("POST", "/v1/projects", {"id": "p"})
    daemon.ok("PUT", "/v1/projects/p/tasks/pour", {})
    daemon.ok("POST", PATH, trajectory("pour", 0))  # settles the dimensions: 3 and 2


def tearDownModule():
    daemon.close()


class Upload:
    """A POST whose body the test sends as it likes."""

    def __init__(self, length, path=PATH, **headers):
        address = urllib.parse.urlsplit(daemon.url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=20)
        sent = {"Host": "t", "Authorization": f"Bearer {daemon.token}", **TENSORS}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": length}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self.chunked = length is None
        self.socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, data):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    def answer(self):
        """Everything up to the end of the connection."""
        data = b""
        while more := self.socket.recv(65536):
            data += more
        self.socket.close()
        return data

    def problem(self):
        head, _, body = self.answer().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


def head_of(states, actions, metadata=None, dtype="F64", between=0):
    """The head of a file and how long the whole would be; sizes are those of the shapes."""
    width = {"F64": 8, "F32": 4, "F16": 2, "I64": 8}[dtype]
    first, second = states[0] * states[1] * width, actions[0] * actions[1] * width
    header = {"__metadata__": metadata or {"task": "pour"},
              "states": {"dtype": dtype, "shape": states, "data_offsets": [0, first]},
              "actions": {"dtype": dtype, "shape": actions,
                          "data_offsets": [first + between, first + between + second]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text, 8 + len(text) + first + between + second


def count():
    return len(daemon.ok("GET", PATH)["demonstrations"])


class Refused(unittest.TestCase):
    """Of megabytes announced the head is sent, and nothing more until the answer is there."""

    def refused(self, head, length, status, code, at, **more):
        before = count()
        for said in (length, None):
            with self.subTest(code=code, chunked=said is None):
                upload = Upload(said, **more)
                upload.send(head)
                got, problem = upload.problem()
                self.assertEqual((got, problem["code"], problem.get("at", "")), (status, code, at))
        self.assertEqual(count(), before)

    def test_what_the_project_refuses(self):
        head, length = head_of([100000, 4], [100000, 2])
        self.refused(head, length, 422, "wrong_dimension", "/states")
        head, length = head_of([100000, 3], [100000, 2], {"task": "nobody"})
        self.refused(head, length, 422, "unknown_task", "/task")
        head, length = head_of([100000, 3], [100000, 2])
        self.refused(head, length, 404, "project_not_found", "", path="/v1/projects/q/demonstrations")

    def test_what_the_format_refuses(self):
        head, length = head_of([100000, 3], [100000, 2], dtype="I64")
        self.refused(head, length, 422, "invalid_tensor", "tensor states")
        head, length = head_of([100000, 3], [100001, 2])
        self.refused(head, length, 422, "invalid_field", "tensor actions")
        head, length = head_of([100000, 3], [100000, 2], between=8)
        self.refused(head, length, 400, "malformed_tensors", "tensor actions")
        self.refused(struct.pack("<Q", 1 << 40), 8 * MIB, 400, "malformed_tensors", "header")
        self.refused(struct.pack("<Q", 8) + b"[1,2,3]}", 8 * MIB, 400, "malformed_tensors", "header")

    def test_what_would_be_too_large_as_float64(self):
        head, length = head_of([4000, 4000], [4000, 1], dtype="F16")
        self.refused(head, length, 413, "body_too_large", "")

    def test_a_length_that_is_not_the_heads(self):
        head, length = head_of([100000, 3], [100000, 2])
        for wrong in (length - 1, length + 1):
            upload = Upload(wrong)
            upload.send(head)
            status, problem = upload.problem()
            self.assertEqual((status, problem["code"]), (400, "malformed_tensors"))

    def test_octets_that_are_no_tensors(self):
        upload = Upload(8 * MIB, Content_Type="application/octet-stream")
        upload.send(b"PK\x03\x04aaaaaaaaaaaa")
        self.assertEqual(upload.problem()[0], 415)

    def test_a_number_that_is_none(self):
        head, length = head_of([100000, 3], [100000, 2])
        upload = Upload(length)
        upload.send(head + struct.pack("<7d", 1, 2, 3, 4, float("nan"), 6, 7))
        status, problem = upload.problem()
        self.assertEqual((status, problem["code"], problem["at"]), (422, "not_finite", "tensor states"))
        self.assertIn("row 1, column 1", problem["detail"])

    def test_a_file_that_ends_too_early_or_late_in_chunks(self):
        file = demonstration_file(trajectory("pour", 1))
        for data in (file[:-1], file + b"x", file[:4]):
            upload = Upload(None, Connection="close")
            upload.send(data)
            upload.socket.sendall(b"0\r\n\r\n")
            status, problem = upload.problem()
            self.assertEqual((status, problem["code"]), (400, "malformed_tensors"))

    def test_who_sends_first_and_listens_later(self):
        head, length = head_of([400000, 4], [400000, 2])
        answer = daemon.request("POST", PATH, head + bytes(length - len(head)), TENSORS)
        self.assertEqual((answer.status, answer.json["code"]), (422, "wrong_dimension"))
        self.assertEqual(answer.headers["Connection"], "close")

    def test_nothing_hides_behind_a_refused_body(self):
        head, length = head_of([10, 4], [10, 2])
        upload = Upload(length)
        hidden = b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"
        upload.send(head)
        try:
            upload.send(bytes(length - len(head)) + hidden)
        except (BrokenPipeError, ConnectionResetError):
            pass
        data = b""
        try:
            data = upload.answer()
        except ConnectionResetError:
            pass
        self.assertNotIn(b"HTTP/1.1 200", data)


class Taken(unittest.TestCase):
    def test_in_pieces_of_any_size(self):
        file = demonstration_file(trajectory("pour", 2), dtype="F32")
        whole = daemon.ok("POST", PATH, file, TENSORS)
        for size in (1, 7, 1000):
            upload = Upload(None, Connection="close")
            for at in range(0, len(file), size):
                upload.send(file[at:at + size])
            upload.socket.sendall(b"0\r\n\r\n")
            stored = json.loads(upload.answer().partition(b"\r\n\r\n")[2])
            self.assertEqual((stored["id"], stored["duplicate"]), (whole["id"], True))

    def test_the_stored_file_is_the_same_for_json_and_tensors(self):
        demonstration = trajectory("pour", 3)
        as_json = daemon.ok("POST", PATH, demonstration)["id"]
        accept = {"Accept": TENSORS["Content-Type"]}
        first = daemon.request("GET", f"{PATH}/{as_json}", headers=accept).body
        daemon.ok("DELETE", f"{PATH}/{as_json}", {"reason": "again, as tensors"})
        as_tensors = daemon.ok("POST", PATH, demonstration_file(demonstration), TENSORS)
        self.assertFalse(as_tensors["duplicate"])
        self.assertEqual(daemon.request("GET", f"{PATH}/{as_tensors['id']}", headers=accept).body, first)

    def test_octets_that_are_tensors(self):
        file = demonstration_file(trajectory("pour", 4))
        daemon.ok("POST", PATH, file, {"Content-Type": "application/octet-stream"}, status=201)

    @unittest.skipIf(b"__asan_init" in pathlib.Path(AMFD).read_bytes(), "a sanitizer has memory of its own")
    def test_a_large_one_is_held_once(self):
        def peak():
            status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
            return int(status.partition("VmHWM:")[2].split()[0]) * 1024

        daemon.ok("POST", "/v1/projects", {"id": "large"})
        daemon.ok("PUT", "/v1/projects/large/tasks/pour", {})
        head, length = head_of([4096, 750], [4096, 750])
        file, before = head + struct.pack("<d", 0.5) * ((length - len(head)) // 8), peak()
        daemon.ok("POST", "/v1/projects/large/demonstrations", file, TENSORS, status=201)
        # Once here, and once in SQLite while its one writer writes the row: 2, and half for the rest.
        self.assertLess(peak() - before, 2.5 * length)


class BrokenOff(unittest.TestCase):
    def test_leaves_nothing(self):
        before = count()
        head, length = head_of([400000, 12], [400000, 7], {"task": "pour"})
        daemon.ok("POST", "/v1/projects", {"id": "wide"})
        daemon.ok("PUT", "/v1/projects/wide/tasks/pour", {})
        rest = bytes(length - len(head) - 1)
        for _ in range(10):  # more than all bodies together may take, if any of them stayed
            upload = Upload(length, path="/v1/projects/wide/demonstrations")
            upload.send(head)
            upload.send(rest)
            upload.socket.close()
        self.assertEqual(count(), before)
        self.assertEqual(daemon.ok("GET", "/v1/projects/wide/demonstrations")["demonstrations"], [])
        daemon.ok("POST", PATH, demonstration_file(trajectory("pour", 5)), TENSORS, status=201)


class OneToken(unittest.TestCase):
    PATH = "/v1/projects/crowded/demonstrations"

    def hold(self, steps, columns, token):
        """An upload that lacks its last byte; how much memory it is worth."""
        head, length = head_of([steps, columns], [steps, 1])
        upload = Upload(length, path=self.PATH, Authorization=f"Bearer {token}")
        self.addCleanup(upload.socket.close)
        try:
            upload.send(head)
            upload.send(bytes(length - len(head) - 1))
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused already
        wait_until(self.all_is_read)
        return length - 16

    @staticmethod
    def all_is_read():
        """Whether nothing is on its way to the daemon: no queue of the kernel holds anything for its port."""
        port = f":{urllib.parse.urlsplit(daemon.url).port:04X}"
        for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            _, local, remote, state, queues, *_ = line.split()
            sent, received = (int(queue, 16) for queue in queues.split(":"))
            if state == "01" and (local.endswith(port) and received or remote.endswith(port) and sent):
                return False
        return True

    def test_fills_its_half_and_keeps_nobody_from_working(self):
        daemon.ok("POST", "/v1/projects", {"id": "crowded"})
        daemon.ok("PUT", "/v1/projects/crowded/tasks/pour", {})
        wild = daemon.ok("POST", "/v1/tokens", {"name": "wild", "role": "operator", "project": "crowded"})["token"]
        mine = {"Authorization": f"Bearer {wild}"}
        left = 512 * MIB - sum(self.hold(2047, 4095, wild) for _ in range(8))
        left -= self.hold((left - 3000) // 8 // 4096, 4095, wild)
        self.hold((left - 400) // 16, 1, wild)
        head, length = head_of([4096, 40], [4096, 1])
        large = head + bytes(length - len(head))
        self.assertGreater(length, MIB)
        answer = daemon.request("POST", self.PATH, large, {**TENSORS, **mine})
        self.assertEqual((answer.status, answer.json["code"]), (503, "overloaded"))
        daemon.ok("POST", self.PATH, large, TENSORS, status=201)
        daemon.ok("POST", PATH, trajectory("pour", 8, steps=2000), status=201)
        daemon.ok("PATCH", "/v1/projects/crowded", {"title": "x"})
        daemon.ok("POST", "/v1/projects/crowded/assignments", {})
        daemon.ok("POST", "/v1/projects/crowded/assignments", {}, mine)


def make_again(project):
    """A project of that id with the task `pour`, in place of the one that there may be."""
    daemon.request("DELETE", f"/v1/projects/{project}")
    daemon.ok("POST", "/v1/projects", {"id": project})
    daemon.ok("PUT", f"/v1/projects/{project}/tasks/pour", {})


class DeletedAndMadeAgain(unittest.TestCase):
    path = "/v1/projects/again/demonstrations"

    def held(self):
        return daemon.ok("GET", self.path)["demonstrations"]

    def test_an_upload_under_way_is_not_for_the_next_project(self):
        demonstration = trajectory("pour", 8)
        for body, headers in ((demonstration_file(demonstration), {}),
                              (demonstration_file(demonstration), {"Idempotency_Key": "under-way"}),
                              (json.dumps(demonstration).encode(), {"Content_Type": "application/json"})):
            with self.subTest(headers=headers):
                make_again("again")
                upload = Upload(len(body), path=self.path, Connection="close", Expect="100-continue", **headers)
                self.assertIn(b"100 Continue", upload.socket.recv(65536))
                upload.send(body[:-1])
                make_again("again")
                upload.send(body[-1:])
                status, problem = upload.problem()
                self.assertEqual((status, problem["code"]), (404, "project_not_found"))
                self.assertEqual(self.held(), [])

    def test_a_key_answers_for_the_project_it_was_used_in(self):
        file, headers = demonstration_file(trajectory("pour", 9)), {**TENSORS, "Idempotency-Key": "again-9"}
        make_again("again")
        first = daemon.request("POST", self.path, file, headers)
        self.assertEqual(first.body, daemon.request("POST", self.path, file, headers).body)
        daemon.ok("DELETE", "/v1/projects/again")
        gone = daemon.request("POST", self.path, file, headers)
        self.assertEqual((gone.status, gone.json["code"]), (404, "project_not_found"))
        make_again("again")
        second = daemon.request("POST", self.path, file, headers)
        self.assertEqual((second.status, second.json["duplicate"]), (201, False))
        self.assertEqual([d["id"] for d in self.held()], [second.json["id"]])
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.request("POST", self.path, file, headers).body, second.body)
        other = daemon.request("POST", self.path, demonstration_file(trajectory("pour", 10)), headers)
        self.assertEqual(other.json["code"], "key_reused")

    def test_an_import_with_a_known_key(self):
        make_again("again")
        archive = daemon.request("GET", "/v1/projects/again/export").body
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": "import-again"}
        for _ in range(2):
            first = daemon.request("POST", "/v1/projects/copy/import", archive, headers)
            self.assertEqual((first.status, daemon.request("POST", "/v1/projects/copy/import", archive, headers).body), (201, first.body))
            daemon.ok("GET", "/v1/projects/copy")
            daemon.ok("DELETE", "/v1/projects/copy")

    def test_a_deletion_that_is_repeated_deletes_nothing_new(self):
        for path in ("/v1/projects/again", "/v1/projects/again/tasks/pour"):
            headers = {"Idempotency-Key": f"delete-{len(path)}"}
            make_again("again")
            daemon.ok("DELETE", path, headers=headers, status=204)
            make_again("again")
            self.assertEqual(daemon.request("DELETE", path, headers=headers).status, 204)
            daemon.ok("GET", "/v1/projects/again/tasks/pour")


class Keys(unittest.TestCase):
    def test_a_known_key_answers_whatever_has_become_of_the_project(self):
        daemon.ok("PUT", "/v1/projects/p/tasks/stir", {})
        file, headers = demonstration_file(trajectory("stir", 6)), {**TENSORS, "Idempotency-Key": "stir-6"}
        first = daemon.request("POST", PATH, file, headers)
        self.assertEqual(first.status, 201)
        daemon.ok("DELETE", f"{PATH}/{first.json['id']}")
        daemon.ok("DELETE", "/v1/projects/p/tasks/stir")
        again = daemon.request("POST", PATH, file, headers)
        self.assertEqual((again.status, again.body), (201, first.body))
        self.assertEqual(daemon.request("POST", PATH, file, TENSORS).json["code"], "unknown_task")

    def test_a_known_key_with_another_file(self):
        headers = {**TENSORS, "Idempotency-Key": "pour-7"}
        daemon.ok("POST", PATH, demonstration_file(trajectory("pour", 7)), headers)
        other = safetensors({"states": matrix([[1, 2]]), "actions": matrix([[1]])}, {"task": "pour"})
        self.assertEqual(daemon.request("POST", PATH, other, headers).json["code"], "key_reused")

    def test_a_new_key_is_refused_early(self):
        head, length = head_of([100000, 4], [100000, 2])
        upload = Upload(length, Idempotency_Key="new-1")
        upload.send(head)
        self.assertEqual(upload.problem()[1]["code"], "wrong_dimension")


if __name__ == "__main__":
    tap.main()
