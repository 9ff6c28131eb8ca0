"""Who may use what: every route and method, tried with every kind of token, against a live daemon.

What is expected is worked out from the route table of the program itself (dump_routes), so a new route is tried without a
line here; one that names no roles must be shut to all but administrators. Each request carries a query parameter that no
route has: who is let in is told so (400, and nothing happens), who is not never gets that far.
"""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import BUILD, Daemon, Source, wait_until

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("admin", "operator", "robot", "reader")
NO_TOKEN = {"none": None, "empty": "", "scheme only": "Bearer", "Basic": "Basic eDp5"}
WRONG = ("bad", "malformed", "revoked")


def route_table():
    lines = subprocess.run([os.path.join(BUILD, "tests", "lint", "dump_routes")], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon, cls.table = Daemon(), route_table()
        for project in ("own", "other"):
            cls.daemon.ok("POST", "/v1/projects", {"id": project})
        cls.headers = {name: {} if value is None else {"Authorization": value} for name, value in NO_TOKEN.items()}
        for role in ROLES:
            cls.add(role, role, None)
            cls.add(f"{role} of own", role, "own")
            cls.add(f"{role} of other", role, "other")
        cls.add("expired", "admin", None, expires_in_s=1)
        revoked = cls.add("revoked", "admin", None)
        cls.daemon.ok("DELETE", f"/v1/tokens/{revoked['id']}")
        secret = cls.headers["admin"]["Authorization"]
        cls.headers["bad"] = {"Authorization": secret[:30] + ("A" if secret[30] != "A" else "B") + secret[31:]}
        cls.headers["malformed"] = {"Authorization": "Bearer amf_x"}
        wait_until(lambda: cls.daemon.request("GET", "/v1/projects", headers=cls.headers["expired"]).status == 401)
        cls.source = Source()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    @classmethod
    def add(cls, name, role, project, **more):
        made = cls.daemon.ok("POST", "/v1/tokens", {"name": "a-" + name.replace(" ", "-"), "role": role, "project": project, **more})
        cls.headers[name] = {"Authorization": f"Bearer {made['token']}"}
        return made

    def expected(self, route, who):
        """(status, code) of a request to a route of the table."""
        if route["public"]:
            return 400, "invalid_query"
        if who in NO_TOKEN or who in WRONG:
            return 401, "unauthorized"
        if who == "expired":
            return 401, "token_expired"
        role, _, project = who.partition(" of ")
        if project and not route["own_project_only"]:
            if not route["template"].startswith("/v1/projects/{project}"):
                return 403, "insufficient_scope"
            if project == "other":
                return 404, "project_not_found"
        return (400, "invalid_query") if role in route["roles"] else (403, "insufficient_scope")

    def ask(self, method, template, who):
        path = re.sub(r"\{\w+\}", "x", template.replace("{project}", "own"))
        # wrong tokens are counted by address: each comes from another one
        return self.daemon.request(method, path + "?colour=red", headers=self.headers[who], token=False,
                                   source=self.source.next() if who in WRONG else None)

    def test_every_route_method_and_kind_of_token(self):
        known = {(route["method"], route["template"]): route for route in self.table}
        cells, wrong = 0, []
        for template in sorted({route["template"] for route in self.table}):
            for method in METHODS:
                route = known.get((method, template))
                for who in self.headers:
                    answer = self.ask(method, template, who)
                    expected = self.expected(route, who) if route else (405, "method_not_allowed")
                    got = answer.status, answer.json["code"]
                    cells += 1
                    if got != expected:
                        wrong.append(f"{method} {template} by {who}: {got}, expected {expected}")
                    challenge = answer.headers.get("WWW-Authenticate")
                    if (challenge is not None) != (got[0] in (401, 403)):
                        wrong.append(f"{method} {template} by {who}: {got}, WWW-Authenticate {challenge}")
        self.assertEqual(wrong, [])
        self.assertGreaterEqual(len(self.table) * len(self.headers), 300)
        print(f"# {cells} cells, {len(self.table)} routes, {len(self.headers)} kinds of token")

    def test_head_is_held_to_the_rules_of_get(self):
        for route in self.table:
            if route["method"] == "GET" and not route["public"]:
                for who in ("none", "bad", "robot of other", "admin"):
                    status = self.expected(route, who)[0]
                    path = re.sub(r"\{\w+\}", "x", route["template"].replace("{project}", "own")) + "?colour=red"
                    got = self.daemon.request("HEAD", path, headers=self.headers[who], token=False, source=self.source.next())
                    self.assertEqual(got.status, status, (path, who))

    def test_a_project_out_of_reach_looks_like_one_that_never_was(self):
        answers = []
        for project in ("own", "gone"):
            answer = self.daemon.request("GET", f"/v1/projects/{project}/tasks", headers=self.headers["reader of other"]).json
            answers.append({key: value.replace(project, "P") if isinstance(value, str) else value
                            for key, value in answer.items() if key != "request_id"})
        self.assertEqual(*answers)

    def test_a_list_shows_what_is_in_reach(self):
        def ids(who, path="/v1/projects"):
            return [p["id"] for p in self.daemon.request("GET", path, headers=self.headers[who]).json["projects"]]

        self.assertEqual(ids("reader"), ["other", "own"])
        self.assertEqual(ids("reader of own"), ["own"])
        self.assertEqual(ids("admin of other"), ["other"])
        self.assertEqual(ids("reader of own", "/v1/projects?limit=1"), ["own"])
        self.assertEqual(ids("reader of own", "/v1/projects?cursor=own"), [])

    def test_the_refusal_names_the_role(self):
        answer = self.daemon.request("POST", "/v1/projects/own/assignments", {}, headers=self.headers["robot"])
        self.assertEqual((answer.status, answer.json["code"]), (403, "insufficient_scope"))
        self.assertIn("admin or operator", answer.json["detail"])
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer error="insufficient_scope", scope="admin operator"')


if __name__ == "__main__":
    tap.main()
