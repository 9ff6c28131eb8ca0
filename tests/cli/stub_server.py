"""A small amfd in memory, for tests of its clients: right enough to check what they send, and able to misbehave.

It checks paths, methods, tokens, content types and bodies, keeps projects, tasks, demonstrations and assignments,
and remembers answers by Idempotency-Key. POST /stub/faults queues misbehaviour for the next requests (see
FAULTS); GET /stub/log tells what has come in since the last time. There is no mathematics in it: a
task's gain is one over one more than its demonstrations.
"""
import hashlib
import json
import os
import re
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from archive import members, pack  # noqa: E402

TOKEN = "stub-token"
TENSORS = "application/vnd.safetensors"
OCTETS = "application/octet-stream"
FAULTS = {
    "drop": "close the connection instead of looking at the request",
    "drop-after": "do what is asked, then close the connection without an answer",
    "503": "answer not_ready without looking at the request",
    "503-after": "do what is asked, then answer outcome_unknown",
    "502-html": "answer as a proxy would",
    "redirect": "send the client elsewhere",
    "hollow": "answer 200 with an object and lists that hold nothing",
    "garbage": "answer 200 with something that is not JSON",
    "413": "refuse the body as too large",
    "escape": "answer with terminal control sequences in the texts",
    "torn": "send half of the answer, then close the connection",
    "altered": "answer with one bit in the middle turned",
    "extra": "answer with a field that the client does not know",
}

HOLLOW_LISTS = ("projects", "tasks", "demonstrations", "candidates", "assignments", "tokens")


class Problem(Exception):
    def __init__(self, status, code, detail, at=""):
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": code, "status": status, "code": code,
                     "detail": detail, "at": at, "request_id": "r1"}


def read_tensors(body):
    """name -> rows, and the metadata."""
    length = struct.unpack("<Q", body[:8])[0]
    header = json.loads(body[8:8 + length])
    metadata = header.pop("__metadata__", {})
    matrices = {}
    for name, tensor in header.items():
        rows, cols = tensor["shape"]
        begin, end = tensor["data_offsets"]
        kind = {"F32": "f", "F64": "d"}[tensor["dtype"]]
        numbers = struct.unpack(f"<{rows * cols}{kind}", body[8 + length + begin:8 + length + end])
        matrices[name] = [list(numbers[i * cols:(i + 1) * cols]) for i in range(rows)]
    return matrices, metadata


def write_tensors(demonstration):
    header, data = {}, b""
    for name in ("states", "actions"):
        rows = demonstration[name]
        packed = b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows)
        header[name] = {"dtype": "F64", "shape": [len(rows), len(rows[0])],
                        "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    header["__metadata__"] = {"task": demonstration["task"], "role": demonstration["role"],
                              "success": "true" if demonstration["success"] else "false"}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Service:
    """What the verbs do: plain values in, (status, value) out."""

    def __init__(self):
        self.projects, self.tokens = {}, {}
        self.answers = {}

    def project(self, name):
        if name not in self.projects:
            raise Problem(404, "project_not_found", f"there is no project {name}")
        return self.projects[name]

    def task(self, project, key):
        if key not in project["tasks"]:
            raise Problem(404, "task_not_found", f"there is no task {key}")
        return project["tasks"][key]

    def describe_task(self, project, key):
        held = [d for d in project["demonstrations"].values() if d["task"] == key]
        counted = [d for d in held if d["success"] and d["role"] == "demonstration"]
        return {**project["tasks"][key], "demonstrations": len(counted),
                "pretraining_demonstrations": sum(d["role"] == "pretraining" for d in held),
                "rollouts": 0, "success_rate": None,
                "pending": sum(a["task"] == key and a["state"] == "open"
                               for a in project["assignments"].values())}

    # ---- tokens ----
    def post_tokens(self, body, **_):
        if any(token["name"] == body["name"] for token in self.tokens.values()):
            raise Problem(409, "token_exists", f"a token {body['name']} exists", "/name")
        made = {"id": f"t{len(self.tokens) + 1:010}", "name": body["name"], "role": body["role"],
                "project": body.get("project"), "created_at": "2026-11-21T10:00:00.000Z",
                "expires_at": "2026-12-21T10:00:00.000Z" if body.get("expires_in_s") else None, "state": "live"}
        self.tokens[made["id"]] = made
        return 201, {**made, "token": f"amf_{made['id']}_" + "x" * 49}

    def get_tokens(self, **_):
        return 200, {"tokens": list(self.tokens.values()), "next_cursor": None}

    def delete_token(self, project, **_):  # the first part of a path that is a name
        if project not in self.tokens:
            raise Problem(404, "token_not_found", f"there is no token {project}")
        del self.tokens[project]
        return 204, None

    # ---- projects ----
    def post_projects(self, body, **_):
        if body["id"] in self.projects:
            raise Problem(409, "project_exists", f"there is a project {body['id']}", "/id")
        self.projects[body["id"]] = {"settings": {"title": "", **body, "seq": 1}, "tasks": {},
                                     "demonstrations": {}, "assignments": {}}
        return 201, self.projects[body["id"]]["settings"]

    def get_projects(self, **_):
        return 200, {"projects": [p["settings"] for p in self.projects.values()], "next_cursor": None}

    def get_project(self, project, **_):
        return 200, self.project(project)["settings"]

    def patch_project(self, project, body, **_):
        settings = self.project(project)["settings"]
        for name, value in body.items():
            if isinstance(value, dict):
                settings.setdefault(name, {}).update(value)
            else:
                settings[name] = value
        return 200, settings

    def post_refit(self, project, **_):
        project = self.project(project)
        found = "state_scale task_scale task_correlation variance noise_std".split()
        project["settings"]["scales"] = {
            "state_scale": [2.0], "noise_std": project["settings"]["noise_std"], "fit": None, "fit_due": False,
            "source": {name: "median" if "_scale" in name else "given" for name in found},
            "demonstrations": len(project["demonstrations"])}
        return 200, project["settings"]["scales"]

    def delete_project(self, project, **_):
        self.project(project)
        del self.projects[project]
        return 204, None

    # ---- archives ----
    def get_export(self, project, **_):
        name, project = project, self.project(project)
        log = [("project_created", None, {"id": name, **project["settings"]})]
        log += [("task_put", None, task) for task in project["tasks"].values()]
        first = len(log) + 1
        held = [(f"d{first + i:010}", d) for i, d in enumerate(project["demonstrations"].values())]
        log += [("demonstration_added", key, {"id": key, "task": d["task"]}) for key, d in held]
        events = "".join(
            json.dumps({"seq": i + 1, "at": "2026-11-21T10:00:00.000Z", "type": kind, "blob": blob, "body": body},
                       separators=(",", ":")) + "\n" for i, (kind, blob, body) in enumerate(log)).encode()
        blobs = {f"demonstrations/{key}.safetensors": write_tensors(d) for key, d in held}
        head = {"format": 1, "project": name, "seq": len(log), "at": "2026-11-21T10:00:00.000Z", "version": "stub",
                "events_bytes": len(events), "demonstrations": len(blobs),
                "demonstration_bytes": sum(map(len, blobs.values())), "leases": []}
        return 200, pack({"export.json": json.dumps(head).encode(), "events.jsonl": events, **blobs})

    def post_import(self, project, body, **_):
        if project in self.projects:
            raise Problem(409, "project_exists", f"there is a project {project}")
        try:
            entries = members(body["archive"])
            assert pack(entries) == body["archive"]
        except Exception as error:
            raise Problem(400, "malformed_archive", "it is torn", "events.jsonl") from error
        events = [json.loads(line) for line in entries["events.jsonl"].splitlines()]
        status, _ = self.post_projects({**events[0]["body"], "id": project})
        self.projects[project]["settings"]["seq"] = len(events)
        return status, self.projects[project]["settings"]

    # ---- tasks ----
    def get_tasks(self, project, **_):
        project = self.project(project)
        return 200, {"tasks": [self.describe_task(project, k) for k in sorted(project["tasks"])],
                     "next_cursor": None}

    def put_task(self, project, name, body, **_):
        project = self.project(project)
        if body.get("key", name) != name:
            raise Problem(422, "invalid_field", "the path names another task", "/key")
        status = 200 if name in project["tasks"] else 201
        project["tasks"][name] = {**body, "key": name}
        return status, self.describe_task(project, name)

    def get_task(self, project, name, **_):
        self.task(self.project(project), name)
        return 200, self.describe_task(self.project(project), name)

    def delete_task(self, project, name, **_):
        project = self.project(project)
        self.task(project, name)
        if any(d["task"] == name for d in project["demonstrations"].values()):
            raise Problem(409, "task_in_use", f"task {name} has demonstrations")
        del project["tasks"][name]
        return 204, None

    # ---- demonstrations ----
    def store(self, project, body, at=""):
        if body["task"] not in project["tasks"]:
            raise Problem(422, "unknown_task", f"there is no task {body['task']}", at + "/task")
        body = {"success": True, "role": "demonstration", "operator": None, "robot": None,
                "duration_s": None, "source": None, "metadata": {}, "assignment": None, **body}
        content = [body[k] for k in ("task", "success", "role", "states", "actions")]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        for held in project["demonstrations"].values():
            if held["sha256"] == digest:
                return 200, {**{k: held[k] for k in ("id", "seq", "sha256", "steps")}, "duplicate": True}
        number = len(project["demonstrations"]) + 1
        stored = {"id": f"demo-{number}", "seq": number, "sha256": digest, "steps": len(body["states"])}
        project["demonstrations"][stored["id"]] = {**stored, "at": "2026-11-21T10:00:00Z", **body}
        return 201, {**stored, "duplicate": False}

    def post_demonstrations(self, project, body, **_):
        return self.store(self.project(project), body)

    def get_demonstrations(self, project, query, **_):
        held = sorted(self.project(project)["demonstrations"].values(), key=lambda d: d["seq"])
        limit, start = int(query.get("limit", "2")), int(query.get("cursor", "0"))
        page = [{k: v for k, v in d.items() if k not in ("states", "actions")}
                for d in held[start:start + limit]]
        more = str(start + limit) if start + limit < len(held) else None
        return 200, {"demonstrations": page, "next_cursor": more}

    def find_demonstration(self, project, name):
        held = self.project(project)["demonstrations"]
        if name not in held:
            raise Problem(404, "demonstration_not_found", f"there is no demonstration {name}")
        return held

    def get_demonstration(self, project, name, accept, **_):
        held = self.find_demonstration(project, name)[name]
        return 200, write_tensors(held) if TENSORS in accept else held

    def delete_demonstration(self, project, name, body, **_):
        if not body.get("reason"):
            raise Problem(422, "missing_field", "a reason is needed", "/reason")
        del self.find_demonstration(project, name)[name]
        return 204, None

    # ---- what next ----
    def candidates(self, project):
        tasks = [self.describe_task(project, key) for key in sorted(project["tasks"])]
        rows = [{"task": t["key"], "gain": 1 / (1 + t["demonstrations"] + t["pending"]),
                 "demonstrations": t["demonstrations"], "pending": t["pending"],
                 "effective_sample_size": 4.25, "largest_weight_share": 0.5, "clipped_share": 0,
                 "scorable": True, "posterior_entropy": 1.5, "skipped_share": 0, "note": None}
                for t in tasks if t["role"] != "evaluation"]
        return sorted(rows, key=lambda row: -row["gain"])

    def get_ranking(self, project, **_):
        project = self.project(project)
        rows = self.candidates(project)
        target = project["settings"].get("criterion", {}).get("target", "weights")
        weights = {key: task.get("weight", 1) for key, task in sorted(project["tasks"].items())}
        targets = [{"task": key, "weight": weight / sum(weights.values()), "rollouts": 0,
                    "failure_rate": 0.5 if target == "failure" else None} for key, weight in weights.items()]
        return 200, {"seq": 7, "revision": "gp", "age_s": 0, "measure": "entropy", "unit": "nats",
                     "exhaustive": True, "provisional": False, "jitter": 0, "rule": "criterion",
                     "choice": rows[0]["task"] if rows else None, "note": None,
                     "criterion": {"measure": "entropy", "weights": "tempered", "occupancy": "held",
                                   "target": target, "conditioning": "all", "warm_start": 1, "clip": None, "noise_std": 0.8},
                     "candidates": rows, "targets": targets,
                     "timing": {"total_s": 0, "posterior_s": 0, "weights_s": 0, "gain_s": 0}}

    def post_assignments(self, project, body, **_):
        project = self.project(project)
        asker = body.get("operator") or "admin"
        mine = [a for a in project["assignments"].values()
                if a["operator"] == asker and a["state"] == "open"]
        rows = [r for r in self.candidates(project) if r["task"] not in (body.get("exclude") or [])]
        given = list(mine)
        for row in rows[:max(0, body.get("count", 1) - len(mine))]:
            number = len(project["assignments"]) + 1
            given.append({"id": f"assignment-{number}", "task": row["task"], "state": "open",
                          "instruction": project["tasks"][row["task"]]["instruction"],
                          "fence": number, "operator": asker, "robot": body.get("robot"),
                          "opened_at": "2026-11-21T10:00:00Z", "expires_at": "2026-11-21T10:15:00Z",
                          "rule": "criterion", "gain": row["gain"], "margin": 0.1, "demonstration": None,
                          "why": f"One more demonstration of {row['task']} tells most."})
            project["assignments"][given[-1]["id"]] = given[-1]
        reason = None if given else {"code": "no_candidate", "detail": "every task is excluded"}
        return 201 if len(given) > len(mine) else 200, {
            "assignments": given, "seq": 7, "revision": "gp", "age_s": 0, "reason": reason}

    def post_complete(self, project, name, body, **_):
        project = self.project(project)
        if name not in project["assignments"]:
            raise Problem(404, "assignment_not_found", f"there is no assignment {name}")
        assignment = project["assignments"][name]
        if body.get("demonstration"):
            if body["demonstration"]["task"] != assignment["task"]:
                raise Problem(422, "wrong_task", f"the assignment is for {assignment['task']}",
                              "/demonstration/task")
            _, stored = self.store(project, body["demonstration"], "/demonstration")
        else:
            held = project["demonstrations"][body["demonstration_id"]]
            stored = {**{k: held[k] for k in ("id", "seq", "sha256", "steps")}, "duplicate": True}
        credited = assignment["state"] == "open" and body["fence"] == assignment["fence"]
        if credited:
            assignment.update(state="completed", demonstration=stored["id"])
        return 200, {"assignment": assignment, "demonstration": stored, "credited": credited,
                     "reason": None if credited else "the fence is an old one"}

    def renewal_or_end(self, project, name, body, **changes):
        assignment = self.project(project)["assignments"].get(name)
        if not assignment:
            raise Problem(404, "assignment_not_found", f"there is no assignment {name}")
        if assignment["state"] != "open" or body["fence"] != assignment["fence"]:
            raise Problem(409, "lease_lost", f"Nothing was changed: assignment {name} is {assignment['state']} "
                                             f"already; its holder is {assignment['operator']}.")
        assignment.update(changes)
        return 200, assignment

    def post_renew(self, project, name, body, **_):
        return self.renewal_or_end(project, name, body, fence=body["fence"] + 10, expires_at="2026-11-21T11:00:00Z")

    def post_skip(self, project, name, body, **_):
        reason = {"reason": body["reason"]} if body.get("reason") else {}
        return self.renewal_or_end(project, name, body, state="skipped", to=body["to"], **reason)

    def post_fail(self, project, name, body, **_):
        return self.renewal_or_end(project, name, body, state="failed")

    def post_release(self, project, name, body, **_):
        return self.renewal_or_end(project, name, body, state="released")

    # ---- the server ----
    def get_healthz(self, **_):
        return 200, {"status": "ok", "detail": None}

    get_readyz = get_healthz

    def get_status(self, **_):
        rows = [{"id": name, "seq": 1 + sum(len(p[kind]) for kind in ("tasks", "demonstrations", "assignments")), "tasks": len(p["tasks"]),
                 "demonstrations": len(p["demonstrations"]), "open_assignments": sum(a["state"] == "open" for a in p["assignments"].values()),
                 "ranking_seq": 1, "ranking_age_s": 0.25, "provisional": True} for name, p in self.projects.items()]
        return 200, {"version": "0.1.0", "uptime_s": 93784.5, "ready": True, "reason": None, "latched": False,
                     "draining": False, "writer_queue": 2, "connections": 3, "connections_max": 512, "streams": 1,
                     "data": {"directory": "/srv/amf", "database_bytes": 1600000000, "log_bytes": 4100000,
                              "free_bytes": 79000000000}, "projects": rows, "next_cursor": None}

    def get_version(self, **_):
        return 200, {"version": "0.1.0", "api": "v1", "blas_core": None, "sqlite": None,
                     "microhttpd": None}


ROUTES = [(method, re.compile("^" + template.replace("{}", "([^/]+)") + "$"), verb) for method, template, verb in [
    ("POST", "/v1/projects", "post_projects"),
    ("GET", "/v1/projects", "get_projects"),
    ("GET", "/v1/projects/{}", "get_project"),
    ("PATCH", "/v1/projects/{}", "patch_project"),
    ("POST", "/v1/projects/{}/refit", "post_refit"),
    ("DELETE", "/v1/projects/{}", "delete_project"),
    ("GET", "/v1/projects/{}/export", "get_export"),
    ("POST", "/v1/projects/{}/import", "post_import"),
    ("GET", "/v1/projects/{}/tasks", "get_tasks"),
    ("PUT", "/v1/projects/{}/tasks/{}", "put_task"),
    ("GET", "/v1/projects/{}/tasks/{}", "get_task"),
    ("DELETE", "/v1/projects/{}/tasks/{}", "delete_task"),
    ("POST", "/v1/projects/{}/demonstrations", "post_demonstrations"),
    ("GET", "/v1/projects/{}/demonstrations", "get_demonstrations"),
    ("GET", "/v1/projects/{}/demonstrations/{}", "get_demonstration"),
    ("DELETE", "/v1/projects/{}/demonstrations/{}", "delete_demonstration"),
    ("GET", "/v1/projects/{}/ranking", "get_ranking"),
    ("POST", "/v1/projects/{}/assignments", "post_assignments"),
    ("POST", "/v1/projects/{}/assignments/{}/complete", "post_complete"),
    ("POST", "/v1/projects/{}/assignments/{}/renew", "post_renew"),
    ("POST", "/v1/projects/{}/assignments/{}/skip", "post_skip"),
    ("POST", "/v1/projects/{}/assignments/{}/fail", "post_fail"),
    ("POST", "/v1/projects/{}/assignments/{}/release", "post_release"),
    ("POST", "/v1/tokens", "post_tokens"),
    ("GET", "/v1/tokens", "get_tokens"),
    ("DELETE", "/v1/tokens/{}", "delete_token"),
    ("GET", "/v1/status", "get_status"),
    ("GET", "/healthz", "get_healthz"),
    ("GET", "/readyz", "get_readyz"),
    ("GET", "/version", "get_version"),
]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value, content_type="application/json"):
        body = b"" if value is None else value if isinstance(value, bytes) else (
            json.dumps(value, separators=(",", ":")).encode())
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def decode(self, raw):
        """The body as a value, however it came."""
        kind = self.headers.get("Content-Type", "")
        if not raw:
            return {}
        if kind == TENSORS:
            matrices, metadata = read_tensors(raw)
            if "success" in metadata:
                metadata["success"] = metadata["success"] == "true"
            if "metadata" in metadata:
                metadata["metadata"] = json.loads(metadata["metadata"])
            return {**metadata, **matrices}
        if kind == OCTETS:
            return {"archive": raw}
        if kind != "application/json":
            raise Problem(415, "unsupported_media_type", f"{kind} is not understood")
        return json.loads(raw)

    def note(self, path, raw, body):
        """One line a request: what a test may rely on."""
        state = self.server.state
        line = [self.command, path]
        if "Authorization" not in self.headers:
            line.append("no-token")
        key = self.headers.get("Idempotency-Key")
        if key:
            state["keys"].append(key) if key not in state["keys"] else None
            line.append(f"key-{state['keys'].index(key) + 1}")
        if self.headers.get("Content-Type") == TENSORS:
            line.append(f"safetensors {body['task']} {body.get('role')} {body.get('success')} "
                        f"{body.get('operator')} {len(body['states'])} steps")
        elif raw:
            line.append(raw.decode() if len(raw) < 400 else f"{len(raw)} bytes")
        state["log"].append(" ".join(line))

    def serve(self, path, raw, query):
        if path.startswith("/v1") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Problem(401, "unauthorized", "a valid token is needed")
        for method, template, verb in ROUTES:
            match = template.match(path)
            if match and method == self.command:
                names = dict(zip(("project", "name"), map(unquote, match.groups())))
                return getattr(self.server.service, verb)(
                    body=self.decode(raw), query=query, accept=self.headers.get("Accept", ""), **names)
        raise Problem(404, "route_not_found", f"there is no path {path}")

    def answer(self, path, raw, query):
        """(status, value, content type), the same again for the same Idempotency-Key."""
        answers, key = self.server.service.answers, self.headers.get("Idempotency-Key")
        if self.command == "POST" and not key:
            raise Problem(400, "invalid_idempotency_key", "tests want one on every POST")
        if key not in answers:
            status, value = self.serve(path, raw, query)
            kind = OCTETS if path.endswith("/export") else TENSORS if isinstance(value, bytes) else "application/json"
            if self.command != "POST":
                return status, value, kind
            answers[key] = (raw, status, json.loads(json.dumps(value)), kind)
        if answers[key][0] != raw:
            raise Problem(422, "key_reused", "another request had that key")
        return answers[key][1:]

    def control(self, path, raw):
        state = self.server.state
        if path == "/stub/faults":
            faults = json.loads(raw)
            state["faults"] = state["faults"] + faults if faults else []
            return self.reply(200, {})
        log, state["log"] = state["log"], []
        return self.reply(200, log)

    def distort(self, fault, value):
        text = json.dumps(value)
        if fault == "escape":
            text = text.replace("tells most", "\\u001b[31mred\\u0007\\u009b").replace('"pick', '"\\u001b]0;x\\u0007pick')
        return {**json.loads(text), "from_the_future": [1]} if fault == "extra" else json.loads(text)

    def handle_any(self):
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            if parts.path.startswith("/stub/"):
                return self.control(parts.path, raw)
            faults = self.server.state["faults"]
            fault = faults.pop(0) if faults else None
            try:
                self.note(self.path, raw, self.decode(raw) if raw else None)
                if fault == "drop":
                    self.close_connection = True
                    return None
                if fault == "503":
                    raise Problem(503, "not_ready", "starting up")
                if fault == "413":
                    raise Problem(413, "body_too_large", "at most 1048576 bytes")
                if fault == "502-html":
                    return self.reply(502, b"<html>Bad Gateway</html>", "text/html")
                if fault == "garbage":
                    return self.reply(200, b"hello")
                if fault == "hollow":
                    return self.reply(200, {name: [{}] for name in HOLLOW_LISTS})
                if fault == "redirect":
                    self.send_response(302)
                    self.send_header("Location", "http://127.0.0.1:1/")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                status, value, kind = self.answer(parts.path, raw, query)
                if fault == "drop-after":
                    self.close_connection = True
                    return None
                if fault == "503-after":
                    raise Problem(503, "outcome_unknown", "the commit failed")
                if fault == "torn":
                    self.close_connection = True
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(value)))
                    self.end_headers()
                    return self.wfile.write(value[:len(value) // 2])
                if fault == "altered":
                    place = value.index(b"demonstrations/") + 512
                    value = value[:place] + bytes([value[place] ^ 1]) + value[place + 1:]
                if fault in ("escape", "extra"):
                    value = self.distort(fault, value)
                return self.reply(status, value, kind)
            except Problem as problem:
                return self.reply(problem.body["status"], problem.body, "application/problem+json")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client may go away
            super().handle_error(request, client_address)


class Stub:
    """A server on a free port of the loopback, until close()."""

    token = TOKEN

    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.service, self.server.lock = Service(), threading.Lock()
        self.server.state = {"faults": [], "log": [], "keys": []}
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
