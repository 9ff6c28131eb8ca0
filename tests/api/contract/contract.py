#!/usr/bin/env python3
"""Every answer of a running daemon is what proto/openapi.yaml says.

    contract.py AMFD             starts that program in a temporary directory
    contract.py URL TOKEN        asks a daemon that is running already; projects are named contract-...

The requests below visit every route. Each answer's status, content type and body are held against the
contract, each request's body against the schema of what is sent; a route that no request reached fails.
"""
import contextlib
import http.client
import json
import math
import pathlib
import re
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "scripts")]
from demo_client import Daemon  # noqa: E402
from tap import Tap  # noqa: E402

METHODS = ("get", "put", "post", "patch", "delete")
JSON, TENSORS, PROBLEM = "application/json", "application/vnd.safetensors", "application/problem+json"


class Contract:
    def __init__(self):
        self.document = yaml.safe_load((ROOT / "proto/openapi.yaml").read_text())
        self.resolver = jsonschema.RefResolver("", self.document)
        self.operations = {}
        for template, path in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", template) + r"(\?.*)?$")
            for method in set(path) & set(METHODS):
                self.operations[method.upper(), template] = (pattern, path[method])

    def find(self, method, path):
        for (known, template), (pattern, operation) in self.operations.items():
            if known == method and pattern.match(path):
                return (known, template), operation
        return None, None

    def follow(self, item):
        return self.resolver.resolve(item["$ref"])[1] if "$ref" in item else item

    def errors(self, schema, value):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}"[:300] for error in validator.iter_errors(value)]

    def example(self, method, path, name):
        return self.find(method, path)[1]["requestBody"]["content"][JSON]["examples"][name]["value"]


def strict_json(text):
    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


class Session:
    """Requests to one daemon; every one is a test case."""

    def __init__(self, tap, contract, url, token):
        self.tap, self.contract, self.url, self.token = tap, contract, url, token
        self.reached = set()
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def exchange(self, method, path, data, headers):
        if isinstance(data, int):
            return self.announce(method, path, data, headers)
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def announce(self, method, path, length, headers):
        """Tells of a body of that length and waits for leave to send it, which is not given."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=60)
        connection.request(method, path, headers={**headers, "Content-Length": str(length), "Expect": "100-continue"})
        with contextlib.closing(connection), connection.getresponse() as answer:
            return answer.status, answer.headers, answer.read()

    def call(self, method, path, status, body=None, *, schema_agrees=True, raw=None, content_type=JSON,
             accept=None, key=None, token=True, note=""):
        """One request. `body` goes as JSON and is held against the schema: valid when `status` is a success, invalid
        when it is 422, unless schema_agrees is false (a rule that no schema can tell). `raw` goes as it is; a number
        is the length of a body that is announced and not sent."""
        headers = {"Content-Type": content_type} if body is not None or raw is not None else {}
        headers.update({"Authorization": f"Bearer {self.token}"} if token else {})
        headers.update({"Accept": accept} if accept else {})
        headers.update({"Idempotency-Key": key} if key else {})
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        got, answered, content = self.exchange(method, path, data, headers)
        route, operation = self.contract.find(method, path)
        found = [] if got == status else [f"answered {got}, expected {status}: {content[:300]!r}"]
        if operation is None:
            found.append("no route of the contract")
        else:
            found += self.wrong_request(operation, body, status, schema_agrees) if body is not None else []
            found += self.wrong_answer(operation, got, answered, content)
            self.reached |= {route} if got < 400 else set()
        name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{8,}|contract-[0-9a-f]+", "ID", path)
        self.tap.check_none(found, f"{method} {name} {status} {note}".strip())
        try:
            return strict_json(content) if "json" in (answered.get("Content-Type") or "") else content
        except ValueError:
            return None

    def wrong_request(self, operation, body, status, schema_agrees):
        errors = self.contract.errors(operation["requestBody"]["content"][JSON]["schema"], body)
        if status < 300 and errors:
            return [f"taken, but the schema refuses it: {errors}"]
        if status == 422 and schema_agrees and not errors:
            return ["refused, but the schema allows it"]
        return []

    def wrong_answer(self, operation, status, headers, content):
        said = operation["responses"].get(str(status))
        if said is None and status < 400:
            return [f"{status} is not documented"]
        said = self.contract.follow(said or operation["responses"]["default"])
        found = [f"header {name} is missing" for name in said.get("headers", {}) if name not in headers]
        kind = (headers.get("Content-Type") or "").split(";")[0]
        if not said.get("content"):
            return found + ([f"a body of {len(content)} bytes, none is documented"] if content else [])
        if kind not in said["content"]:
            return found + [f"content type {kind!r}, documented {list(said['content'])}"]
        if "json" in kind:
            try:
                found += self.contract.errors(said["content"][kind]["schema"], strict_json(content))
            except ValueError as error:
                found.append(f"the body is not JSON: {error}")
        return found


def tensors(metadata, states, actions, dtype="F64"):
    header, begin, parts = {"__metadata__": metadata}, 0, []
    for name, rows in (("states", states), ("actions", actions)):
        part = b"".join(struct.pack("<" + {"F64": "d", "F32": "f"}[dtype] * len(row), *row) for row in rows)
        header[name] = {"dtype": dtype, "shape": [len(rows), len(rows[0])], "data_offsets": [begin, begin + len(part)]}
        begin, parts = begin + len(part), parts + [part]
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def check_service(session):
    for path in ("/healthz", "/readyz", "/version"):
        session.call("GET", path, 200, token=False)
    document = session.call("GET", "/openapi.yaml", 200, token=False)
    session.tap.check(yaml.safe_load(document) == session.contract.document, "the daemon serves this contract")


def check_doors(session):
    """Every route that asks for a token is shut without one."""
    for (method, template), (_, operation) in session.contract.operations.items():
        if operation.get("security") != []:
            session.call(method, re.sub(r"\{\w+\}", "x", template), 401, token=False, note="without a token")


def schema_defaults(contract, schema):
    """The object that a schema's defaults describe; fields without a default are left out."""
    schema = contract.follow(schema)
    if "default" in schema:
        return schema["default"]
    if "properties" not in schema or "null" in schema["type"]:
        return None
    found = {name: schema_defaults(contract, {**field}) if "default" not in field else field["default"]
             for name, field in schema["properties"].items()}
    return {name: value for name, value in found.items() if value is not None or "default" in schema["properties"][name]}


def check_projects(session, project):
    contract, base = session.contract, "/v1/projects"
    least = {**contract.example("POST", base, "least"), "id": project}
    made = session.call("POST", base, 201, least, key=f"{project}-create")
    session.tap.check(session.call("POST", base, 201, least, key=f"{project}-create") == made, "the retry gets the same answer")
    expected = schema_defaults(contract, {"$ref": "#/components/schemas/ProjectPatch"})
    shown = {name: made.get(name) for name in expected}
    session.tap.check(shown == expected, "defaults are those of the contract", f"{shown}\n{expected}")
    session.call("POST", base, 201, {**contract.example("POST", base, "more"), "id": project + "-2"})
    session.call("POST", base, 409, least, note="the id is taken")
    session.call("POST", base, 422, {**least, "id": project + "-3"}, key=f"{project}-create", schema_agrees=False, note="key reused")
    for body, note in (({"id": project + "-x", "colour": 1}, "unknown field"), ({}, "no id"), ({"id": "a/b"}, "bad id"),
                       ({"id": "y", "noise_std": -1}, "out of range"), ({"id": "y", "noise_std": "0.3"}, "wrong type"),
                       ({"id": "y", "kernel": {"kind": "cubic"}}, "no such kernel"),
                       ({"id": "y", "criterion": {"weight_floor": 1}}, "end of a range"),
                       ({"id": "y", "seq": 1}, "the server's to say")):
        session.call("POST", base, 422, body, note=note)
    session.call("POST", base, 400, raw=b'{"id": "y"', note="cut off")
    session.call("POST", base, 400, raw=b'{"id": "y", "noise_std": NaN}', note="NaN")
    session.call("GET", base + "?limit=1", 200)
    session.call("GET", base + "?limit=0", 400)
    session.call("GET", base + "?colour=red", 400)
    session.call("GET", f"{base}/{project}", 200)
    session.call("GET", f"{base}/{project}-none", 404)
    session.call("POST", f"{base}/{project}-none/refit", 404)
    session.call("POST", f"{base}/{project}/refit", 409, note="nothing is held")
    session.call("POST", f"{base}/{project}/refit", 415, raw=b"{}", note="a body where none belongs")
    session.call("PATCH", f"{base}/{project}", 200, contract.example("PATCH", f"{base}/{project}", "title"))
    session.call("PATCH", f"{base}/{project}", 422, {"selection": {"lease_s": 0}})
    session.call("PATCH", f"{base}/{project}-none", 404, {})
    session.call("DELETE", f"{base}/{project}-2", 204)
    session.call("DELETE", f"{base}/{project}-2", 404)


def check_tasks(session, at):
    contract = session.contract
    for task, example in (("pick-banana", "plain"), ("pour-cereal", "more"), ("spare", "plain")):
        body = contract.example("PUT", f"{at}/tasks/{task}", example)
        session.call("PUT", f"{at}/tasks/{task}", 201, body)
        session.call("PUT", f"{at}/tasks/{task}", 200, body)
    session.call("PUT", f"{at}/tasks/pour-cereal", 200, {"instruction": "pour the cereal"}, note="replaced")
    session.call("PUT", f"{at}/tasks/spare", 422, {"weight": -1})
    session.call("PUT", f"{at}/tasks/spare", 422, {"demonstrations": 3}, note="the server's to say")
    session.call("PUT", f"{at}/tasks/spare", 422, {"key": "other"}, schema_agrees=False, note="another key than the path's")
    session.call("GET", f"{at}/tasks/spare", 200)
    session.call("GET", f"{at}/tasks/none", 404)
    session.call("GET", f"{at}/tasks", 200)
    page = session.call("GET", f"{at}/tasks?limit=2", 200)
    session.call("GET", f"{at}/tasks?limit=2&cursor={page['next_cursor']}", 200)
    session.call("DELETE", f"{at}/tasks/spare", 204)
    session.call("DELETE", f"{at}/tasks/spare", 404)


def check_demonstrations(session, at):
    path, small = f"{at}/demonstrations", session.contract.example("POST", f"{at}/demonstrations", "small")
    first = session.call("POST", path, 201, small, key="small")
    session.call("POST", path, 200, small, note="held already")
    states, actions = small["states"], small["actions"]
    raw = tensors({"task": small["task"]}, states, actions)
    twin = session.call("POST", path, 200, raw=raw, content_type=TENSORS, note="the same as tensors")
    session.tap.check(twin["id"] == first["id"] and twin["duplicate"], "JSON and tensors of one content are one demonstration")
    other = tensors({"task": "pour-cereal", "role": "pretraining"}, states, actions, "F32")
    second = session.call("POST", path, 201, raw=other, content_type="application/octet-stream", note="F32 tensors")
    for change, note, agrees in (
        ({"task": "none"}, "unknown task", False), ({"states": [], "actions": []}, "no steps", True),
        ({"states": [[1.0, 2.0, 3.0]], "actions": [[1.0]]}, "another dimension", False),
        ({"actions": actions[:-1]}, "fewer actions", False), ({"success": "yes"}, "wrong type", True),
        ({"role": "teacher"}, "no such role", True), ({"states": [[1.0e7, 0]], "actions": [[1]]}, "beyond the range", True),
    ):
        session.call("POST", path, 422, {**small, **change}, schema_agrees=agrees, note=note)
    session.call("POST", path, 400, raw=raw[:-1], content_type=TENSORS, note="cut off")
    session.call("POST", path, 415, raw=b"states", content_type="text/csv")
    broken = tensors({"task": small["task"]}, [[float("nan"), 0.0]], [[1.0]])
    session.call("POST", path, 422, raw=broken, content_type=TENSORS, note="NaN in a tensor")
    session.call("POST", path, 413, raw=(1 << 20) + 1, note="over 1 MiB of JSON")
    session.call("GET", path, 200)
    session.call("GET", f"{path}/{first['id']}", 200)
    file = session.call("GET", f"{path}/{first['id']}", 200, accept=TENSORS)
    session.tap.check(isinstance(file, bytes) and session.call("POST", path, 200, raw=file, content_type=TENSORS)["id"] == first["id"],
                      "a file that was fetched is recognised")
    session.call("GET", f"{path}/{first['id']}", 406, accept="image/png")
    session.call("GET", f"{path}/none", 404)
    check_refit(session, at)
    session.call("DELETE", f"{path}/{second['id']}", 422, {"reason": 3})
    session.call("DELETE", f"{path}/{second['id']}", 204, session.contract.example("DELETE", f"{path}/x", "why"))
    session.call("DELETE", f"{path}/{second['id']}", 404)
    third = session.call("POST", path, 201, raw=other, content_type=TENSORS, note="again after its retraction")
    session.call("DELETE", f"{path}/{third['id']}", 204, note="without a body")
    session.call("DELETE", f"{at}/tasks/pick-banana", 409, note="it has demonstrations")


def check_refit(session, at):
    session.tap.check(session.call("GET", at, 200)["scales"] is None, "nothing is frozen yet")
    found = session.call("POST", f"{at}/refit", 200, key="refit")
    session.tap.check(session.call("POST", f"{at}/refit", 200, key="refit") == found, "the retry gets the same answer")
    session.tap.check(session.call("GET", at, 200)["scales"] == found, "the project shows the numbers that the refit answered")
    session.call("PATCH", at, 200, {"kernel": {"state_scale": "marginal_likelihood", "task_scale": "marginal_likelihood"}})
    fitted = session.call("POST", f"{at}/refit", 200, note="by marginal likelihood")
    session.tap.check(fitted["fit"] is not None and not fitted["fit_due"], "what the fit came to is told", fitted)
    session.call("PATCH", at, 422, {"kernel": {"kind": "linear"}}, schema_agrees=False, note="nothing to fit")
    session.call("PATCH", at, 200, {"kernel": {"state_scale": "median", "task_scale": "median"}})


def check_assignments(session, at):
    path = f"{at}/assignments"
    ranking = session.call("GET", f"{at}/ranking?wait_s=10", 200)
    session.tap.check(ranking["age_s"] == 0, "the ranking has seen everything", ranking["age_s"])
    session.call("GET", f"{at}/ranking", 200)
    session.call("GET", f"{at}/ranking?wait_s=-1", 400)
    asked = session.call("POST", path, 201, session.contract.example("POST", path, "anna"), key="ask")["assignments"][0]
    session.tap.check(asked["task"] == ranking["choice"], "the ask gets the ranking's choice", f"{asked['task']}, {ranking['choice']}")
    again = session.call("POST", path, 200, session.contract.example("POST", path, "anna"))["assignments"][0]
    session.tap.check(again["id"] == asked["id"], "the same asker gets the same assignment")
    session.call("POST", path, 201, session.contract.example("POST", path, "nobody"), note="the token's name asks")
    session.call("POST", path, 200, {"operator": "boris", "exclude": ["pick-banana", "pour-cereal"]}, note="nothing left")
    session.call("POST", path, 201, {"operator": "carla"}, accept="text/plain")
    session.call("POST", path, 422, {"count": 0})
    session.call("POST", path, 422, {"who": "anna"})
    session.call("GET", path, 200)
    session.call("GET", f"{path}/{asked['id']}", 200)
    session.call("GET", f"{path}/none", 404)
    end = f"{path}/{asked['id']}/complete"
    body = session.contract.example("POST", end, "carried")
    body = {**body, "fence": asked["fence"], "demonstration": {**body["demonstration"], "task": asked["task"]}}
    wrong = {**body["demonstration"], "task": "pour-cereal" if asked["task"] == "pick-banana" else "pick-banana"}
    session.call("POST", end, 422, {**body, "demonstration": wrong}, schema_agrees=False, note="another task")
    session.call("POST", end, 422, {"fence": asked["fence"]}, schema_agrees=False, note="no demonstration")
    done = session.call("POST", end, 200, body, key="done")
    session.tap.check(done["credited"] and done["assignment"]["state"] == "completed", "completed and credited", done)
    session.tap.check(session.call("POST", end, 200, body, key="done") == done, "the retry gets the same answer")
    late = {**body["demonstration"], "actions": [[0.25], [0.15], [0.35]]}
    kept = session.call("POST", end, 200, {**body, "demonstration": late}, note="too late, kept")
    session.tap.check(not kept["credited"] and kept["reason"] and not kept["demonstration"]["duplicate"], "kept, not credited, and why", kept)
    session.call("POST", f"{path}/none/complete", 404, body)
    decisions = session.call("GET", f"{at}/decisions", 200)["decisions"]
    session.tap.check(asked["id"] in [d["id"] for d in decisions], "a decision has the id of its assignment", decisions)
    session.call("GET", f"{at}/decisions?cursor=d0000000001", 400)
    one = session.call("GET", f"{at}/decisions/{asked['id']}", 200)
    session.tap.check(one["gain"] == asked["gain"], "and its gain", one)
    session.call("GET", f"{at}/decisions/none", 404)
    session.call("GET", f"{at}/report", 200)
    for name, (verb, example) in enumerate((("skip", "others"), ("fail", "dropped"), ("release", "later"))):
        check_lease(session, path, f"holder-{name}", verb, example)


def check_lease(session, path, operator, verb, example):
    """Renewed, then ended by its holder."""
    lease = session.call("POST", path, 201, {"operator": operator})["assignments"][0]
    at = f"{path}/{lease['id']}"
    renewed = session.call("POST", f"{at}/renew", 200, {**session.contract.example("POST", f"{at}/renew", "more"), "fence": lease["fence"]})
    session.tap.check(renewed["fence"] > lease["fence"], "a renewal raises the fence", renewed)
    body = {**session.contract.example("POST", f"{at}/{verb}", example), "fence": renewed["fence"]}
    session.call("POST", f"{at}/{verb}", 409, {**body, "fence": 1}, note="a stale fence")
    session.call("POST", f"{at}/{verb}", 422, {**body, "fence": "one"})
    ended = session.call("POST", f"{at}/{verb}", 200, body, key=f"end-{operator}")
    session.tap.check(session.call("POST", f"{at}/{verb}", 200, body, key=f"end-{operator}") == ended, "the retry gets the same answer")
    session.call("POST", f"{at}/renew", 409, {"fence": renewed["fence"]}, note="ended")
    session.call("POST", f"{path}/none/{verb}", 404, body)


def features(tasks, shape):
    count = math.prod(shape)
    header = {"__metadata__": {"tasks": json.dumps(tasks)},
              "phi": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * count]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack(f"<{count}f", *[0.1 * (i % 7) for i in range(count)])


def check_policies(session, at):
    path, example = f"{at}/policies", session.contract.example("PUT", f"{at}/policies/r1", "plain")
    held = session.call("GET", f"{at}/demonstrations", 200)["demonstrations"][0]
    session.call("PUT", f"{path}/r1", 201, example)
    session.call("PUT", f"{path}/r1", 200, example, note="the same again")
    session.call("PUT", f"{path}/r2", 201, note="without a body")
    header = json.dumps({"__metadata__": {"role": "selection"}}).encode()
    session.call("PUT", f"{path}/r3", 201, raw=struct.pack("<Q", len(header)) + header, content_type=TENSORS)
    session.call("PUT", f"{path}/r1", 422, {"role": "none"})
    session.call("PUT", f"{path}/r1", 422, {"state": "active"}, note="the server's to say")
    session.call("PUT", f"{path}/r4", 422, {"kind": "mlp"}, schema_agrees=False, note="its weights come as a file")
    session.call("PUT", f"{path}/r1", 415, raw=b"x", content_type="text/csv")
    to = f"{path}/r1/features/{held['id']}"
    file = features(["pick-banana", "pour-cereal"], [2, held["steps"], 3])
    session.call("PUT", to, 201, raw=file, content_type=TENSORS)
    session.call("PUT", to, 200, raw=file, content_type="application/octet-stream", note="the same again")
    session.call("PUT", to, 422, raw=features(["pick-banana"], [2, held["steps"], 3]), content_type=TENSORS)
    session.call("PUT", to, 400, raw=file[:-1], content_type=TENSORS, note="cut off")
    session.call("PUT", to, 415, raw=b"{}", note="JSON")
    session.call("PUT", f"{path}/r1/features/none", 404, raw=file, content_type=TENSORS)
    session.call("GET", to, 200)
    session.tap.check(session.call("GET", to, 200, accept=TENSORS) == file, "the file comes back as it was")
    session.call("GET", to, 406, accept="image/png")
    session.call("GET", f"{path}/r2/features/{held['id']}", 404)
    session.call("GET", f"{path}/r1", 200)
    session.call("GET", f"{path}/gp", 200, note="built in")
    session.call("GET", f"{path}/none", 404)
    session.call("GET", f"{path}/r1/missing", 200)
    session.call("GET", f"{path}/r2/missing?limit=1", 200)
    session.call("GET", f"{path}/none/missing", 404)
    session.call("GET", path, 200)
    page = session.call("GET", f"{path}?limit=2", 200)
    session.call("GET", f"{path}?limit=2&cursor={page['next_cursor']}", 200)
    session.call("POST", f"{path}/r1/activate", 200, key="activate")
    session.call("POST", f"{path}/r1/activate", 200, note="it serves already")
    session.call("PUT", f"{path}/r1", 409, {"note": "other"})
    session.call("GET", f"{at}/ranking?wait_s=10", 200)
    session.call("POST", f"{path}/gp/activate", 200)
    session.call("POST", f"{path}/r1/activate", 409, note="retired")
    session.call("POST", f"{path}/none/activate", 404)


def check_events(session, at):
    path = f"{at}/events"
    listed = session.call("GET", f"{path}?after=0&limit=500", 200)
    found = [event["seq"] for event in listed["events"]]
    session.tap.check(found == list(range(1, listed["seq"] + 1)), "every event, in order", found)
    session.tap.check(session.call("GET", f"{path}?after={found[-1]}&wait_s=0.1", 200)["events"] == [], "nothing is an answer too")
    session.call("GET", f"{path}?after={found[-1] + 1}", 400)
    session.call("GET", path, 406, accept="text/html")
    session.call("GET", f"{at}-none/events", 404)


def check_metrics(session):
    session.call("GET", "/metrics", 200)
    session.call("GET", "/metrics", 406, accept=JSON)
    session.call("GET", "/metrics", 401, token=False)


def check_transfer(session, at, project):
    path = f"/v1/projects/{project}-copy/import"
    archive = session.call("GET", f"{at}/export", 200)
    session.call("GET", f"/v1/projects/{project}-none/export", 404)
    session.call("GET", f"{at}/export", 406, accept=JSON)
    session.call("GET", "/v1/status", 200)
    session.call("GET", "/v1/status?limit=1", 200)
    session.call("GET", "/v1/status?cursor=-", 400)
    session.call("GET", "/v1/backup", 200)
    session.call("GET", "/v1/backup", 406, accept=JSON)
    made = session.call("POST", path, 201, raw=archive, content_type="application/octet-stream", key="import")
    again = session.call("POST", path, 201, raw=archive, content_type="application/octet-stream", key="import")
    session.tap.check(made == again, "the retry gets the same answer")
    session.call("POST", path, 409, raw=archive, content_type="application/x-tar", note="the id is taken")
    session.call("POST", path, 422, raw=archive[:512], content_type="application/octet-stream", key="import", note="key reused")
    session.call("POST", path.replace("-copy", "-torn"), 400, raw=archive[:-1], content_type="application/octet-stream", note="torn")
    session.call("POST", path, 415, raw=b"{}", note="JSON")
    session.call("POST", path, 413, raw=(16 << 30) + 1, content_type="application/octet-stream", note="over 16 GiB")
    session.call("DELETE", f"/v1/projects/{project}-copy", 204)


def check_tokens(session, project):
    path, example = "/v1/tokens", session.contract.example("POST", "/v1/tokens", "robot")
    body = {**example, "name": f"{project}-robot"[:64], "project": project}
    made = session.call("POST", path, 201, body, key=f"{project}-robot")
    session.tap.check(session.call("POST", path, 201, body, key=f"{project}-robot") == made, "the retry gets the same secret")
    session.call("POST", path, 409, body, note="the name is taken")
    for change, note in (({"name": "a b"}, "bad name"), ({"role": "king"}, "no such role"), ({"expires_in_s": 0}, "out of range"),
                         ({"token": "x"}, "the server's to say")):
        session.call("POST", path, 422, {**body, **change}, note=note)
    for change, note in (({"project": f"{project}-none"}, "no such project"), ({"expires_at": "2001-01-01T00:00:00Z"}, "two ends")):
        session.call("POST", path, 422, {**body, "name": "x", **change}, schema_agrees=False, note=note)
    session.call("GET", f"{path}?limit=1", 200)
    session.call("GET", f"{path}/{made['id']}", 200)
    robot = Session(session.tap, session.contract, session.url, made["token"])
    robot.call("GET", f"/v1/projects/{project}", 200, note="by the robot")
    robot.call("POST", f"/v1/projects/{project}/assignments", 403, {}, note="by the robot")
    session.call("DELETE", f"{path}/{made['id']}", 204)
    session.call("DELETE", f"{path}/{made['id']}", 404)
    session.call("GET", f"{path}/{made['id']}", 404)
    session.call("DELETE", f"{path}/t0000000000", 409, note="the owner's")


def run(session):
    project = f"contract-{uuid.uuid4().hex[:12]}"
    at = f"/v1/projects/{project}"
    check_service(session)
    check_doors(session)
    check_projects(session, project)
    check_tasks(session, at)
    check_demonstrations(session, at)
    check_policies(session, at)
    check_assignments(session, at)
    check_events(session, at)
    check_metrics(session)
    check_transfer(session, at, project)
    check_tokens(session, project)
    session.call("DELETE", at, 204)
    session.call("GET", at, 404)
    unreached = [" ".join(route) for route in session.contract.operations if route not in session.reached]
    session.tap.check_none(unreached, "every route was reached")


def main():
    tap, contract = Tap(), Contract()
    if len(sys.argv) == 3:
        run(Session(tap, contract, *sys.argv[1:]))
    else:
        with Daemon(sys.argv[1]) as daemon:
            run(Session(tap, contract, daemon.url, daemon.token))
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
