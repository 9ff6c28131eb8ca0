#!/usr/bin/env python3
"""From a call to its answer: what is repeated and what is not, keys, problems, events that break off."""
import base64
import hashlib
import json
import os
import pickle
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import httpx
import numpy as np
from fixtures import tap  # first: it knows where the package is

import archive

import amf_client
from amf_client import errors

URL = "http://amf.example:7667"
TASK = {"key": "pick", "instruction": "", "vector": None, "weight": 1, "cost_s": 60, "role": "both", "requires": [],
        "min_demonstrations": 0, "max_demonstrations": None, "demonstrations": 0, "pretraining_demonstrations": 0,
        "rollouts": 0, "pending": 0, "success_rate": None}


def problem(status, code, **headers):
    body = {"type": "about:blank", "title": "A title", "status": status, "code": code, "detail": "A detail.",
            "at": "/task", "request_id": "r1"}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


def good(body=None):
    return httpx.Response(200, json=TASK if body is None else body)


class Server:
    """Answers, one after the other; an exception is a connection that broke. The last one stays."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def keys(self):
        return [request.headers.get("idempotency-key") for request in self.requests]


class Case(unittest.TestCase):
    def setUp(self):
        self.pauses = []
        for patch in (mock.patch("time.sleep", self.pauses.append), mock.patch.dict(os.environ)):
            patch.start()
            self.addCleanup(patch.stop)

    def client(self, *answers, **options):
        self.server = Server(*answers)
        return amf_client.Client(URL, "secret", transport=httpx.MockTransport(self.server), unsent=None, **options)


class Repeats(Case):
    def test_whatever_broke_on_the_way_is_sent_again_with_the_same_key(self):
        for broken in (httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("ended early"),
                       problem(503, "outcome_unknown"), problem(503, "not_ready"), httpx.Response(502, text="proxy")):
            with self.subTest(broken=broken):
                client = self.client(broken, broken, good())
                self.assertEqual(client.project("p").tasks.put("pick").key, "pick")
                self.assertEqual(len(self.server.requests), 3)
                self.assertEqual(len(set(self.server.keys())), 1)
                self.assertRegex(self.server.keys()[0], "^[0-9a-f]{32}$")

    def test_another_call_has_another_key(self):
        tasks = self.client(good()).project("p").tasks
        tasks.put("pick")
        tasks.put("pick")
        self.assertEqual(len(set(self.server.keys())), 2)

    def test_a_key_of_ones_own_is_sent(self):
        self.client(good({"id": "p"})).projects.create("p", key="mine-1")
        self.assertEqual(self.server.keys(), ["mine-1"])

    def test_reading_needs_no_key(self):
        self.client(good()).project("p").tasks.get("pick")
        self.assertEqual(self.server.keys(), [None])

    def test_refusals_are_not_sent_again(self):
        for status, code in ((400, "malformed_json"), (401, "unauthorized"), (404, "task_not_found"), (409, "task_in_use"),
                             (422, "invalid_field"), (500, "damaged"), (507, "disk_full")):
            with self.subTest(status=status):
                client = self.client(problem(status, code), good())
                with self.assertRaises(errors.ApiError) as caught:
                    client.project("p").tasks.put("pick")
                self.assertEqual(caught.exception.status, status)
                self.assertEqual(len(self.server.requests), 1)

    def test_409_and_429_are_where_the_server_says_when(self):
        for status in (409, 429):
            client = self.client(problem(status, "still_running", **{"retry-after": "2"}), good())
            client.project("p").tasks.put("pick")
            self.assertEqual(self.pauses.pop(), 2.0)

    def test_retry_after_is_the_least_pause(self):
        self.client(problem(503, "overloaded", **{"retry-after": "3"}), good()).project("p").tasks.get("pick")
        self.assertEqual(self.pauses, [3.0])

    def test_a_longer_retry_after_than_anybody_waits_for_is_told(self):
        client = self.client(problem(429, "too_many_failures", **{"retry-after": "60"}), good())
        with self.assertRaises(amf_client.TooManyRequests) as caught:
            client.project("p").tasks.get("pick")
        self.assertEqual(caught.exception.retry_after_s, 60.0)
        self.assertEqual(self.pauses, [])

    def test_it_ends(self):
        client = self.client(httpx.ConnectError("refused"), retry=amf_client.Retry(attempts=4))
        with self.assertRaises(amf_client.Unreachable) as caught:
            client.project("p").tasks.put("pick")
        self.assertEqual(len(self.server.requests), 4)
        self.assertEqual(caught.exception.idempotency_key, self.server.keys()[0])
        for pause_s, planned_s in zip(self.pauses, (0.1, 0.2, 0.4), strict=True):
            self.assertTrue(planned_s / 2 <= pause_s <= planned_s, self.pauses)


class Problems(Case):
    def test_the_fields_are_those_of_the_document(self):
        client = self.client(problem(422, "invalid_field"))
        with self.assertRaises(amf_client.Invalid) as caught:
            client.project("p").tasks.put("pick")
        error = caught.exception
        self.assertEqual((error.code, error.at, error.detail, error.request_id), ("invalid_field", "/task", "A detail.", "r1"))
        self.assertEqual(str(error), "invalid_field at /task: A detail. (request r1)")

    def test_codes_have_their_classes_and_unknown_ones_that_of_their_status(self):
        for status, code, found in ((409, "lease_lost", amf_client.LeaseLost), (409, "new_one", amf_client.Conflict),
                                    (503, "outcome_unknown", amf_client.OutcomeUnknown), (418, "new_one", errors.ApiError),
                                    (599, "new_one", amf_client.ServerError)):
            self.assertIs(errors.error_class(status, code), found)

    def test_what_a_proxy_says_is_told_from_what_amfd_says(self):
        for answer in (httpx.Response(404, text="<html>"), httpx.Response(404, json={"code": 7}),
                       httpx.Response(404, content=b"{", headers={"content-type": "application/problem+json"}),
                       httpx.Response(404, content=b"[]", headers={"content-type": "application/problem+json"})):
            with self.assertRaises(amf_client.NotFound) as caught:
                self.client(answer).project("p").get()
            self.assertEqual(caught.exception.code, "http_404")

    def test_other_answers_are_bad_ones(self):
        for answer in (httpx.Response(301, headers={"location": "/"}), httpx.Response(200, text="hello"), good([]), good({}),
                       good({**TASK, "weight": "1"}), good({**TASK, "demonstrations": True}), good({**TASK, "key": None})):
            with self.subTest(answer=answer.content), self.assertRaises(amf_client.BadAnswer):
                self.client(answer).project("p").tasks.get("pick")

    def test_they_survive_pickling(self):
        for error in (errors.LeaseLost(409, "lease_lost", detail="gone"), errors.NothingToDo("budget", "spent"),
                      errors.Unreachable("no route", idempotency_key="k"), errors.BadAnswer("odd")):
            copy = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(copy), str(copy), vars(copy)), (type(error), str(error), vars(error)))


class Answers(Case):
    def test_fields_of_a_newer_server_are_kept(self):
        task = self.client(good({**TASK, "colour": "red"})).project("p").tasks.get("pick")
        self.assertEqual(task.more, {"colour": "red"})

    def test_lists_go_on_to_the_last_page(self):
        first, last = {"tasks": [TASK], "next_cursor": "c1"}, {"tasks": [{**TASK, "key": "pour"}], "next_cursor": None}
        tasks = self.client(good(first), good(last)).project("p").tasks.list()
        self.assertEqual([task.key for task in tasks], ["pick", "pour"])
        self.assertEqual([request.url.params.get("cursor") for request in self.server.requests], [None, "c1"])

    def test_names_are_encoded_and_the_odd_ones_refused(self):
        client = self.client(good())
        client.project("p").tasks.get("a/b?c")
        self.assertEqual(self.server.requests[0].url.raw_path, b"/v1/projects/p/tasks/a%2Fb%3Fc")
        for name in ("", ".", ".."):
            with self.assertRaises(ValueError):
                client.project("p").tasks.get(name)

    def test_the_token_is_a_header_and_shown_nowhere(self):
        client = self.client(good())
        client.project("p").tasks.get("pick")
        self.assertEqual(self.server.requests[0].headers["authorization"], "Bearer secret")
        self.assertNotIn("secret", repr(client) + repr(client._transport.location))


def stream(*events, broken=False):
    def body():
        for seq in events:
            event = {"seq": seq, "at": "2026-11-21T10:15:00.123Z", "type": "task_put", "id": "pick", "new": "\u2028"}
            yield f"id: {seq}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n: still here\n\nevent: ranking\n".encode()
            yield b'data: {"seq": 9}\n\n'
        if broken:
            raise httpx.ReadError("gone")

    return httpx.Response(200, content=body(), headers={"content-type": "text/event-stream"})


class Events(Case):
    def test_they_go_on_where_they_broke_off(self):
        client = self.client(stream(1, 2, broken=True), httpx.ConnectError("refused"), problem(503, "not_ready"), stream(3),
                             stream(4, 5))
        events = client.project("p").events(follow=True)
        self.assertEqual([next(events).seq for _ in range(5)], [1, 2, 3, 4, 5])
        events.close()
        after = [request.url.params["after"] for request in self.server.requests]
        self.assertEqual(after, ["0", "2", "2", "2", "3"])

    def test_a_refusal_ends_them(self):
        with self.assertRaises(amf_client.NotFound):
            next(self.client(problem(404, "project_not_found")).project("p").events(follow=True))

    def test_an_event_keeps_what_its_type_brings(self):
        event = next(self.client(stream(7)).project("p").events(6, follow=True))
        self.assertEqual((event.type, event.id, event.more, event.at.microsecond),
                         ("task_put", "pick", {"new": "\u2028"}, 123000))


class Finding(Case):
    def setUp(self):
        super().setUp()
        self.home = Path(tempfile.mkdtemp())
        self.folder = self.home / "amf"
        self.folder.mkdir()
        for name in ("AMF_URL", "AMF_TOKEN", "AMF_CA_FILE"):
            os.environ.pop(name, None)
        os.environ["XDG_DATA_HOME"] = str(self.home)

    def found(self, *arguments, **options):
        location = amf_client.Client(*arguments, **options)._transport.location
        return location.url, location.token

    def test_nothing_said_and_nothing_there(self):
        self.assertEqual(self.found(), ("http://127.0.0.1:7667", None))

    def test_the_data_directory_of_this_user(self):
        (self.folder / "listening").write_text("http://127.0.0.1:7001\n")
        (self.folder / "admin.token").write_text("from-file\n")
        self.assertEqual(self.found(), ("http://127.0.0.1:7001", "from-file"))

    def test_the_environment_before_it_and_arguments_before_both(self):
        (self.folder / "listening").write_text("http://127.0.0.1:7001\n")
        os.environ.update(AMF_URL="http://localhost:7002/", AMF_TOKEN="from-env")
        self.assertEqual(self.found(), ("http://localhost:7002", "from-env"))
        self.assertEqual(self.found("http://[::1]:7003", "said"), ("http://[::1]:7003", "said"))

    def test_the_file_of_this_machine_is_for_this_machine(self):
        (self.folder / "admin.token").write_text("from-file\n")
        for url in ("https://amf.example", "http://127.example.org", "http://localhost@amf.example", "http://localhost.example"):
            self.assertEqual(self.found(url), (url, None))

    def test_an_empty_token_file_is_told(self):
        (self.home / "empty").write_text("\n")
        with self.assertRaises(ValueError):
            self.found(token_file=self.home / "empty")


class Files(Case):
    """A download that is not what its checksums say leaves nothing under the name it was to have."""

    def setUp(self):
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_an_archive(self):
        whole = archive.pack({"export.json": b"{}", "events.jsonl": b"an event\n" * 100})
        at = whole.index(b"an event")
        for body in (whole[:at] + b"n" + whole[at + 1:], whole[:512], b"", archive.pack({"export.json": b"{}"}, sums=False),
                     archive.pack({"export.json": b"{}", "SHA256SUMS": b""}, sums=False)):
            with self.subTest(length=len(body)), self.assertRaises(amf_client.BadAnswer):
                self.client(httpx.Response(200, content=body)).project("p").export(self.folder / "p.tar")
            self.assertEqual(list(self.folder.iterdir()), [])
        self.client(httpx.Response(200, content=whole)).project("p").export(self.folder / "p.tar")
        self.assertEqual((self.folder / "p.tar").read_bytes(), whole)

    def test_a_copy_of_everything(self):
        digest = "sha-256=:" + base64.b64encode(hashlib.sha256(b"all of it").digest()).decode() + ":"
        for body, told in ((b"all of iT", digest), (b"all of it", None)):
            headers = {"repr-digest": told} if told else {}
            with self.assertRaises(amf_client.BadAnswer):
                self.client(httpx.Response(200, content=body, headers=headers)).back_up(self.folder / "copy.db")
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_one_that_breaks_off(self):
        def body():
            yield b"a part"
            raise httpx.RemoteProtocolError("ended early")

        with self.assertRaises(amf_client.Unreachable):
            self.client(httpx.Response(200, content=body())).back_up(self.folder / "copy.db")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_one_that_is_there_stays(self):
        (self.folder / "copy.db").write_text("mine")
        with self.assertRaises(FileExistsError):
            self.client(good()).back_up(self.folder / "copy.db")
        self.assertEqual((self.folder / "copy.db").read_text(), "mine")


class Kept(Case):
    """A demonstration that cannot be handed in is in a file, as `amf demo upload` takes it."""

    def test_it_is_where_the_exception_says(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(httpx.ConnectError("refused"))
            client = amf_client.Client(URL, "secret", transport=httpx.MockTransport(server), unsent=folder)
            states, actions = np.ones((4, 3), np.float32), np.zeros((4, 2))
            with self.assertLogs("amf_client"), self.assertRaises(amf_client.Unreachable) as caught:
                client.project("p").demonstrations.add("pick", states, actions, operator="anna")
            self.assertEqual(caught.exception.kept.parent, Path(folder, "p"))
            self.assertIn(str(caught.exception.kept), str(caught.exception))
            kept = amf_client._tensors.demonstration_from(caught.exception.kept.read_bytes(), "d")
            self.assertEqual((kept.task, kept.operator), ("pick", "anna"))
            np.testing.assert_array_equal(kept.states, states)

    def test_what_is_refused_is_the_callers(self):
        with tempfile.TemporaryDirectory() as folder:
            client = amf_client.Client(URL, "secret", unsent=folder,
                                       transport=httpx.MockTransport(Server(problem(422, "unknown_task"))))
            with self.assertRaises(amf_client.Invalid):
                client.project("p").demonstrations.add("pick", np.ones((1, 1)), np.ones((1, 1)))
            self.assertEqual(os.listdir(folder), [])

    def test_arrays_of_other_shapes_and_kinds_are_refused_before_they_are_sent(self):
        demonstrations = self.client(good()).project("p").demonstrations
        for states, actions in ((np.ones(3), np.ones((3, 1))), (np.ones((3, 1)), np.ones((2, 1))),
                                (np.ones((1, 1), complex), np.ones((1, 1))), ([["a"]], [[1.0]])):
            with self.assertRaises(ValueError):
                demonstrations.add("pick", states, actions)
        self.assertEqual(self.server.requests, [])


if __name__ == "__main__":
    tap.main()
