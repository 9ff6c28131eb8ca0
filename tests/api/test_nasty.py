"""What a broken client, a curious one and an attacker send to uploads, lists and rankings: refused by name, kept exactly, or done once."""
import io
import os
import pickle
import socket
import struct
import sys
import threading
import unittest
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import TENSORS, Daemon, demonstration_file, matrix, safetensors, trajectory, wait_until

DEMONSTRATIONS = "/v1/projects/k/demonstrations"
JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}


def at_once(count, work):
    """work(i) in count threads that begin together; what each returned."""
    results, start = [None] * count, threading.Barrier(count)

    def run(i):
        start.wait()
        results[i] = work(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        for project in ("k", "other"):
            self.daemon.ok("POST", "/v1/projects", {"id": project})
        for task in ("a", "b"):
            self.daemon.ok("PUT", f"/v1/projects/k/tasks/{task}", {})
        self.daemon.ok("PUT", "/v1/projects/other/tasks/theirs", {})

    def held(self, project="k"):
        return self.daemon.ok("GET", f"/v1/projects/{project}/demonstrations?limit=500")["demonstrations"]

    def refused(self, answer, *allowed):
        """allowed: (status, code)."""
        self.assertIn((answer.status, answer.json["code"]), allowed, answer.body[:300])
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")


class Json(Case):
    def test_nobody_gives_himself_what_is_the_servers(self):
        for name, value in (("is_admin", True), ("owner", "me"), ("id", "d0000000001"), ("seq", 1), ("sha256", "0" * 64), ("at", "2026-11-21T00:00:00Z"),
                            ("steps", 3), ("__proto__", {}), ("constructor", {})):
            with self.subTest(name):
                self.refused(self.daemon.request("POST", DEMONSTRATIONS, {**trajectory("a", 1), name: value}), (422, "unknown_field"))
        for name, value in (("seq", 1), ("demonstrations", 9), ("scales", {}), ("created_at", "2026-11-21T00:00:00Z"), ("token", "x")):
            with self.subTest(name):
                self.refused(self.daemon.request("PATCH", "/v1/projects/k", {name: value}), (422, "unknown_field"))
        self.assertEqual(self.held(), [])

    def test_a_task_is_this_projects_or_none(self):
        for task in ("theirs", "A", "a ", " a", "../a", "a/../b", "'; DROP TABLE events; --", "a\n", "\U0001f34c", "e\u0301", "\u00e9", "a" * 65, "a" * 500000,
                     "%61", "", ".", "a\u202e"):
            with self.subTest(task[:40]):
                self.refused(self.daemon.request("POST", DEMONSTRATIONS, trajectory(task, 1)), (422, "unknown_task"), (422, "invalid_field"))
        self.assertEqual(self.held(), [])
        self.assertEqual(self.held("other"), [])

    def test_texts_come_back_byte_for_byte(self):
        texts = ["e\u0301", "\u00e9", "\U0001f469\u200d\U0001f52c", "\u202eabc", "<script>alert(1)</script>", "'; DROP TABLE events; --", "a\tb\nc\rd\x0b\x7f",
                 "\ufeff", "\ufffe\uffff", "%00", "\\u0000", "../../etc/passwd", "x" * 4096]
        for i, text in enumerate(texts):
            made = self.daemon.ok("POST", DEMONSTRATIONS, trajectory("a", i + 1, source=text, metadata={text[:64]: text}))
            shown = self.daemon.ok("GET", f"{DEMONSTRATIONS}/{made['id']}")
            self.assertEqual((shown["source"], shown["metadata"]), (text, {text[:64]: text}))

    def test_numbers_at_the_edge(self):
        for number in (1e308, -1e308, 1e39, 1000000.0000000001):
            body = trajectory("a", 1)
            body["states"][5][1] = number
            answer = self.daemon.request("POST", DEMONSTRATIONS, body)
            self.refused(answer, (422, "invalid_field"))
            self.assertEqual(answer.json["at"], "/states/5/1")
        body = trajectory("a", 1)
        body["states"][0] = [5e-324, -0.0, 1e6]
        made = self.daemon.ok("POST", DEMONSTRATIONS, body)
        self.assertEqual(str(self.daemon.ok("GET", f"{DEMONSTRATIONS}/{made['id']}")["states"][0]), str([5e-324, -0.0, 1000000]))
        for fence in (9223372036854775807, 2**53, -1, 0, 1.5, 1e300):
            answer = self.daemon.request("POST", "/v1/projects/k/assignments/a0000000001/complete", {"fence": fence, "demonstration_id": made["id"]})
            self.refused(answer, (422, "invalid_field"))
        self.refused(self.daemon.request("POST", "/v1/projects/k/assignments/a0000000001/complete", b'{"fence": 9223372036854775808}', JSON), (400, "malformed_json"))

    def test_lengths_that_do_not_fit(self):
        self.daemon.ok("POST", DEMONSTRATIONS, {"task": "a", "states": [[1, 2, 3]], "actions": [[1, 2]]})  # one step is enough
        for change, at in (({"states": [[1, 2, 3]] * 7 + [[1, 2]] + [[1, 2, 3]] * 4}, "/states/7"), ({"actions": [[]] * 12}, "/actions/0"),
                           ({"actions": [[1, 2]] * 11}, "/actions"), ({"states": [[0] * 4097] * 12}, "/states/0"), ({"states": [[1, 2]] * 12}, "/states")):
            answer = self.daemon.request("POST", DEMONSTRATIONS, {**trajectory("a", 1), **change})
            self.refused(answer, (422, "invalid_field"), (422, "wrong_dimension"))
            self.assertEqual(answer.json["at"], at)

    def test_many_names_and_long_ones(self):
        many = b"{" + b",".join(b'"k%d":0' % i for i in range(60000)) + b"}"
        long = b"{" + b",".join(b'"' + b"x" * 60000 + b'%d":0' % i for i in range(16)) + b"}"
        for metadata in (many, long):
            body = b'{"task":"a","states":[[1]],"actions":[[1]],"metadata":%s}' % metadata
            self.refused(self.daemon.request("POST", DEMONSTRATIONS, body, JSON), (422, "invalid_field"))
            self.refused(self.daemon.request("POST", "/v1/projects", metadata, JSON), (422, "unknown_field"))


class Files(Case):
    def test_other_formats_are_no_tensor_files(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("states.npy", b"\x93NUMPY\x01\x00")
        for data in (b"\x1f\x8b\x08" + bytes(60), archive.getvalue(), pickle.dumps({"states": [1]}), b"\x89HDF\r\n\x1a\n" + bytes(60),
                     b"\x93NUMPY\x01\x00" + bytes(60), b"%PDF-1.7\n" + bytes(60), struct.pack(">Q", 256) + b"{" + bytes(300), b"{}", b"task: a\n" * 20):
            with self.subTest(data[:12]):
                self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, OCTETS), (415, "unsupported_media_type"), (400, "malformed_tensors"))
                self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS), (400, "malformed_tensors"))

    def test_lengths_in_the_head_that_lie(self):
        good = demonstration_file(trajectory("a", 1))
        for length in (2**64 - 1, 2**63, 2**32, 100000001, 2**20 + 1, len(good) - 7, len(good) - 8, 0, 1):
            with self.subTest(length):
                self.refused(self.daemon.request("POST", DEMONSTRATIONS, struct.pack("<Q", length) + good[8:], TENSORS), (400, "malformed_tensors"))
        for data in (b"\0" * 7, b"\0" * 8, good[:-1], good + b"\0", good + b"PK\x03\x04", good + good):
            self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS), (400, "malformed_tensors"))
        self.assertEqual(self.held(), [])

    def test_a_head_that_asks_for_much_memory(self):
        for item in (b'"k%d":{}', b'"k%d":[0,0,0]', b'"k%d":""'):
            head = b'{"__metadata__":{' + b",".join(item % i for i in range(30000)) + b"}}"
            self.refused(self.daemon.request("POST", DEMONSTRATIONS, struct.pack("<Q", len(head)) + head, TENSORS), (400, "malformed_tensors"))

    def test_values_that_are_no_numbers_for_a_robot(self):
        nan, signalling, infinity = 0x7FF8 << 48, 0x7FF0000000000001, 0x7FF0 << 48
        for bits, code in ((nan, "not_finite"), (signalling, "not_finite"), (infinity, "not_finite"), (infinity | 1 << 63, "not_finite")):
            states = ("F64", [1, 2], struct.pack("<dQ", 1, bits))
            data = safetensors({"states": states, "actions": matrix([[1.0]])}, {"task": "a"})
            answer = self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS)
            self.refused(answer, (422, code))
            self.assertEqual(answer.json["at"], "tensor states")
        for dtype in ("BOOL", "I64", "BF16"):
            size = {"BOOL": 1, "I64": 8, "BF16": 2}[dtype]
            data = safetensors({"states": (dtype, [2, 1], b"\2" * 2 * size), "actions": matrix([[1.0]] * 2)}, {"task": "a"})
            self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS), (422, "invalid_tensor"))
        small = safetensors({"states": ("F16", [1, 1], b"\1\0"), "actions": matrix([[5e-324]])}, {"task": "a"})
        shown = self.daemon.ok("GET", f"{DEMONSTRATIONS}/{self.daemon.ok('POST', DEMONSTRATIONS, small, TENSORS)['id']}")
        self.assertEqual((shown["states"], shown["actions"]), ([[2.0**-24]], [[5e-324]]))

    def test_more_steps_or_columns_than_anyone_needs(self):
        for shape in ([1000001, 1], [1, 4097]):
            data = safetensors({"states": ("F16", shape, bytes(2 * shape[0] * shape[1])), "actions": ("F16", [shape[0], 1], bytes(2 * shape[0]))}, {"task": "a"})
            self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS), (422, "invalid_tensor"))

    def test_a_transposed_file_is_told_by_its_dimension(self):
        self.daemon.ok("POST", DEMONSTRATIONS, demonstration_file(trajectory("a", 1)), TENSORS)
        turned = [list(row) for row in zip(*trajectory("a", 2)["states"])]
        data = safetensors({"states": matrix(turned), "actions": matrix([[1.0, 2.0]] * 3)}, {"task": "a"})
        self.refused(self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS), (422, "wrong_dimension"))

    def test_the_same_file_from_eight_at_once_is_one_demonstration(self):
        data = demonstration_file(trajectory("a", 1))
        answers = at_once(8, lambda i: self.daemon.request("POST", DEMONSTRATIONS, data, TENSORS))
        self.assertEqual(sorted(answer.status for answer in answers), [200] * 7 + [201])
        self.assertEqual({answer.json["id"] for answer in answers}, {self.held()[0]["id"]})
        self.assertEqual(len(self.held()), 1)


class Retries(Case):
    def send_and_leave(self, body, key):
        head = (f"POST {DEMONSTRATIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.daemon.token}\r\nIdempotency-Key: {key}\r\n"
                f"Content-Type: application/vnd.safetensors\r\nContent-Length: {len(body)}\r\n\r\n")
        host, port = self.daemon.address.split(":")
        with socket.create_connection((host, int(port)), 10) as sent:
            sent.sendall(head.encode() + body)
            sent.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a farewell

    def test_a_client_that_leaves_before_the_answer_finds_it_stored_once(self):
        for i in range(20):
            body, key = demonstration_file(trajectory("a", i + 1)), f"left-{i}"
            self.send_and_leave(body, key)
            first = self.daemon.ok("POST", DEMONSTRATIONS, body, {**TENSORS, "Idempotency-Key": key})
            again = self.daemon.ok("POST", DEMONSTRATIONS, body, {**TENSORS, "Idempotency-Key": key})
            self.assertEqual(first, again)
        self.assertEqual(len(self.held()), 20)

    def test_half_a_body_leaves_nothing(self):
        body = demonstration_file(trajectory("a", 1))
        head = f"POST {DEMONSTRATIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.daemon.token}\r\nContent-Type: application/vnd.safetensors\r\n"
        host, port = self.daemon.address.split(":")
        for cut in (0, 7, 8, 60, len(body) - 1):
            with socket.create_connection((host, int(port)), 10) as sent:
                sent.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:cut])
        self.daemon.ok("GET", "/readyz")
        self.assertEqual(self.held(), [])


class Rankings(Case):
    def test_a_project_that_goes_while_it_is_ranked_is_gone(self):
        for round_ in range(3):
            self.daemon.ok("POST", "/v1/projects", {"id": "brief"})
            self.daemon.ok("PUT", "/v1/projects/brief/tasks/a", {})
            for i in range(6):
                self.daemon.ok("POST", "/v1/projects/brief/demonstrations", trajectory("a", i + 1, steps=40))

            def work(i):
                if i == 0:
                    return self.daemon.request("DELETE", "/v1/projects/brief")
                if i % 2:
                    return self.daemon.request("GET", "/v1/projects/brief/ranking?wait_s=5")
                return self.daemon.request("POST", "/v1/projects/brief/assignments", {"operator": f"o{i}"})

            answers = at_once(12, work)
            self.assertEqual(answers[0].status, 204)
            self.assertLessEqual({answer.status for answer in answers[1:]}, {200, 201, 404, 503}, [a.body[:200] for a in answers if a.status >= 500])
            wait_until(lambda: self.daemon.request("GET", "/v1/projects/brief").status == 404)


class Lists(Case):
    LISTS = ("/v1/projects", "/v1/projects/k/tasks", DEMONSTRATIONS, "/v1/projects/k/assignments")

    def test_parameters_that_mean_nothing_are_refused(self):
        for path in self.LISTS:
            for query in ("limit=0", "limit=-1", "limit=501", "limit=1e18", "limit=10abc", "limit=1&limit=2", "limit=", "limit", "limit=%31%00", "limit=+1",
                          "cursor=", "cursor=" + "x" * 300, "cursor=%00", "cursor=../..", "cursor='%20OR%201=1", "sort=name;DROP", "q=%25", "order=desc",
                          "offset=10", "filter[task]=a", "access_token=x", "fields=id", "page=2", "limit=1&&cursor=a", "=1", "Limit=5"):
                with self.subTest(path=path, query=query[:40]):
                    self.refused(self.daemon.request("GET", f"{path}?{query}"), (400, "invalid_query"))

    def test_a_cursor_of_another_list_or_project_tells_nothing(self):
        for i in range(3):
            self.daemon.ok("POST", DEMONSTRATIONS, trajectory("a", i + 1))
        cursor = self.daemon.ok("GET", f"{DEMONSTRATIONS}?limit=1")["next_cursor"]
        for path in ("/v1/projects/other/demonstrations", "/v1/projects/other/tasks", "/v1/projects/k/assignments"):
            answer = self.daemon.request("GET", f"{path}?cursor={cursor}")
            self.assertIn(answer.status, (200, 400), answer.body)
            if answer.status == 200:
                self.assertNotIn(b"d00", answer.body)
        self.assertEqual(self.daemon.request("GET", f"{DEMONSTRATIONS}?cursor={cursor[:-1]}x").status, 400)

    def test_paging_while_the_list_changes(self):
        for i in range(30):
            self.daemon.ok("POST", DEMONSTRATIONS, trajectory("a", i + 1))
        before, seen, cursor, number = {d["id"] for d in self.held()}, [], None, 100
        while cursor or not seen:
            page = self.daemon.ok("GET", f"{DEMONSTRATIONS}?limit=4" + (f"&cursor={cursor}" if cursor else ""))
            seen += [d["id"] for d in page["demonstrations"]]
            cursor, number = page["next_cursor"], number + 1
            self.daemon.ok("POST", DEMONSTRATIONS, trajectory("b", number))
            self.daemon.ok("DELETE", f"{DEMONSTRATIONS}/{seen[-1]}", {"reason": "test"})  # the very one the cursor stands at
            self.assertLess(number, 200)
        self.assertEqual(len(seen), len(set(seen)))
        self.assertLessEqual(before, set(seen))


if __name__ == "__main__":
    tap.main()
