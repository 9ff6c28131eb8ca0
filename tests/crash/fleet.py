"""Clients that hand in demonstrations for as long as the daemon lives, and what they were promised.

Every write carries an Idempotency-Key. A request that was answered with a 2xx is a promise; one that was sent and not
answered is sent again after the restart, and must then be there exactly once.
"""

import collections
import contextlib
import hashlib
import http.client
import json
import os
import sqlite3
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from daemon import TENSORS, demonstration_file

PROJECT = "/v1/projects/p"
TASKS = "abcdefgh"
KINDS = ("json", "tensors", "ask", "complete")


class Request:
    """One write: what was sent and what came back (status 0: nothing did)."""

    def __init__(self, kind, path, body, key, demonstration=None, media="application/json"):
        self.kind, self.path, self.body, self.key = kind, path, body, key
        self.demonstration, self.media = demonstration, media
        self.status, self.answer = 0, b""

    @property
    def headers(self):
        return {"Content-Type": self.media, "Idempotency-Key": self.key}

    @property
    def promised(self):
        return 200 <= self.status < 300

    @property
    def json(self):
        return json.loads(self.answer)


def set_up(daemon):
    """The project the clients write to. Rollouts and a large fit_after keep the ranking cheap."""
    daemon.ok("POST", "/v1/projects", {"id": "p", "criterion": {"max_steps": 4}})
    for task in TASKS:
        daemon.ok("PUT", f"{PROJECT}/tasks/{task}", {"instruction": f"do {task}"})


def demonstration(task, number, role="rollout", steps=3):
    """No two numbers give the same one; its numbers are exact in binary."""
    return {"task": task, "role": role,
            "states": [[float(number % 4096), float(number // 4096), step / 4] for step in range(steps)],
            "actions": [[number % 5 / 16, float(step)] for step in range(steps)]}


def upload(kind, task, number, key, role="rollout", steps=3):
    whole = demonstration(task, number, role, steps)
    if kind == "json":
        return Request(kind, f"{PROJECT}/demonstrations", json.dumps(whole).encode(), key, whole)
    return Request(kind, f"{PROJECT}/demonstrations", demonstration_file(whole, role=role), key, whole,
                   TENSORS["Content-Type"])


def ask(operator, key):
    body = json.dumps({"operator": operator, "lease_s": 600}).encode()
    return Request("ask", f"{PROJECT}/assignments", body, key)


def complete(assignment, number, key):
    whole = demonstration(assignment["task"], number, "demonstration")
    body = json.dumps({"fence": assignment["fence"], "demonstration": whole}).encode()
    return Request("complete", f"{PROJECT}/assignments/{assignment['id']}/complete", body, key, whole)


def send(daemon, request, connection=None):
    """Fills in status and answer. Raises OSError or HTTPException when none came."""
    own = connection is None
    connection = connection or http.client.HTTPConnection(daemon.address, timeout=30)
    try:
        connection.request("POST", request.path, request.body,
                           {**request.headers, "Authorization": f"Bearer {daemon.token}"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        if own:
            connection.close()
    request.answer, request.status = body, answer.status
    return request


class Client(threading.Thread):
    """Sends one request after the other; notes each before it goes out."""

    def __init__(self, fleet, number):
        super().__init__(daemon=True)
        self.fleet, self.name, self.number = fleet, f"client-{number}", number
        self.sent = []
        self.assignment = None

    def _next(self, count):
        unique = self.fleet.first + count * len(self.fleet.clients) + self.number
        key = f"{self.name}-{unique}"
        kind = KINDS[count % 4]
        if kind == "ask":
            return ask(self.name, key)
        if kind == "complete" and self.assignment:
            return complete(self.assignment, unique, key)
        return upload("tensors" if count % 2 else "json", TASKS[self.number % 8], unique, key,
                      steps=40 if count % 9 == 8 else 3)

    def run(self):
        connection = http.client.HTTPConnection(self.fleet.daemon.address, timeout=30)
        count = 0
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            while not self.fleet.ended:
                request = self._next(count)
                self.sent.append(request)
                send(self.fleet.daemon, request, connection)
                self._note(request)
                count += 1

    def _note(self, request):
        self.assignment = None
        if request.kind == "ask" and request.promised:
            self.assignment = next(iter(request.json["assignments"]), None)


class Fleet:
    """Clients on one daemon; first: where their numbers begin, so that no two fleets send the same."""

    def __init__(self, daemon, first, clients=8):
        self.daemon, self.first, self.ended = daemon, first, False
        self.clients = [None] * clients
        self.clients = [Client(self, number) for number in range(clients)]
        for client in self.clients:
            client.start()

    def end(self):
        """Lets every client finish what it is at, if the daemon still answers."""
        self.ended = True
        for client in self.clients:
            client.join(60)

    def sent(self):
        return [request for client in self.clients for request in list(client.sent)]

    def promised(self):
        return [request for request in self.sent() if request.promised]


def wrong(request):
    """An answer no client should see while nothing but the process or the power fails."""
    return request.status and not request.promised


def tensors_of(data):
    """{name: rows} of a safetensors file with float64 matrices."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            rows, columns = entry["shape"]
            flat = struct.unpack(f"<{rows * columns}d", data[8 + length + begin:8 + length + end])
            found[name] = [list(flat[i * columns:(i + 1) * columns]) for i in range(rows)]
    return found


def stored_as(daemon, identity, sent):
    """A line when a demonstration is not there with the numbers that were sent, else None."""
    answer = daemon.request("GET", f"{PROJECT}/demonstrations/{identity}", headers={"Accept": TENSORS["Content-Type"]})
    if answer.status != 200:
        return f"demonstration {identity}: {answer.status} {answer.body[:200]!r}"
    found = tensors_of(answer.body)
    if found["states"] != sent["states"] or found["actions"] != sent["actions"]:
        return f"demonstration {identity}: other numbers than were sent"
    return None


def kept(daemon, request):
    """A line when what a 2xx promised is not there, else None."""
    answer = request.json
    if request.kind in ("json", "tensors"):
        return stored_as(daemon, answer["id"], request.demonstration)
    if request.kind == "complete":
        line = stored_as(daemon, answer["demonstration"]["id"], request.demonstration)
        if line or not answer["credited"]:
            return line
        wanted = {answer["assignment"]["id"]: "completed"}
    else:
        wanted = {item["id"]: None for item in answer["assignments"]}
    for identity, state in wanted.items():
        found = daemon.request("GET", f"{PROJECT}/assignments/{identity}")
        if found.status != 200 or (state and found.json["state"] != state):
            return f"assignment {identity}: {found.status} {found.body[:200]!r}"
    return None


def listed(daemon):
    """{id: sha256} of every demonstration, through the pages."""
    found, cursor = {}, ""
    while cursor is not None:
        page = daemon.ok("GET", f"{PROJECT}/demonstrations?limit=500{cursor and '&cursor=' + cursor}")
        found.update((item["id"], item["sha256"]) for item in page["demonstrations"])
        cursor = page["next_cursor"]
    return found


def replayed(daemon, request):
    """A line when sending it again is not answered as it was, or at all; else None."""
    before = request.answer if request.promised else None
    for _ in range(2):
        send(daemon, request)
        if not request.promised:
            return f"{request.kind} {request.key} sent again: {request.status} {request.answer[:200]!r}"
        if before is not None and request.answer != before:
            return f"{request.kind} {request.key}: the answer sent again is another"
        before = request.answer
    return None


def once_each(daemon, requests):
    """Lines unless the project holds each demonstration of the promised requests once, and no other."""
    held = collections.Counter(listed(daemon).values())
    wanted = set()
    for request in requests:
        if request.demonstration:
            wanted.add(request.json["demonstration"]["sha256"] if request.kind == "complete" else request.json["sha256"])
    lines = [f"{sha256} is held {count} times" for sha256, count in held.items() if count != 1]
    lines += [f"{sha256} was promised and is not listed" for sha256 in wanted - set(held)]
    return lines + [f"{sha256} is listed and nobody sent it" for sha256 in set(held) - wanted]


def unsound(data):
    """Lines on a database that is not whole. Reads only, beside the daemon."""
    database = sqlite3.connect(f"file:{os.path.join(data, 'd', 'amf.db')}?mode=ro", uri=True)
    with contextlib.closing(database):
        problems = database.execute("PRAGMA integrity_check").fetchall()
        orphans = database.execute("PRAGMA foreign_key_check").fetchall()
        alone = database.execute("SELECT count(*) FROM blob AS b WHERE NOT EXISTS (SELECT 1 FROM event AS e"
                                 " WHERE e.project = b.project AND e.blob_id = b.blob_id)").fetchone()[0]
        bare = database.execute("SELECT count(*) FROM event WHERE type = 'demonstration_added' AND blob_id IS NULL"
                                ).fetchone()[0]
    lines = [] if problems == [("ok",)] else [f"integrity_check: {problems[:5]}"]
    lines += [f"foreign_key_check: {orphans[:5]}"] if orphans else []
    lines += [f"{alone} blobs without an event"] if alone else []
    return lines + ([f"{bare} demonstrations without a blob"] if bare else [])


def digest(daemon):
    """Everything the API shows of the project, as one hash: equal before and after a restart."""
    whole = hashlib.sha256()
    for path in ("", "/tasks?limit=500", "/assignments?limit=500", "/demonstrations?limit=500"):
        whole.update(daemon.request("GET", PROJECT + path).body)
    for identity in listed(daemon):
        whole.update(daemon.request("GET", f"{PROJECT}/demonstrations/{identity}", headers={"Accept": TENSORS["Content-Type"]}
                                    ).body)
    return whole.hexdigest()
