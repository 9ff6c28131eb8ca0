"""A copy of everything while the server runs, and what is done to a directory while none does: check and purge."""
import base64
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import AMF, AMFD, Daemon, trajectory

OCTETS = "application/octet-stream"


def fill(daemon, project, tasks=("a", "b"), demonstrations=6):
    daemon.ok("POST", "/v1/projects", {"id": project})
    for task in tasks:
        daemon.ok("PUT", f"/v1/projects/{project}/tasks/{task}", {"instruction": f"do {task}"})
    for i in range(demonstrations):
        daemon.ok("POST", f"/v1/projects/{project}/demonstrations", trajectory(tasks[i % len(tasks)], i),
                  headers={"Idempotency-Key": f"{project}-{tasks[0]}-{i}"})
    asked = daemon.ok("POST", f"/v1/projects/{project}/assignments", {"operator": "anna"})["assignments"][0]
    daemon.ok("POST", f"/v1/projects/{project}/assignments/{asked['id']}/complete",
              {"fence": asked["fence"], "demonstration": trajectory(asked["task"], 50)})
    daemon.ok("PATCH", f"/v1/projects/{project}", {"criterion": {"max_steps": 8}})


def all_of(daemon, project):
    return [daemon.ok("GET", f"/v1/projects/{project}{path}") for path in ("", "/tasks", "/demonstrations", "/assignments")]


def amf(*arguments, daemon=None):
    told = {"AMF_URL": daemon.url, "AMF_TOKEN": daemon.token} if daemon else {}
    return subprocess.run([AMF, *arguments], capture_output=True, text=True, env={**os.environ, **told})


def snapshot(directory):
    """Every file with its bytes, size and time."""
    found = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[name] = (file.read(), os.stat(path).st_mtime_ns, os.stat(path).st_mode)
    return found


class WithDaemon(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.directory = os.path.join(self.daemon.data, "d")
        self.scratch = tempfile.mkdtemp(prefix="amf-backup-")
        self.addCleanup(shutil.rmtree, self.scratch)

    def database(self, sql, *values):
        with sqlite3.connect(os.path.join(self.directory, "amf.db")) as database:
            database.execute(sql, values)
        database.close()


class Backup(WithDaemon):
    def test_the_answer_says_its_length_and_digest(self):
        fill(self.daemon, "p")
        answer = self.daemon.request("GET", "/v1/backup")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, OCTETS))
        self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
        digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
        self.assertEqual(answer.headers["Repr-Digest"], f"sha-256=:{digest}:")
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("backup")], [])

    def test_it_is_for_administrators_of_all_projects(self):
        fill(self.daemon, "p")
        for role, project in (("reader", None), ("operator", None), ("admin", "p")):
            made = self.daemon.ok("POST", "/v1/tokens", {"name": f"{role}-{project}", "role": role, "project": project})
            answer = self.daemon.request("GET", "/v1/backup", headers={"Authorization": f"Bearer {made['token']}"})
            self.assertEqual(answer.status, 403, answer.body)

    def test_put_in_place_it_is_the_server_again(self):
        fill(self.daemon, "p")
        made = self.daemon.ok("POST", "/v1/tokens", {"name": "franka", "role": "robot"})
        before = all_of(self.daemon, "p")
        path = os.path.join(self.scratch, "d", "amf.db")
        os.mkdir(os.path.dirname(path), 0o700)
        done = amf("server", "backup", "--output", path, daemon=self.daemon)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        copy = Daemon(self.scratch)
        self.addCleanup(copy.close)
        self.assertEqual(all_of(copy, "p"), before)
        self.assertNotEqual(copy.token, self.daemon.token)  # the owner's token is not in it
        robot = {"Authorization": f"Bearer {made['token']}"}
        self.assertEqual(copy.request("GET", "/v1/projects/p", headers=robot).status, 200)
        again = copy.request("POST", "/v1/projects/p/demonstrations", trajectory("a", 0), {"Idempotency-Key": "p-a-0"})
        first = self.daemon.request("POST", "/v1/projects/p/demonstrations", trajectory("a", 0), {"Idempotency-Key": "p-a-0"})
        self.assertEqual((again.status, again.body), (first.status, first.body))

    def test_the_command_replaces_nothing_unasked(self):
        path = os.path.join(self.scratch, "copy.db")
        with open(path, "w", encoding="ascii") as file:
            file.write("precious")
        done = amf("server", "backup", "--output", path, daemon=self.daemon)
        self.assertEqual(done.returncode, 4)
        self.assertIn("--force", done.stderr)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")
        done = amf("server", "backup", "--output", path, "--force", "--json", daemon=self.daemon)
        said = json.loads(done.stdout)
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual((done.returncode, said["bytes"]), (0, len(data)))
        self.assertEqual(said["digest"], f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:")
        self.assertEqual(os.listdir(self.scratch), ["copy.db"])

    def test_damage_is_not_copied(self):
        fill(self.daemon, "p")
        self.database("UPDATE blob SET bytes = zeroblob(length(bytes)) WHERE rowid = 1")
        answer = self.daemon.request("GET", "/v1/backup")
        self.assertEqual((answer.status, answer.json["code"]), (500, "damaged"))
        done = amf("server", "backup", "--output", os.path.join(self.scratch, "copy.db"), daemon=self.daemon)
        self.assertEqual((done.returncode, os.listdir(self.scratch)), (1, []))


class Check(WithDaemon):
    def check(self, *arguments, directory=None):
        return amf("server", "check", directory or self.directory, *arguments)

    def test_a_sound_directory(self):
        fill(self.daemon, "p")
        fill(self.daemon, "q")
        self.daemon.ok("DELETE", "/v1/projects/q")
        self.daemon.ok("POST", "/v1/tokens", {"name": "franka", "role": "robot"})
        self.daemon.stop()
        done = self.check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^sound: 1 projects and 1 deleted ones, \d+ events, 14 demonstrations and files of "
                                      r"features, 12 kept answers, 1 tokens\n$")
        said = json.loads(self.check("--json").stdout)
        self.assertEqual((said["sound"], said["problems"], said["demonstrations"]), (True, [], 14))

    def test_nothing_is_changed_also_with_a_log(self):
        fill(self.daemon, "p")
        self.daemon.kill()
        before = snapshot(self.directory)
        self.assertGreater(len(before["amf.db-wal"][0]), 0)
        self.assertLess(len(before["amf.db"][0]), 20000)  # what is held is in the log
        self.assertEqual(self.check().returncode, 0)
        self.assertIn("7 demonstrations", self.check().stdout)
        self.assertEqual(snapshot(self.directory), before)

    def test_nothing_is_made_beside_a_lone_database(self):
        fill(self.daemon, "p")
        path = os.path.join(self.scratch, "odd ?#% name")
        os.mkdir(path)
        with open(os.path.join(path, "amf.db"), "wb") as file:
            file.write(self.daemon.request("GET", "/v1/backup").body)
        self.assertEqual(self.check(directory=path).returncode, 0)
        self.assertEqual(os.listdir(path), ["amf.db"])

    def test_a_running_daemon_keeps_it_out(self):
        done = self.check()
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("in use by another process", done.stderr)

    def test_what_cannot_be_opened(self):
        for name, content in (("empty", None), ("foreign", b"not a database at all")):
            path = os.path.join(self.scratch, name)
            os.mkdir(path)
            if content:
                with open(os.path.join(path, "amf.db"), "wb") as file:
                    file.write(content)
            done = self.check(directory=path)
            self.assertEqual((done.returncode, done.stdout), (4, ""), name)
            self.assertEqual(len(os.listdir(path)), 1 if content else 0)
        self.assertEqual(self.check(directory=os.path.join(self.scratch, "none")).returncode, 4)

    def damaged(self, sql, *expected):
        """The check after the rows were changed behind the daemon's back names what is wrong."""
        self.database(sql)
        done = self.check()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for text in expected:
            self.assertIn(text, done.stdout)
        said = json.loads(self.check("--json").stdout)
        self.assertFalse(said["sound"])
        self.assertEqual(said["problems_found"], len(said["problems"]))
        return said["problems"]

    def stopped(self):
        fill(self.daemon, "p")
        held = self.daemon.ok("GET", "/v1/projects/p/demonstrations")["demonstrations"]
        self.daemon.ok("POST", "/v1/tokens", {"name": "franka", "role": "robot"})
        self.daemon.stop()
        return held

    def test_a_damaged_event_is_named(self):
        self.stopped()
        problems = self.damaged("UPDATE event SET body = replace(body, 'do b', 'do c') WHERE seq = 3",
                                "event 3 of project p: is not what was written")
        self.assertEqual((problems[0]["what"], problems[0]["project"], problems[0]["seq"]), ("event", "p", 3))

    def test_a_damaged_demonstration_is_named(self):
        identity = self.stopped()[0]["id"]
        self.damaged(f"UPDATE blob SET bytes = zeroblob(length(bytes)) WHERE blob_id = '{identity}'",
                     f"demonstration {identity} of project p: is not what was written")

    def test_a_missing_demonstration_is_named(self):
        identity = self.stopped()[0]["id"]
        self.damaged(f"DELETE FROM blob WHERE blob_id = '{identity}'", f"demonstration {identity}", "it is not there")

    def test_damaged_tokens_and_kept_answers_are_told(self):
        self.stopped()
        self.damaged("UPDATE token SET role = 'admin'", "token 1: is not what was written")
        self.damaged("UPDATE reply SET status = 500 WHERE key = 'p-a-0'", "kept answer: is not what was written")

    def test_an_event_that_is_missing_is_told(self):
        self.stopped()
        self.damaged("DELETE FROM event WHERE seq = 3", "event 3 of project p: demonstration_added does not fit")

    def test_a_hash_that_is_not_that_of_the_content_is_told(self):
        """Rows whose checksums are right, as a fault of the program would leave them."""
        held = self.stopped()
        first, second = held[0]["id"], held[2]["id"]
        with sqlite3.connect(os.path.join(self.directory, "amf.db")) as database:
            row = database.execute("SELECT bytes FROM blob WHERE blob_id = ?", (second,)).fetchone()[0]
            database.create_function("row_checksum", 3, checksum)
            database.execute("UPDATE blob SET bytes = ?, checksum = row_checksum(project, blob_id, ?) WHERE blob_id = ?",
                             (row, row, first))
        database.close()
        done = self.check()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"The hash of demonstration {first} is not that of its content", done.stdout)
        self.assertNotIn("is not what was written", done.stdout)

    def test_pages_that_are_not_sqlite_are_told(self):
        self.stopped()
        path = os.path.join(self.directory, "amf.db")
        with open(path, "r+b") as file:
            file.seek(4096 * 2)
            file.write(b"\xff" * 4096)
        self.assertEqual(self.check().returncode, 1)


def checksum(*values):
    """server/store/checksum.c, said again: a test of the check must be able to write rows that pass its sums."""
    mask = (1 << 64) - 1

    def mix(total, word):
        total = ((total ^ word) * 0x9E3779B97F4A7C15) & mask
        return total ^ (total >> 32)

    total = 0
    for value in values:
        data = value.encode() if isinstance(value, str) else value
        total = mix(total, 3 if isinstance(value, str) else 4)
        total = mix(total, len(data))
        whole = len(data) // 8 * 8
        for at in range(0, whole, 8):
            total = mix(total, int.from_bytes(data[at:at + 8], "little"))
        total = mix(total, int.from_bytes(data[whole:], "little"))
    return total - (1 << 64) if total >> 63 else total


class Purge(WithDaemon):
    def purge(self, *arguments):
        return amf("server", "purge", self.directory, *arguments)

    def deleted(self):
        for project in ("p", "q", "r"):
            fill(self.daemon, project, tasks=(f"only-in-{project}",))
        for project in ("q", "r"):
            self.daemon.ok("DELETE", f"/v1/projects/{project}")
        fill(self.daemon, "q", tasks=("second-life",))  # its log has another name
        self.before = [all_of(self.daemon, project) for project in ("p", "q")]
        self.daemon.stop()

    def contains(self, text):
        return any(text.encode() in data for data, _, _ in snapshot(self.directory).values())

    def test_a_running_daemon_keeps_it_out(self):
        done = self.purge("--yes")
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("in use by another process", done.stderr)

    def test_without_yes_it_only_tells(self):
        self.deleted()
        before = snapshot(self.directory)
        done = self.purge()
        self.assertEqual(done.returncode, 2)
        self.assertIn("would erase q\nwould erase r\n2 deleted projects", done.stdout)
        self.assertIn("--yes", done.stderr)
        self.assertEqual(snapshot(self.directory), before)

    def test_what_was_deleted_goes_and_all_else_stays(self):
        self.deleted()
        self.assertTrue(self.contains("only-in-r"))
        done = self.purge("--yes", "--json")
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, done.stderr, said["erased"], said["logs"]), (0, "", True, ["q", "r"]))
        self.assertEqual(said["demonstrations"], 14)
        self.daemon.start()
        self.assertEqual([all_of(self.daemon, project) for project in ("p", "q")], self.before)
        fill(self.daemon, "r", tasks=("third-life",))  # its id can be used again
        self.daemon.stop()
        with sqlite3.connect(os.path.join(self.directory, "amf.db")) as database:
            kept = database.execute("SELECT count(*) FROM event WHERE body LIKE '%only-in-q%' OR body LIKE '%only-in-r%'")
            self.assertEqual(kept.fetchone()[0], 0)
        database.close()
        self.assertEqual(amf("server", "check", self.directory).returncode, 0)
        self.assertIn("0 deleted projects", self.purge("--yes").stdout)

    def test_one_project_alone(self):
        self.deleted()
        said = json.loads(self.purge("--project", "r", "--yes", "--json").stdout)
        self.assertEqual(said["logs"], ["r"])
        said = json.loads(self.purge("--project", "p", "--yes", "--json").stdout)
        self.assertEqual(said["logs"], [])  # it lives
        self.assertIn("would erase q", self.purge().stdout)

    def test_flags_that_make_no_sense(self):
        for arguments in (["--yes"], ["--json"], ["--check", "--purge"], ["--check", "--yes"], ["--project", "p"]):
            done = subprocess.run([AMFD, "--data", self.directory, *arguments], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)


if __name__ == "__main__":
    tap.main()
