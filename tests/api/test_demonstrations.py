"""Demonstrations: both formats, duplicates, and everything that must be refused without a trace."""
import math
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import TENSORS, Daemon, demonstration_file, matrix, safetensors, trajectory

PATH = "/v1/projects/p/demonstrations"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.daemon.ok("POST", "/v1/projects", {"id": "p"})
        for task in "ab":
            cls.daemon.ok("PUT", f"/v1/projects/p/tasks/{task}", {})
        cls.first = cls.daemon.ok("POST", PATH, trajectory("a", 1), status=201)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def held(self):
        return [d["id"] for d in self.daemon.ok("GET", f"{PATH}?limit=500")["demonstrations"]]


class Stored(Case):
    def test_what_was_posted_comes_back_number_for_number(self):
        posted = trajectory("b", 3.3, operator="anna", robot="r1", duration_s=12.5, source="test",
                            metadata={"scene": {"cups": 2}})
        stored = self.daemon.ok("POST", PATH, posted, status=201)
        self.assertEqual(stored["steps"], 12)
        self.assertFalse(stored["duplicate"])
        got = self.daemon.ok("GET", f"{PATH}/{stored['id']}")
        for key, value in posted.items():
            self.assertEqual(got[key], value, key)
        self.assertEqual((got["sha256"], got["seq"]), (stored["sha256"], stored["seq"]))

    def test_a_copy_may_name_an_assignment_of_another_project(self):
        stored = self.daemon.ok("POST", PATH, trajectory("b", 4.4, assignment="a0000000099"), status=201)
        self.assertEqual(self.daemon.ok("GET", f"{PATH}/{stored['id']}")["assignment"], "a0000000099")

    def test_safetensors_out_is_safetensors_in(self):
        answer = self.daemon.request("GET", f"{PATH}/{self.first['id']}",
                                     headers={"Accept": "application/vnd.safetensors"})
        self.assertEqual(answer.headers["Content-Type"], "application/vnd.safetensors")
        again = self.daemon.ok("POST", PATH, answer.body, TENSORS, status=200)
        self.assertTrue(again["duplicate"])
        self.assertEqual(again["id"], self.first["id"])

    def test_the_same_content_is_recognised_in_either_format(self):
        half = [[0.5, 1.25], [2.0, -0.75], [0.0, 4.0]]  # exact in float32
        posted = {"task": "b", "states": [r + [1.0] for r in half], "actions": half}
        stored = self.daemon.ok("POST", PATH, posted, status=201)
        for dtype in ("F64", "F32", "F16"):
            again = self.daemon.ok("POST", PATH, demonstration_file(posted, dtype), TENSORS, status=200)
            self.assertEqual((again["id"], again["duplicate"]), (stored["id"], True))
        octets = {"Content-Type": "application/octet-stream"}
        self.assertTrue(self.daemon.ok("POST", PATH, demonstration_file(posted), octets)["duplicate"])
        for other in ({**posted, "success": False}, {**posted, "role": "pretraining"}, {**posted, "task": "a"}):
            self.assertEqual(self.daemon.ok("POST", PATH, other, status=201)["duplicate"], False)

    def test_roles_and_failures_are_counted_apart(self):
        daemon = self.daemon
        daemon.ok("POST", "/v1/projects", {"id": "roles"})
        daemon.ok("PUT", "/v1/projects/roles/tasks/a", {})
        for seed, more in enumerate([{}, {}, {"success": False}, {"role": "pretraining"},
                                     {"role": "rollout"}, {"role": "rollout", "success": False}]):
            daemon.ok("POST", "/v1/projects/roles/demonstrations", trajectory("a", seed, **more), status=201)
        task = daemon.ok("GET", "/v1/projects/roles/tasks/a")
        self.assertEqual((task["demonstrations"], task["pretraining_demonstrations"], task["rollouts"],
                          task["success_rate"]), (2, 1, 2, 0.5))

    def test_a_retracted_one_is_gone_and_may_be_posted_again(self):
        stored = self.daemon.ok("POST", PATH, trajectory("a", 77), status=201)
        gone = self.daemon.request("DELETE", f"{PATH}/{stored['id']}", {"reason": "wrong scene"})
        self.assertEqual(gone.status, 204)
        self.assertEqual(self.daemon.request("GET", f"{PATH}/{stored['id']}").status, 404)
        self.assertEqual(self.daemon.request("DELETE", f"{PATH}/{stored['id']}").status, 404)
        again = self.daemon.ok("POST", PATH, trajectory("a", 77), status=201)
        self.assertNotEqual(again["id"], stored["id"])

    def test_lists_page_in_the_order_of_arrival_without_trajectories(self):
        ids, cursor = [], ""
        while cursor is not None:
            page = self.daemon.ok("GET", f"{PATH}?limit=2" + (f"&cursor={cursor}" if cursor else ""))
            for item in page["demonstrations"]:
                self.assertNotIn("states", item)
            ids += [item["id"] for item in page["demonstrations"]]
            cursor = page["next_cursor"]
        self.assertEqual(ids, self.held())
        self.assertEqual(ids, sorted(ids))


class Refused(Case):
    """Each of these leaves nothing behind."""

    def refuse(self, body, status, code, at, headers=None, name=""):
        before = self.held()
        answer = self.daemon.request("POST", PATH, body, headers)
        with self.subTest(name or str(body)[:60]):
            self.assertEqual(answer.status, status, answer.body)
            self.assertEqual(answer.json["code"], code, answer.body)
            self.assertEqual(answer.json["at"], at, answer.body)
            self.assertEqual(self.held(), before)

    def test_json(self):
        good = trajectory("a", 9)
        states, actions = good["states"], good["actions"]
        ragged = states[:3] + [states[3][:2]] + states[4:]
        for body, status, code, at in [
                (b"", 400, "malformed_json", ""),
                (b'{"task":"a","states":[[1,2,NaN]]', 400, "malformed_json", "/states/0/2"),
                (b'{"task":"a","states":[[1,2,3],[NaN,1,2]],"actions":[[1,2]]}', 400, "malformed_json", "/states/1/0"),
                (b'{"task":"a","states":[[1e999,1,2]],"actions":[[1,2]]}', 400, "malformed_json", "/states/0/0"),
                (b'{"task":"a\\",[{","duration_s": Infinity}', 400, "malformed_json", "/duration_s"),
                (b'{"task":"a","metadata":{"x":1},"states":[[1,2,3]],"actions":[[0.5,-Infinity]]}', 400, "malformed_json",
                 "/actions/0/1"),
                (b'{"task":"a","task":"b"}', 400, "malformed_json", None),
                (b"[]", 400, "malformed_json", ""),
                ({**good, "states": states[:1] + [[1, None, 2]] + states[2:]}, 422, "invalid_field", "/states/1/1"),
                ({**good, "states": states[:1] + [[1, "2", 2]] + states[2:]}, 422, "invalid_field", "/states/1/1"),
                ({**good, "states": states[:1] + [[1, 1e300, 2]] + states[2:]}, 422, "invalid_field", "/states/1/1"),
                ({**good, "states": ragged}, 422, "invalid_field", "/states/3"),
                ({**good, "states": [row[:2] for row in states]}, 422, "wrong_dimension", "/states"),
                ({**good, "actions": [row + [0.0] for row in actions]}, 422, "wrong_dimension", "/actions"),
                ({**good, "actions": actions[:-1]}, 422, "invalid_field", "/actions"),
                ({**good, "states": [], "actions": []}, 422, "empty_trajectory", "/states"),
                ({**good, "states": [[]], "actions": [[]]}, 422, None, None),
                ({**good, "task": "nobody"}, 422, "unknown_task", "/task"),
                ({**good, "colour": "red"}, 422, "unknown_field", "/colour"),
                ({**good, "id": "d0000000001"}, 422, None, "/id"),
                ({k: v for k, v in good.items() if k != "task"}, 422, "missing_field", "/task"),
                ({**good, "role": "teacher"}, 422, "invalid_field", "/role"),
                ({**good, "success": "yes"}, 422, "invalid_field", "/success"),
                ({**good, "duration_s": -1}, 422, "invalid_field", "/duration_s"),
        ]:
            with self.subTest(str(body)[:80]):
                before = self.held()
                headers = {"Content-Type": "application/json"}
                answer = self.daemon.request("POST", PATH, body, headers)
                self.assertEqual(answer.status, status, answer.body)
                self.assertIn("request_id", answer.json)
                if code:
                    self.assertEqual(answer.json["code"], code, answer.body)
                if at is not None:
                    self.assertEqual(answer.json["at"], at, answer.body)
                self.assertEqual(self.held(), before)

    def test_safetensors(self):
        good = trajectory("a", 9)
        whole = demonstration_file(good)
        states, actions = matrix(good["states"]), matrix(good["actions"])

        def with_number(value):
            rows = [list(row) for row in good["states"]]
            rows[4][1] = value
            return safetensors({"states": matrix(rows), "actions": actions}, {"task": "a"})

        for name, body, status, at in [
                ("empty", b"", 400, None), ("seven bytes", whole[:7], 400, None),
                ("cut in the header", whole[:40], 400, None), ("cut in a tensor", whole[:-3], 400, None),
                ("a tail", whole + b"PK", 400, None),
                ("NaN", with_number(math.nan), 422, "tensor states"),
                ("infinity", with_number(math.inf), 422, "tensor states"),
                ("no actions", safetensors({"states": states}, {"task": "a"}), 422, "tensor actions"),
                ("no task", safetensors({"states": states, "actions": actions}, {}), 422, "metadata task"),
                ("foreign tensor", safetensors({"states": states, "actions": actions, "images": states},
                                               {"task": "a"}), 422, "tensor images"),
                ("integers", safetensors({"states": ("I64",) + states[1:], "actions": actions}, {"task": "a"}),
                 422, "tensor states"),
                ("rank 1", safetensors({"states": ("F64", [36], states[2]), "actions": actions}, {"task": "a"}),
                 422, "tensor states"),
                ("other lengths", safetensors({"states": states, "actions": matrix(good["actions"][:-1])},
                                              {"task": "a"}), 422, "tensor actions"),
                ("no steps", safetensors({"states": ("F64", [0, 3], b""), "actions": ("F64", [0, 2], b"")},
                                         {"task": "a"}), 422, "tensor states"),
                ("success maybe", safetensors({"states": states, "actions": actions},
                                              {"task": "a", "success": "maybe"}), 422, "metadata success"),
                ("gzip", b"\x1f\x8b\x08" + whole, 400, None),
        ]:
            with self.subTest(name):
                before = self.held()
                answer = self.daemon.request("POST", PATH, body, TENSORS)
                self.assertEqual(answer.status, status, answer.body)
                if at is not None:
                    self.assertEqual(answer.json["at"], at, answer.body)
                self.assertEqual(self.held(), before)

    def test_a_number_that_is_not_finite_names_its_step(self):
        rows = [list(row) for row in trajectory("a", 9)["states"]]
        rows[4][1] = math.nan
        body = safetensors({"states": matrix(rows), "actions": matrix(trajectory("a", 9)["actions"])}, {"task": "a"})
        detail = self.daemon.request("POST", PATH, body, TENSORS).json["detail"]
        self.assertRegex(detail, r"\b4\b")

    def test_too_large(self):
        big = b'{"task":"' + b"a" * (1 << 20) + b'"}'
        answer = self.daemon.request("POST", PATH, big, {"Content-Type": "application/json"})
        self.assertEqual((answer.status, answer.json["code"]), (413, "body_too_large"))

    def test_too_large_once_it_is_float64(self):
        steps = 1_100_000
        body = safetensors({"states": ("F16", [steps, 4], bytes(8 * steps)),
                            "actions": ("F16", [steps, 4], bytes(8 * steps))}, {"task": "a"})
        before = self.held()
        answer = self.daemon.request("POST", PATH, body, TENSORS)
        self.assertEqual(answer.status // 100, 4, answer.body)
        self.assertEqual(self.held(), before)

    def test_a_body_of_another_type(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"):
            answer = self.daemon.request("POST", PATH, b"{}", {"Content-Type": kind})
            self.assertEqual((answer.status, answer.json["code"]), (415, "unsupported_media_type"), kind)


if __name__ == "__main__":
    tap.main()
