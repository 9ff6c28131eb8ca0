"""The Nth allocation fails while one request is answered, for every N and every kind of request.

    daemon_memory.py [--full]

Allowed is a 2xx with the right bytes, 503 or 500 as a problem, or a closed connection. The next request is served, the
write sent again with its key is stored once, and a restart shows what was shown before it. The short form takes every
STRIDEth N. Control: a request during which every allocation fails must not succeed.
"""
import contextlib
import http.client
import itertools
import json
import os
import random
import re
import subprocess
import tempfile

import fleet
from archive import members
from daemon import TENSORS, Daemon, matrix, safetensors
from fleet import PROJECT
from harness import Torture
from preload import Preload

REFUSED = {503: ("no_memory", "overloaded"), 500: ("internal",)}
STRIDE = 53
LIMIT = 3000  # no request makes as many allocations


class Call:
    """A request of a kind. stable: its right answer is `expected`, asked for before."""

    def __init__(self, method, path, body=None, stable=False, **headers):
        self.method, self.path, self.stable = method, path, stable
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            self.headers.setdefault("Content-Type", "application/json")
        self.status, self.answer = 0, b""

    def send(self, daemon):
        self.status, self.answer = 0, b""
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = daemon.request(self.method, self.path, self.body, self.headers)
            self.answer, self.status = answer.body, answer.status
        return self


def write(method, path, body, key, **headers):
    return Call(method, path, body, Idempotency_Key=key, **headers)


def uploaded(daemon, number, **more):
    """A demonstration for another request to be about."""
    return daemon.ok("POST", f"{PROJECT}/demonstrations", {**fleet.demonstration("b", number), **more})["id"]


def asked(daemon, key):
    return daemon.ok("POST", f"{PROJECT}/assignments", {"operator": key, "lease_s": 3600})["assignments"][0]


def project_made(daemon, key):
    daemon.ok("POST", "/v1/projects", {"id": key})
    return key


def task_made(daemon, key):
    daemon.ok("PUT", f"{PROJECT}/tasks/{key}", {})
    return key


def token_made(daemon, key):
    return daemon.ok("POST", "/v1/tokens", {"name": key, "role": "reader"})["id"]


def imported(daemon, number, key):
    archive = daemon.request("GET", "/v1/projects/held/export").body
    return write("POST", f"/v1/projects/{key}/import", archive, key, Content_Type="application/octet-stream")


def complete(daemon, number, key):
    lease = asked(daemon, key)
    body = {"fence": lease["fence"], "demonstration": fleet.demonstration(lease["task"], number, "demonstration")}
    return write("POST", f"{PROJECT}/assignments/{lease['id']}/complete", body, key)


def credited(daemon, number, key):
    """Completed by a demonstration that is held."""
    lease = asked(daemon, key)
    held = daemon.ok("POST", f"{PROJECT}/demonstrations", fleet.demonstration(lease["task"], number, "demonstration"))
    body = {"fence": lease["fence"], "demonstration_id": held["id"]}
    return write("POST", f"{PROJECT}/assignments/{lease['id']}/complete", body, key)


def told(verb, **more):
    """What a holder says of a lease."""
    def call(daemon, number, key):
        lease = asked(daemon, key)
        return write("POST", f"{PROJECT}/assignments/{lease['id']}/{verb}", {"fence": lease["fence"], **more}, key)
    return call


def described(daemon, number, key):
    """With everything a demonstration can say about itself."""
    more = {"operator": "anna", "robot": "franka-1", "metadata": {"camera": [1, None, "ü"], "run": {"n": number}}}
    return write("POST", f"{PROJECT}/demonstrations", {**fleet.demonstration("d", number, steps=40), **more}, key)


def resent(daemon, number, key):
    """Answered from what was kept for its key."""
    return write("POST", f"{PROJECT}/assignments", {"operator": key}, key).send(daemon)


def upload(daemon, number, key):
    made = fleet.upload("tensors", "c", number, key)
    return write("POST", made.path, made.body, key, Content_Type=TENSORS["Content-Type"])


def features_file(number):
    """Of one demonstration of three steps, for its own task."""
    return safetensors({"phi": matrix([[number % 7 / 4, 0.5], [1.0, number % 5 / 2], [0.25, 0.75]])})


def revision_made(daemon, key):
    daemon.ok("PUT", f"{PROJECT}/policies/{key}", {})
    return key


def features(daemon, number, key):
    path = f"{PROJECT}/policies/{revision_made(daemon, key)}/features/{uploaded(daemon, number)}"
    return write("PUT", path, features_file(number), key, Content_Type=TENSORS["Content-Type"])


def revision_file(daemon, number, key):
    return write("PUT", f"{PROJECT}/policies/{key}", safetensors({}, {"note": key, "role": "selection"}), key,
                 Content_Type=TENSORS["Content-Type"])


def network(daemon, number, key):
    """States of three numbers, actions of as many as the fleet's have."""
    actions = len(fleet.demonstration("a", 1)["actions"][0])
    file = safetensors({"w": matrix([[number % 7 / 4, 0.5, 1.0]] * actions)},
                       {"kind": "mlp", "note": key, "layers": '[{"op": "linear", "weight": "w"}]'})
    return write("PUT", f"{PROJECT}/policies/{key}", file, key, Content_Type=TENSORS["Content-Type"])


WRITES = {
    "upload-json": lambda d, n, k: write("POST", f"{PROJECT}/demonstrations", fleet.demonstration("a", n), k),
    "upload-tensors": upload,
    "ask": lambda d, n, k: write("POST", f"{PROJECT}/assignments", {"operator": k}, k),
    "ask-text": lambda d, n, k: write("POST", f"{PROJECT}/assignments", {"operator": k}, k, Accept="text/plain"),
    "ask-resent": resent,
    "ask-many": lambda d, n, k: write("POST", f"{PROJECT}/assignments", {"operator": k, "count": 4}, k),
    "complete": complete,
    "complete-held": credited,
    "renew": told("renew"),
    "skip": told("skip", to="others", reason="no cereal left"),
    "fail": told("fail"),
    "release": told("release"),
    "upload-described": described,
    "retract": lambda d, n, k: write("DELETE", f"{PROJECT}/demonstrations/{uploaded(d, n)}", {"reason": "slipped"}, k),
    "task-put": lambda d, n, k: write("PUT", f"{PROJECT}/tasks/z{n % 3}", {"weight": n % 5 + 1}, k),
    "task-delete": lambda d, n, k: write("DELETE", f"{PROJECT}/tasks/{task_made(d, k)}", None, k),
    "project-create": lambda d, n, k: write("POST", "/v1/projects", {"id": k, "title": "another"}, k),
    "project-update": lambda d, n, k: write("PATCH", PROJECT, {"title": f"name {n}"}, k),
    "project-rethin": lambda d, n, k: write("PATCH", "/v1/projects/held", {"criterion": {"max_steps": 2 + n % 2}}, k),
    "project-delete": lambda d, n, k: write("DELETE", f"/v1/projects/{project_made(d, k)}", None, k),
    "import": imported,
    "policy-put": lambda d, n, k: write("PUT", f"{PROJECT}/policies/{k}", {"note": k, "trained_on": ["d1", "d2"]}, k),
    "policy-put-file": revision_file,
    "policy-put-network": network,
    "policy-activate": lambda d, n, k: write("POST", f"{PROJECT}/policies/{revision_made(d, k)}/activate", None, k),
    "features-put": features,
    "token-create": lambda d, n, k: write("POST", "/v1/tokens", {"name": k, "role": "robot", "expires_in_s": 900}, k),
    "token-delete": lambda d, n, k: write("DELETE", f"/v1/tokens/{token_made(d, k)}", None, k),
    "refit": lambda d, n, k: write("POST", "/v1/projects/held/refit", None, k),
}


def reads(held, lease):
    """The kinds of requests that only read, and whose answer is known."""
    paths = {
        "projects": "/v1/projects?limit=1", "project": "/v1/projects/held", "tasks": "/v1/projects/held/tasks",
        "task": "/v1/projects/held/tasks/a", "demonstrations": "/v1/projects/held/demonstrations",
        "demonstration": f"/v1/projects/held/demonstrations/{held}",
        "assignments": f"{PROJECT}/assignments?limit=2", "assignment": f"{PROJECT}/assignments/{lease}",
        "decisions": f"{PROJECT}/decisions?limit=2", "decision": f"{PROJECT}/decisions/{lease}",
        "report": "/v1/projects/held/report",
        "export": "/v1/projects/held/export", "tokens": "/v1/tokens?limit=1", "token": "/v1/tokens/t0000000000",
        "policies": "/v1/projects/held/policies", "missing": "/v1/projects/held/policies/r/missing",
        "features": f"/v1/projects/held/policies/r/features/{held}", "readyz": "/readyz", "version": "/version", "openapi": "/openapi.yaml",
    }
    kinds = {name: lambda d, n, k, path=path: Call("GET", path, stable=True) for name, path in paths.items()}
    kinds["tensors"] = lambda d, n, k: Call("GET", paths["demonstration"], stable=True, Accept=TENSORS["Content-Type"])
    kinds["ranking"] = lambda d, n, k: Call("GET", "/v1/projects/held/ranking?wait_s=1", stable=True)
    return kinds


def without_times(kind, body):
    """A ranking says how old it is, an export and a report when they were made."""
    if kind == "export" and body.startswith(b"export.json"):
        return {name: data for name, data in members(body).items() if name not in ("export.json", "SHA256SUMS")}
    if kind == "report":
        return re.sub(rb'"at":"[^"]*"', b"", body)
    return re.sub(rb'"age_s":[^,}]*', b"", body) if kind == "ranking" else body


def set_up(daemon):
    """Project p takes the writes; project held has demonstrations and a ranking, and stays."""
    fleet.set_up(daemon)
    daemon.ok("POST", "/v1/projects", {"id": "held", "fit_after": 2})
    for task in "ab":
        daemon.ok("PUT", f"/v1/projects/held/tasks/{task}", {})
        for number in range(2):
            whole = {**fleet.demonstration(task, number * 3 + ord(task), "demonstration"), "operator": "anna"}
            held = daemon.ok("POST", "/v1/projects/held/demonstrations", whole)["id"]
    daemon.ok("PUT", "/v1/projects/held/policies/r", {"role": "selection"})
    daemon.ok("PUT", f"/v1/projects/held/policies/r/features/{held}", features_file(1), TENSORS)
    daemon.ok("GET", "/v1/projects/held/ranking?wait_s=20")
    return reads(held, asked(daemon, "first")["id"])


def judge(call, expected, kind):
    """A line on an answer that must not be, else None."""
    if not call.status:
        return None
    if 200 <= call.status < 300:
        same = expected is None or without_times(kind, call.answer) == expected
        return None if same else f"another answer: {call.answer[:300]!r}"
    code = json.loads(call.answer or b"{}").get("code")
    return None if code in REFUSED.get(call.status, ()) else f"{call.status} {call.answer[:300]!r}"


def point(daemon, preload, kind, call, expected, nth, persistent):
    """(was an allocation refused, lines)."""
    preload.arm(nth, persistent=persistent)
    call.send(daemon)
    _, hits = preload.disarm()
    lines = [judge(call, expected, kind)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        daemon.process.wait(0 if call.status else 0.2)  # a crash takes the connection first
        with open(os.path.join(daemon.data, "log"), encoding="utf-8", errors="replace") as log:
            return True, [f"the daemon ended with {daemon.process.returncode}", *log.read().splitlines()[-30:]]
    again = call if 200 <= call.status < 300 and not call.stable else call.send(daemon)
    if not 200 <= again.status < 300:
        lines.append(f"sent again without the fault: {again.status} {again.answer[:300]!r}")
    if daemon.request("GET", PROJECT).status != 200:
        lines.append("the next request is not served")
    return hits > 0, [line for line in lines if line]


def sweep(daemon, preload, kind, make, persistent, stride, numbers, findings):
    """Number of points of one kind, to the first N that is not reached."""
    points, missed = 0, 0
    expected = None
    for nth in itertools.count(next(numbers) % stride + 1, stride):
        number = next(numbers)
        call = make(daemon, number, f"{kind}-{number}")
        if call.stable and expected is None:
            expected = without_times(kind, make(daemon, number, "").send(daemon).answer)
        hit, lines = point(daemon, preload, kind, call, expected, nth, persistent)
        findings += [f"{kind}, allocation {nth}{' on' if persistent else ''}: {line}" for line in lines]
        points += hit
        missed = 0 if hit else missed + 1
        if missed > 2 or nth > LIMIT or daemon.process.poll() is not None:
            return points
    return points


def restart(daemon, findings, kind):
    """What is in memory is what is on disk."""
    before = fleet.digest(daemon)
    if "PRELOAD_BEFORE" in os.environ and daemon.stop() != 0:  # a sanitizer counts leaks at an end in order
        findings.append(f"{kind}: what was leaked is in the log")
    elif "PRELOAD_BEFORE" not in os.environ:
        daemon.kill()
    daemon.start()
    if fleet.digest(daemon) != before:
        findings.append(f"{kind}: a restart shows something else")
    findings += [f"{kind}: {line}" for line in fleet.unsound(daemon.data)]


def run(daemon, preload, torture, stride):
    numbers = itertools.count(1000 + random.Random(torture.seed).randrange(stride))
    findings, counts = [], {False: 0, True: 0}
    kinds = {**WRITES, **set_up(daemon)}
    for kind, make in kinds.items():
        for persistent in (False, True):
            counts[persistent] += sweep(daemon, preload, kind, make, persistent, stride, numbers, findings)
            if daemon.process.poll() is not None:
                daemon.start()
        if kind in WRITES:
            restart(daemon, findings, kind)
    torture.count(kinds=len(kinds), once=counts[False], on=counts[True], findings=len(findings))
    torture.check_none(findings, "an allocation that fails costs one request and nothing else")
    torture.check(counts[False] > 2 * len(kinds), "the faults are reached")


def control(daemon, preload, torture):
    preload.arm(1, persistent=True)
    refused = Call("GET", PROJECT).send(daemon).status != 200
    preload.disarm()
    torture.check(refused, "without any memory no request is answered")


def main(torture):
    with tempfile.TemporaryDirectory(prefix="amf-memory-") as folder:
        preload = Preload(os.environ["AMF_PRELOAD_MEMORY"], os.path.join(folder, "control"))
        with contextlib.closing(preload):
            daemon = Daemon(folder, environment=preload.environment)
            run(daemon, preload, torture, 1 if torture.full else STRIDE)
            control(daemon, preload, torture)
            daemon.close()


if __name__ == "__main__":
    Torture("memory").run(main)
