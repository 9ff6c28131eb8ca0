"""Settings out of range, graphs that fit nothing, numbers at the edge: refused by name, and never a NaN."""
import json
import os
import pathlib
import sys
import unittest

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, trajectory

CONTRACT = yaml.safe_load((pathlib.Path(__file__).parents[2] / "proto/openapi.yaml").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]
TASKS = ("a", "b", "c")


def numbers(schema, path=()):
    """(path, schema) of every number a project's settings can hold directly."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if {"number", "integer"} & set(kinds):
        yield path, schema
    for choice in schema.get("oneOf", ()):
        yield from numbers(choice, path)
    for name, member in schema.get("properties", {}).items():
        yield from numbers(member, path + (name,))


def settings(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


def beyond(schema):
    """Values just outside of a number's range."""
    step = 1 if schema["type"] == "integer" or "integer" in schema["type"] else 1e-12
    if "minimum" in schema:
        yield schema["minimum"] - step
    if "maximum" in schema:
        yield schema["maximum"] * 2 + 1
    if "exclusiveMaximum" in schema:
        yield schema["exclusiveMaximum"]


def strict(answer):
    """The answer's JSON, which has no word for NaN."""
    def refuse(name):
        raise AssertionError(f"{name} in {answer.body[:300]}")
    return json.loads(answer.body, parse_constant=refuse)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def refused(self, method, path, body, code, at):
        answer = self.daemon.request(method, path, body)
        self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (422, code, at), answer.body)
        self.assertTrue(answer.json["detail"])

    def fill(self, project, held=4, roles=("both",) * 3, **more):
        self.daemon.ok("POST", "/v1/projects", {"id": project, **more})
        for i, (task, role) in enumerate(zip(TASKS, roles)):
            vector = [i, 1.5 * i * i] if more.get("kernel", {}).get("task") == "vector" else None
            self.daemon.ok("PUT", f"/v1/projects/{project}/tasks/{task}", {"role": role, "vector": vector})
        for i in range(held):
            self.daemon.ok("POST", f"/v1/projects/{project}/demonstrations", trajectory(TASKS[i % 2], i + 1))


class Settings(Case):
    def test_every_number_has_a_range_and_is_named_when_it_leaves_it(self):
        found = list(numbers(SCHEMAS["ProjectPatch"]))
        self.assertGreater(len(found), 20)
        for path, schema in found:
            if "graph" in path:
                continue  # which cannot be given by half; see below
            pointer = "/" + "/".join(path)
            for value in [*beyond(schema), True, "x"]:
                with self.subTest(at=pointer, value=value):
                    self.refused("POST", "/v1/projects", {"id": "x", **settings(path, value)}, "invalid_field", pointer)
        self.assertEqual(self.daemon.request("GET", "/v1/projects/x").status, 404)

    def test_words_of_javascript_are_not_numbers(self):
        for word in ("NaN", "Infinity", "-Infinity", "1e400"):
            body = f'{{"id": "x", "noise_std": {word}}}'.encode()
            answer = self.daemon.request("POST", "/v1/projects", body, {"Content-Type": "application/json"})
            self.assertEqual((answer.status, answer.json["code"]), (400, "malformed_json"), answer.body)


class Graphs(Case):
    def test_a_graph_names_what_is_wrong_with_it(self):
        good = {"nodes": ["a", "b"], "edges": [[0, 1, 1.0]], "lambda": 0.5}
        for change, at in [({"nodes": []}, "/kernel/graph/nodes"),
                           ({"nodes": [f"n{i}" for i in range(513)], "edges": []}, "/kernel/graph/nodes"),
                           ({"nodes": ["a", "a"]}, "/kernel/graph/nodes/1"),
                           ({"nodes": ["a", "no key"]}, "/kernel/graph/nodes/1"),
                           ({"edges": [[0, 2, 1]]}, "/kernel/graph/edges/0/1"),
                           ({"edges": [[0, 1, 1], [0.5, 1, 1]]}, "/kernel/graph/edges/1/0"),
                           ({"edges": [[-1, 1, 1]]}, "/kernel/graph/edges/0/0"),
                           ({"edges": [[1, 1, 1]]}, "/kernel/graph/edges/0"),
                           ({"edges": [[0, 1, 0]]}, "/kernel/graph/edges/0"),
                           ({"edges": [[0, 1]]}, "/kernel/graph/edges"),
                           ({"lambda": 1}, "/kernel/graph/lambda")]:
            with self.subTest(change):
                self.refused("POST", "/v1/projects", {"id": "g", "kernel": {"task": "graph", "graph": {**good, **change}}},
                             "invalid_field", at)
        self.refused("POST", "/v1/projects", {"id": "g", "kernel": {"task": "graph"}}, "missing_field", "/kernel/graph")
        self.refused("POST", "/v1/projects", {"id": "g", "kernel": {"graph": good}}, "invalid_field", "/kernel/graph")

    def test_nodes_and_tasks_must_meet(self):
        graph = {"nodes": ["a", "b", "later"], "edges": [[0, 1, 1], [1, 2, 3]]}
        self.fill("meet")
        self.refused("PATCH", "/v1/projects/meet", {"kernel": {"task": "graph", "graph": graph}}, "invalid_field", "/kernel/graph/nodes")
        self.daemon.ok("DELETE", "/v1/projects/meet/tasks/c")
        self.daemon.ok("PATCH", "/v1/projects/meet", {"kernel": {"task": "graph", "graph": graph}})
        self.refused("PUT", "/v1/projects/meet/tasks/foreign", {}, "invalid_field", "/key")
        answer = self.daemon.ok("GET", "/v1/projects/meet/ranking?wait_s=10")
        self.assertTrue(all(c["gain"] > 0 for c in answer["candidates"]), answer)

    def test_vectors_must_meet_the_kernel(self):
        self.fill("vectors")
        self.refused("PATCH", "/v1/projects/vectors", {"kernel": {"task": "vector"}}, "missing_field", "/kernel/task")
        self.fill("scaled", kernel={"task": "vector", "task_scale": [1, 2]})
        self.refused("PUT", "/v1/projects/scaled/tasks/d", {"vector": [1, 2, 3]}, "wrong_dimension", "/vector")
        self.refused("PATCH", "/v1/projects/scaled", {"kernel": {"task_scale": [1, 2, 3]}}, "wrong_dimension", "/kernel/task_scale")


class Edges(Case):
    def test_no_setting_makes_a_gain_that_is_none(self):
        self.fill("extreme", held=5)
        for kernel in ("rbf", "matern32", "matern52", "linear"):
            for variance in (1e-9, 1e9):
                for noise in (1e-9, 1e9):
                    for scale in (1e-9, 1e9):
                        change = {"noise_std": noise, "kernel": {"kind": kernel, "variance": variance, "state_scale": scale}}
                        with self.subTest(change):
                            self.daemon.ok("PATCH", "/v1/projects/extreme", change)
                            answer = strict(self.daemon.request("GET", "/v1/projects/extreme/ranking?wait_s=20"))
                            for candidate in answer["candidates"]:
                                self.assertEqual(candidate["gain"] is not None, candidate["scorable"])
                                self.assertTrue(candidate["gain"] is None or candidate["gain"] >= 0)
                            self.assertTrue(answer["candidates"][0]["scorable"] or answer["note"], answer)
                            asked = strict(self.daemon.request("POST", "/v1/projects/extreme/assignments", {"operator": "o"}))
                            self.assertTrue(asked["assignments"], asked)

    def test_states_that_never_move_and_states_far_apart(self):
        for project, states in (("still", [[5.0, 5.0]] * 4), ("far", [[-1e6, 0], [1e6, 0], [0, 1e-6], [1e6, 1e6]])):
            self.fill(project, held=0)
            for i, task in enumerate(TASKS * 2):
                self.daemon.ok("POST", f"/v1/projects/{project}/demonstrations",
                               {"task": task, "states": states, "actions": [[float(i)]] * 4})
            answer = strict(self.daemon.request("GET", f"/v1/projects/{project}/ranking?wait_s=10"))
            self.assertTrue(all(c["gain"] >= 0 for c in answer["candidates"]), answer)
            scales = strict(self.daemon.request("POST", f"/v1/projects/{project}/refit"))
            self.assertTrue(all(s > 0 for s in scales["state_scale"] + scales["state_std"] + scales["action_std"]))

    def test_no_candidates_is_a_normal_answer_with_its_reason(self):
        self.fill("empty", roles=("evaluation",) * 3)
        answer = strict(self.daemon.request("GET", "/v1/projects/empty/ranking?wait_s=10"))
        self.assertEqual((answer["candidates"], answer["choice"]), ([], None))
        self.assertTrue(answer["note"])
        asked = self.daemon.ok("POST", "/v1/projects/empty/assignments", {"operator": "o"}, status=200)
        self.assertEqual(asked["assignments"], [])
        self.assertTrue(asked["reason"]["code"] and asked["reason"]["detail"])

    def test_no_evaluation_task_is_said(self):
        self.fill("aimless", roles=("candidate",) * 3)
        answer = strict(self.daemon.request("GET", "/v1/projects/aimless/ranking?wait_s=10"))
        self.assertEqual([c["scorable"] for c in answer["candidates"]], [False] * 3)
        self.assertEqual(answer["rule"], "fallback")
        self.assertTrue(answer["note"])


if __name__ == "__main__":
    tap.main()
