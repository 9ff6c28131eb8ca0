#!/usr/bin/env python3
"""The package against proto/: every operation has a method, every message its class, every error code one of its own or of
its status; and every code block of the README runs."""
import contextlib
import dataclasses
import inspect
import io
import json
import os
import re
import tempfile
import types
import typing
import unittest
import unittest.mock
from pathlib import Path

import httpx
import numpy as np
import yaml
from fixtures import PACKAGE, ROOT, LiveCase, tap  # first: it knows where the package is

import amf_client
from amf_client import errors, models, settings
from amf_client._decode import Answer

CONTRACT = yaml.safe_load((ROOT / "proto" / "openapi.yaml").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]
METHODS = ("get", "put", "post", "patch", "delete")
ROWS = np.ones((2, 1))
SPARE = tempfile.TemporaryDirectory()

# What a method of the package sends; {} stands for an id.
CALLS = {
    "GET /v1/projects": lambda c: next(c.projects.list()),
    "POST /v1/projects": lambda c: c.projects.create("p"),
    "GET /v1/projects/{}": lambda c: c.project("p").get(),
    "PATCH /v1/projects/{}": lambda c: c.project("p").update(title="t"),
    "DELETE /v1/projects/{}": lambda c: c.project("p").delete(),
    "POST /v1/projects/{}/refit": lambda c: c.project("p").refit(),
    "GET /v1/projects/{}/export": lambda c: c.project("p").export(Path(SPARE.name, "file")),
    "POST /v1/projects/{}/import": lambda c: c.projects.import_("p", __file__),
    "GET /v1/projects/{}/tasks": lambda c: next(c.project("p").tasks.list()),
    "GET /v1/projects/{}/tasks/{}": lambda c: c.project("p").tasks.get("t"),
    "PUT /v1/projects/{}/tasks/{}": lambda c: c.project("p").tasks.put("t"),
    "DELETE /v1/projects/{}/tasks/{}": lambda c: c.project("p").tasks.delete("t"),
    "GET /v1/projects/{}/demonstrations": lambda c: next(c.project("p").demonstrations.list()),
    "POST /v1/projects/{}/demonstrations": lambda c: c.project("p").demonstrations.add("t", ROWS, ROWS),
    "GET /v1/projects/{}/demonstrations/{}": lambda c: c.project("p").demonstrations.get("d"),
    "DELETE /v1/projects/{}/demonstrations/{}": lambda c: c.project("p").demonstrations.retract("d", "why"),
    "GET /v1/projects/{}/ranking": lambda c: c.project("p").ranking(wait_s=1),
    "GET /v1/projects/{}/assignments": lambda c: next(c.project("p").assignments.list()),
    "POST /v1/projects/{}/assignments": lambda c: c.project("p").assignments.ask(),
    "GET /v1/projects/{}/assignments/{}": lambda c: c.project("p").assignments.get("a"),
    "POST /v1/projects/{}/assignments/{}/complete": lambda c: c.project("p").assignments.complete("a", 1),
    "POST /v1/projects/{}/assignments/{}/renew": lambda c: c.project("p").assignments.renew("a", 1),
    "POST /v1/projects/{}/assignments/{}/skip": lambda c: c.project("p").assignments.skip("a", 1, "me"),
    "POST /v1/projects/{}/assignments/{}/fail": lambda c: c.project("p").assignments.fail("a", 1),
    "POST /v1/projects/{}/assignments/{}/release": lambda c: c.project("p").assignments.release("a", 1),
    "GET /v1/projects/{}/events": lambda c: next(c.project("p").events()),
    "GET /v1/projects/{}/decisions": lambda c: next(c.project("p").decisions()),
    "GET /v1/projects/{}/decisions/{}": lambda c: c.project("p").decision("a"),
    "GET /v1/projects/{}/report": lambda c: c.project("p").report(),
    "GET /v1/projects/{}/policies": lambda c: next(c.project("p").policies.list()),
    "GET /v1/projects/{}/policies/{}": lambda c: c.project("p").policies.get("r"),
    "PUT /v1/projects/{}/policies/{}": lambda c: c.project("p").policies.put("r", summary=ROWS),
    "POST /v1/projects/{}/policies/{}/activate": lambda c: c.project("p").policies.activate("r"),
    "GET /v1/projects/{}/policies/{}/missing": lambda c: next(c.project("p").policies.missing("r")),
    "GET /v1/projects/{}/policies/{}/features/{}": lambda c: c.project("p").policies.get_features("r", "d"),
    "PUT /v1/projects/{}/policies/{}/features/{}": lambda c: c.project("p").policies.put_features("r", "d", phi=ROWS),
    "GET /v1/status": lambda c: c.status(),
    "GET /v1/tokens": lambda c: next(c.tokens.list()),
    "POST /v1/tokens": lambda c: c.tokens.create("n", "reader"),
    "GET /v1/tokens/{}": lambda c: c.tokens.get("t"),
    "DELETE /v1/tokens/{}": lambda c: c.tokens.revoke("t"),
    "GET /v1/backup": lambda c: c.back_up(Path(SPARE.name, "file")),
    "GET /healthz": lambda c: c.health(),
    "GET /readyz": lambda c: c.ready(),
    "GET /version": lambda c: c.version(),
    "GET /openapi.yaml": lambda c: c.openapi(),
    "GET /metrics": lambda c: c.metrics(),
}
CLASS_NAMES = {"ProjectInfo": "Project"}
# A safetensors file says nothing of these.
NOT_IN_A_FILE = {"seq", "sha256", "steps", "at"}
# With what is an argument of the method, or in the path.
REQUESTS = {
    "PolicySettings": ("Policy", set()),
    "GraphSettings": ("Graph", set()),
    "KernelSettings": ("Kernel", set()),
    "CriterionSettings": ("Criterion", set()),
    "SelectionSettings": ("Selection", set()),
    "ProjectSettings": ("ProjectPatch", {"id"}),
    "TaskSettings": ("TaskSettings", {"key"}),
    "DemonstrationFields": ("NewDemonstration", {"task", "states", "actions"}),
    "RevisionSettings": ("NewRevision", {"revision"}),
    "AskFields": ("Ask", set()),
    "TokenFields": ("NewToken", {"name", "role"}),
}


def operations():
    for template, path in CONTRACT["paths"].items():
        for method in METHODS:
            if method in path:
                yield f"{method.upper()} {re.sub('{[a-z_]+}', '{}', template)}", path[method]["operationId"]


def resolve(schema):
    while "$ref" in schema:
        target = CONTRACT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def takes_null(schema):
    schema = resolve(schema)
    kinds = schema.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or any(
        takes_null(choice) for choice in schema.get("oneOf", ()))


def answers():
    return {CLASS_NAMES.get(name, name): found for name, found in vars(models).items()
            if inspect.isclass(found) and issubclass(found, Answer) and found is not Answer}


def wrong_fields(name, cls):
    schema, hints = SCHEMAS[name], typing.get_type_hints(cls)
    said, here = set(schema["properties"]), {field.name for field in dataclasses.fields(cls)} - {"more"}
    if name == "Demonstration":
        said -= NOT_IN_A_FILE
    yield from ((f"{name}.{field}", "in one of the contract and the package only") for field in said ^ here)
    given = {field.name for field in dataclasses.fields(cls)
             if not (field.default is field.default_factory is dataclasses.MISSING)}
    for field in said & here:
        if field not in schema.get("required", here) and field not in given:
            yield f"{name}.{field}", "it may be left out, and has no default"
        elif field not in given and takes_null(schema["properties"][field]) != (type(None) in typing.get_args(hints[field])):
            yield f"{name}.{field}", "one of the contract and the package takes null"


class Seen(Exception):
    pass


class Operations(unittest.TestCase):
    def test_every_operation_has_a_method(self):
        missing = [f"{call} ({name})" for call, name in operations() if call not in CALLS]
        self.assertEqual(missing, [])

    def test_and_there_are_no_others(self):
        self.assertEqual(set(CALLS) - {call for call, _ in operations()}, set())

    def test_each_method_sends_what_stands_there(self):
        def look(request):
            seen.append(f"{request.method} {request.url.path}")
            raise Seen

        client = amf_client.Client("http://amf.example", transport=httpx.MockTransport(look), unsent=None)
        for call, make in CALLS.items():
            seen = []
            with self.subTest(call=call):
                with self.assertRaises(Seen):
                    make(client)
                self.assertRegex(seen[0], "^" + re.escape(call).replace(r"\{\}", "[a-z]") + "$")


class Messages(unittest.TestCase):
    def test_every_answer_has_the_fields_of_its_schema(self):
        known = {name: cls for name, cls in answers().items() if name in SCHEMAS}
        self.assertGreater(len(known), 20)
        wrong = dict(found for name, cls in known.items() for found in wrong_fields(name, cls))
        self.assertEqual(wrong, {})

    def test_no_answer_is_without_a_schema(self):
        self.assertEqual(set(answers()) - set(SCHEMAS), set())

    def test_every_setting_can_be_said_and_no_other(self):
        for name, (schema, elsewhere) in REQUESTS.items():
            with self.subTest(name=name):
                keys = set(getattr(settings, name).__annotations__)
                self.assertEqual(keys | elsewhere, set(SCHEMAS[schema]["properties"]))

    def test_values_that_are_named_are_those_of_the_contract(self):
        for name, (schema, _) in REQUESTS.items():
            for field, hint in typing.get_type_hints(getattr(settings, name)).items():
                said = literals(hint)
                if said:
                    with self.subTest(field=f"{name}.{field}"):
                        self.assertEqual(said, enum(SCHEMAS[schema]["properties"][field]))
        self.assertEqual(literals(settings.TokenRole), enum(SCHEMAS["Role"]))


def literals(hint):
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return set().union(*(literals(choice) for choice in typing.get_args(hint)))
    return set()


def enum(schema):
    schema = resolve(schema)
    return set(schema.get("enum", ())).union(*(enum(choice) for choice in schema.get("oneOf", ())))


class Errors(unittest.TestCase):
    REGISTRY = {error["name"]: error["status"] for error in json.loads((ROOT / "proto" / "errors.json").read_text())}

    def test_every_code_has_a_class(self):
        bare = [code for code, status in self.REGISTRY.items() if errors.error_class(status, code) is errors.ApiError]
        self.assertEqual(bare, [])

    def test_every_status_has_a_class(self):
        self.assertEqual(set(self.REGISTRY.values()) - set(errors.BY_STATUS), set())

    def test_a_class_of_a_code_is_below_that_of_its_status(self):
        for code, found in errors.BY_CODE.items():
            with self.subTest(code=code):
                self.assertTrue(issubclass(found, errors.BY_STATUS[self.REGISTRY[code]]))

    def test_all_of_them_can_be_imported(self):
        classes = [found for found in vars(errors).values() if inspect.isclass(found) and issubclass(found, errors.AmfError)]
        self.assertEqual([found.__name__ for found in classes if found.__name__ not in amf_client.__all__], [])


class Readme(LiveCase):
    """Its blocks, one after the other in one program, with a robot that records what comes to its mind."""

    def setUp(self):
        self.project = self.client.projects.create("kitchen", selection={"budget": 5})
        environment = {"AMF_URL": self.daemon.url, "AMF_TOKEN": self.daemon.token, "XDG_STATE_HOME": self.daemon.data}
        patch = unittest.mock.patch.dict(os.environ, environment)
        patch.start()
        self.addCleanup(patch.stop)

    def test_every_block_runs(self):
        numbers, instructions = np.random.default_rng(1), []

        def record(instruction):
            instructions.append(instruction)
            return numbers.normal(size=(10, 7)), numbers.normal(size=(10, 7))

        blocks = re.findall(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.M | re.S)
        there, ended, shown = {"record": record}, 0, io.StringIO()
        os.chdir(ROOT)
        for block in blocks:
            try:
                with contextlib.redirect_stdout(shown):
                    exec(compile(block, "README.md", "exec"), there)
            except amf_client.NothingToDo as reason:
                ended += 1
                self.assertEqual(reason.code, "budget_spent")
        self.assertEqual((ended, len(instructions)), (1, 5))
        self.assertEqual(set(instructions), {"pick up the banana", "pour the coffee into the mug"})
        self.assertEqual([given.state for given in self.project.assignments.list()], ["completed"] * 5)
        self.assertIn("45 new, 0 already held, 0 refused\n", shown.getvalue())
        self.assertIn("404 task_not_found", shown.getvalue())


if __name__ == "__main__":
    tap.main()
