"""Tokens: how they are made and end, what is refused at the door, and that secrets stay secret."""
import contextlib
import glob
import http.client
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import TENSORS, Daemon, Source, demonstration_file, trajectory, wait_until

BAD_PER_MINUTE = 10


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class Base(unittest.TestCase):
    def setUp(self):
        self.daemon, self.source = Daemon(), Source()
        self.addCleanup(self.daemon.close)
        self.daemon.ok("POST", "/v1/projects", {"id": "p"})
        self.daemon.ok("PUT", "/v1/projects/p/tasks/pick", {})

    def make(self, name, role="robot", **more):
        return self.daemon.ok("POST", "/v1/tokens", {"name": name, "role": role, **more}, status=201)

    def status(self, token, path="/v1/projects", method="GET", body=None):
        return self.daemon.request(method, path, body, headers=bearer(token), source=self.source.next()).status

    def refused(self, body, status, code, at):
        answer = self.daemon.request("POST", "/v1/tokens", body)
        self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (status, code, at), body)

    def raw(self, *lines, source=None):
        """The status line's number and the headers of a GET with these header lines, byte by byte."""
        host, port = self.daemon.address.split(":")
        with socket.create_connection((host, int(port)), 30, (source or self.source.next(), 0)) as wire:
            wire.sendall(b"\r\n".join([b"GET /v1/projects HTTP/1.1", b"Host: x", b"Connection: close", *lines]) + b"\r\n\r\n")
            text = b""
            while piece := wire.recv(65536):
                text += piece
        head = text.split(b"\r\n\r\n")[0].decode()
        return int(head.split()[1]), head


class Life(Base):
    def test_a_token_does_what_its_role_says_until_it_is_revoked(self):
        robot, operator, reader = (self.make(role, role)["token"] for role in ("robot", "operator", "reader"))
        path = "/v1/projects/p/demonstrations"
        for n, (token, status) in enumerate([(robot, 201), (operator, 201), (reader, 403)]):
            self.assertEqual(self.status(token, path, "POST", trajectory("pick", n)), status)
            self.assertEqual(self.status(token, path), 200)
        asked = self.daemon.request("POST", "/v1/projects/p/assignments", {}, headers=bearer(operator)).json["assignments"][0]
        done = self.daemon.request("POST", f"/v1/projects/p/assignments/{asked['id']}/complete",
                                   {"fence": asked["fence"], "demonstration": trajectory("pick", 9)}, headers=bearer(operator))
        self.assertEqual((done.status, done.json["assignment"]["operator"]), (200, "operator"))
        self.daemon.ok("DELETE", "/v1/tokens/t0000000001")
        self.assertEqual([self.status(token) for token in (robot, operator, reader)], [401, 200, 200])

    def test_the_list_and_one_token_never_show_a_secret(self):
        made = self.make("franka-1", project="p", expires_in_s=3600)
        self.assertRegex(made["token"], r"^amf_t0000000001_[A-Za-z0-9_-]{49}$")
        shown = {key: value for key, value in made.items() if key != "token"}
        self.assertEqual(self.daemon.ok("GET", "/v1/tokens/t0000000001"), shown)
        listed = self.daemon.ok("GET", "/v1/tokens")["tokens"]
        self.assertEqual(listed[1:], [shown])
        self.assertEqual((listed[0]["id"], listed[0]["name"], listed[0]["created_at"]), ("t0000000000", "admin", None))
        page = self.daemon.ok("GET", "/v1/tokens?limit=1")
        self.assertEqual(page["next_cursor"], "t0000000000")
        self.assertEqual(self.daemon.ok("GET", "/v1/tokens?cursor=t0000000000")["tokens"], [shown])

    def test_a_revoked_or_expired_token_ends_on_an_open_connection(self):
        revoked, expired = self.make("revoked"), self.make("expired", expires_in_s=1)
        host = self.daemon.address
        with contextlib.closing(http.client.HTTPConnection(host)) as one, contextlib.closing(http.client.HTTPConnection(host)) as two:
            def status(connection, token):
                connection.request("GET", "/v1/projects", headers=bearer(token))
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read()).get("code")

            self.assertEqual([status(one, revoked["token"])[0], status(two, expired["token"])[0]], [200, 200])
            self.daemon.ok("DELETE", f"/v1/tokens/{revoked['id']}")
            self.assertEqual(status(one, revoked["token"]), (401, "unauthorized"))
            time.sleep(1.1)
            self.assertEqual(status(two, expired["token"]), (401, "token_expired"))
        self.assertEqual(self.daemon.ok("GET", f"/v1/tokens/{expired['id']}")["state"], "expired")
        again = self.make("expired")  # its name is free again
        self.assertEqual(self.daemon.request("GET", f"/v1/tokens/{expired['id']}").status, 404)
        self.assertEqual(self.status(again["token"]), 200)

    def test_a_token_that_revokes_itself_is_gone_on_the_same_connection(self):
        made = self.make("self", "admin")
        with contextlib.closing(http.client.HTTPConnection(self.daemon.address)) as connection:
            for method, path, status in [("DELETE", f"/v1/tokens/{made['id']}", 204), ("GET", "/v1/projects", 401)]:
                connection.request(method, path, headers=bearer(made["token"]))
                answer = connection.getresponse()
                answer.read()
                self.assertEqual(answer.status, status)

    def test_what_a_token_sends_after_its_end_is_not_stored(self):
        demonstrations = "/v1/projects/p/demonstrations"
        bodies = [("/v1/tokens", json.dumps({"name": "back-door", "role": "admin"}).encode(), "application/json"),
                  (demonstrations, json.dumps(trajectory("pick", 1)).encode(), "application/json"),
                  (demonstrations, demonstration_file(trajectory("pick", 2)), TENSORS["Content-Type"]),
                  ("/v1/projects/copy/import", self.daemon.request("GET", "/v1/projects/p/export").body, "application/octet-stream")]
        for n, (path, body, content_type) in enumerate(bodies):
            for key in ("", f"Idempotency-Key: late-{n}\r\n"):
                with self.subTest(path=path, content_type=content_type, key=key):
                    token = self.make("revoked", "admin")
                    wire = self.begin(path, body, token["token"], f"Content-Type: {content_type}\r\n{key}")
                    self.daemon.ok("DELETE", f"/v1/tokens/{token['id']}")
                    self.assertEqual(self.end(wire, body), (401, "unauthorized"))
        path, body, content_type = bodies[0]
        token = self.make("expired", "admin", expires_in_s=3)
        wire = self.begin(path, body, token["token"], f"Content-Type: {content_type}\r\n")
        wait_until(lambda: self.daemon.ok("GET", f"/v1/tokens/{token['id']}")["state"] == "expired")
        self.assertEqual(self.end(wire, body), (401, "token_expired"))
        self.assertEqual([token["name"] for token in self.daemon.ok("GET", "/v1/tokens")["tokens"]], ["admin", "expired"])
        self.assertEqual(self.daemon.ok("GET", demonstrations)["demonstrations"], [])
        self.assertEqual([project["id"] for project in self.daemon.ok("GET", "/v1/projects")["projects"]], ["p"])

    def begin(self, path, body, token, headers):
        """A POST that has been let in: all but the last byte of its body."""
        host, port = self.daemon.address.split(":")
        wire = socket.create_connection((host, int(port)), 30, (self.source.next(), 0))
        self.addCleanup(wire.close)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nExpect: 100-continue\r\n"
        wire.sendall(f"{head}{headers}Content-Length: {len(body)}\r\n\r\n".encode())
        self.assertIn(b"100 Continue", wire.recv(65536))
        wire.sendall(body[:-1])
        return wire

    def end(self, wire, body):
        wire.sendall(body[-1:])
        text = b""
        while piece := wire.recv(65536):
            text += piece
        head, _, content = text.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(content).get("code")

    def test_tokens_and_numbers_survive_a_kill(self):
        kept, gone = self.make("kept"), self.make("gone")
        self.daemon.ok("DELETE", f"/v1/tokens/{gone['id']}")
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual([self.status(kept["token"]), self.status(gone["token"])], [200, 401])
        self.assertEqual(self.make("next")["id"], "t0000000003")  # the number of `gone` is not given again

    def test_the_owner_of_the_machine_stays_administrator(self):
        answer = self.daemon.request("DELETE", "/v1/tokens/t0000000000")
        self.assertEqual((answer.status, answer.json["code"]), (409, "last_admin"))
        second = self.make("second", "admin")
        self.assertEqual(self.status(second["token"], f"/v1/tokens/{second['id']}", "DELETE"), 204)
        self.daemon.stop()
        old = self.daemon.token
        os.unlink(os.path.join(self.daemon.data, "d", "admin.token"))
        self.daemon.start()
        self.assertEqual([self.status(old), self.status(self.daemon.token)], [401, 200])

    def test_the_asker_is_the_token(self):
        anna = self.make("anna", "operator")["token"]
        asked = self.daemon.request("POST", "/v1/projects/p/assignments", {}, headers=bearer(anna)).json["assignments"][0]
        shown = self.daemon.ok("GET", f"/v1/projects/p/assignments/{asked['id']}")
        self.assertEqual(shown["operator"], "anna")


class Refusals(Base):
    def test_names_are_plain_words(self):
        for name in ("", "<script>alert(1)</script>", "a" * 65, "a" * 10000, "a\nb", "a\r\nSet-Cookie: x", "\u202eadmin", "a b", "-a"):
            self.refused({"name": name, "role": "reader"}, 422, "invalid_field", "/name")
        self.make("a" * 64)

    def test_wrong_tokens_are_refused_whole(self):
        self.make("taken")
        self.refused({"name": "taken", "role": "robot"}, 409, "token_exists", "/name")
        self.refused({"name": "admin", "role": "admin"}, 409, "token_exists", "/name")
        self.refused({"name": "x"}, 422, "missing_field", "/role")
        self.refused({"role": "robot"}, 422, "missing_field", "/name")
        self.refused({"name": "x", "role": "root"}, 422, "invalid_field", "/role")
        self.refused({"name": "x", "role": "robot", "project": "none"}, 422, "invalid_field", "/project")
        self.refused({"name": "x", "role": "robot", "id": "t0000000000"}, 422, "unknown_field", "/id")
        self.refused({"name": "x", "role": "robot", "token": "amf_x"}, 422, "unknown_field", "/token")
        for at in ("2001-01-01T00:00:00Z", "tomorrow", "2030-02-30T00:00:00Z", "2030-01-01", "2030-01-01T00:00:00", "2030-01-01T25:00:00Z",
                   "9999-12-31T23:59:59-23:59"):
            self.refused({"name": "x", "role": "robot", "expires_at": at}, 422, "invalid_field", "/expires_at")
        for seconds in (0, -1, 10**12):
            self.refused({"name": "x", "role": "robot", "expires_in_s": seconds}, 422, "invalid_field", "/expires_in_s")
        self.refused({"name": "x", "role": "robot", "expires_in_s": 1, "expires_at": "2030-01-01T00:00:00Z"}, 422, "invalid_field", "/expires_in_s")
        self.assertEqual(len(self.daemon.ok("GET", "/v1/tokens")["tokens"]), 2)
        made = self.make("x", expires_at="2030-01-01T01:00:00.5+01:00")
        self.assertEqual(made["expires_at"], "2030-01-01T00:00:00.500Z")

    def test_what_is_no_token_is_401(self):
        good = self.daemon.token.encode()
        self.assertEqual(self.raw(b"Authorization: bearer " + good)[0], 200)
        for value in (b"", b"Bearer", b"Bearer ", b"Basic " + good, good, b"Bearer x", b"Bearer " + b"a" * 4096,
                      b"Bearer \xc3\xa4\xff", b"Bearer " + good + b"%00", b"Bearer " + good[:20] + b" " + good[20:],
                      b"Bearer " + good + b"," + good, b"Bearer " + good + b" " + good, b"Bearer " + good[:-1]):
            status, head = self.raw(b"Authorization: " + value)
            self.assertEqual(status, 401, value)
            self.assertIn("WWW-Authenticate: Bearer", head)
        self.assertEqual(self.raw()[0], 401)
        for at in (0, 20, len(good) - 10, len(good) - 1):  # any one symbol
            wrong = good[:at] + (b"A" if good[at:at + 1] != b"A" else b"B") + good[at + 1:]
            self.assertEqual(self.raw(b"Authorization: Bearer " + wrong)[0], 401, wrong)

    def test_two_headers_or_an_address_with_a_token_are_400(self):
        good, bad = b"Authorization: Bearer " + self.daemon.token.encode(), b"Authorization: Bearer x"
        for lines in ((good, bad), (bad, good), (good, good)):
            self.assertEqual(self.raw(*lines)[0], 400)
        for token in ({}, bearer(self.daemon.token)):
            for query in (f"access_token={self.daemon.token}", f"limit=1&access_token={self.daemon.token}", "access_token"):
                for path in ("/v1/projects", "/healthz"):
                    answer = self.daemon.request("GET", f"{path}?{query}", headers=token, token=False)
                    self.assertEqual((answer.status, answer.json["code"]), (400, "invalid_query"), query)

    def test_a_thousand_wrong_tokens_are_braked_and_hurt_nobody_else(self):
        statuses, here = [], self.source.next()
        with contextlib.closing(http.client.HTTPConnection(self.daemon.address, source_address=(here, 0))) as connection:
            for n in range(1000):
                connection.request("GET", "/v1/projects", headers=bearer(f"wrong-{n}"))
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
                if answer.status == 429:
                    self.assertLessEqual(1, int(answer.headers["Retry-After"]))
                    self.assertLessEqual(int(answer.headers["Retry-After"]), 60)
        self.assertEqual(statuses, [401] * BAD_PER_MINUTE + [429] * (1000 - BAD_PER_MINUTE))
        good = self.daemon.request("GET", "/v1/projects", source=here)  # from the very same address
        none = self.daemon.request("GET", "/v1/projects", token=False, source=here)
        other = self.daemon.request("GET", "/v1/projects", headers=bearer("x"), source=self.source.next())
        self.assertEqual([good.status, none.status, other.status], [200, 401, 401])


class Secrets(Base):
    def test_no_secret_reaches_the_disk_or_the_log(self):
        key = {"Idempotency-Key": "k"}
        body = {"name": "franka-1", "role": "robot"}
        made = self.daemon.request("POST", "/v1/tokens", body, key)
        secret = made.json["token"]
        self.assertEqual(self.status(secret), 200)
        self.daemon.request("GET", f"/v1/projects?access_token={secret}")
        self.daemon.request("GET", "/v1/projects", headers=bearer(secret + "x"))
        for path in (f"/v1/tokens/{secret}", f"/v1/projects/{secret}/tasks?x={secret}"):
            self.assertEqual(self.daemon.request("GET", path).status // 100, 4)
        self.assertNotIn(secret[16:40].encode(), self.daemon.request("GET", f"/v1/tokens/{secret}").body)
        self.daemon.ok("DELETE", "/v1/tokens/t0000000001")
        for file in glob.glob(os.path.join(self.daemon.data, "d", "amf.db*")) + [os.path.join(self.daemon.data, "log")]:
            with open(file, "rb") as opened:
                content = opened.read()
            for text in (secret, secret[16:59], self.daemon.token):
                self.assertNotIn(text.encode(), content, file)
        with open(os.path.join(self.daemon.data, "log"), encoding="utf-8") as log:
            text = log.read()
        self.assertIn("token made token=t0000000001 name=franka-1 role=robot", text)
        self.assertIn("token revoked token=t0000000001 name=franka-1", text)
        self.assertIn("token=t0000000001", text)
        retry = self.daemon.request("POST", "/v1/tokens", body, key)
        self.assertEqual((retry.status, retry.body), (201, made.body))  # byte for byte, also after a restart
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.request("POST", "/v1/tokens", body, key).body, made.body)
        self.assertEqual(len(self.daemon.ok("GET", "/v1/tokens")["tokens"]), 1)

    def test_a_kept_secret_opens_for_the_token_that_asked_only(self):
        key, body = {"Idempotency-Key": "k"}, {"name": "franka-1", "role": "robot"}
        self.daemon.request("POST", "/v1/tokens", body, key)
        self.daemon.stop()
        os.unlink(os.path.join(self.daemon.data, "d", "admin.token"))
        self.daemon.start()
        answer = self.daemon.request("POST", "/v1/tokens", body, key)
        self.assertEqual((answer.status, answer.json["code"]), (409, "secret_lost"))

    def test_keys_of_two_tokens_do_not_meet(self):
        path, key = "/v1/projects/p/demonstrations", {"Idempotency-Key": "same"}
        for n, name in enumerate(("one", "two")):
            token = self.make(name)["token"]
            answer = self.daemon.request("POST", path, trajectory("pick", n), {**bearer(token), **key})
            self.assertEqual((answer.status, answer.json["duplicate"]), (201, False))


if __name__ == "__main__":
    tap.main()
