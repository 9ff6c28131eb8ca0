"""What comes for a revision that is only staged changes nothing that a ranking reads: nothing is ranked because of it."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import AMF, Daemon
from test_policies import Project, features_file, wavy


class Staging(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()

    def tearDown(self):
        self.daemon.close()

    def made(self):
        """Rankings worked out since the start."""
        text = self.daemon.request("GET", "/metrics").body.decode()
        return int(next(line for line in text.splitlines() if line.startswith("amf_ranking_seconds_count")).split()[1])

    def stage(self, p, revision, seed):
        """Uploads one by one: after each the newest ranking is of the newest event. The last one is answered."""
        p.put(revision)
        for i, demonstration in enumerate(p.ids):
            p.features(revision, demonstration, features_file(
                p.tasks, phi=wavy(i + seed, 2, 5, 4), log_likelihood=wavy(i + 50, 2, 5)))
            answer = p.ranking()
            self.assertEqual(answer["seq"], self.daemon.ok("GET", p.at)["seq"])
        return answer

    def test_uploads_make_no_ranking_and_activation_makes_one(self):
        p = Project(self.daemon, "p", tasks=("a", "b"), demonstrations=3)
        p.put("r1")
        p.upload_phi("r1", p.ids[:5])
        p.activate("r1")
        first, made = p.ranking(), self.made()
        self.assertEqual((first["missing"], first["missing_count"]), (p.ids[5:], 1))
        staged = self.stage(p, "r2", 7)
        self.assertEqual(self.made(), made)
        self.assertEqual(staged["seq"], first["seq"] + 1 + len(p.ids))
        self.assertEqual({k: v for k, v in staged.items() if k not in ("seq", "age_s")},
                         {k: v for k, v in first.items() if k not in ("seq", "age_s")})
        p.activate("r2")
        answer = p.ranking()
        self.assertEqual((answer["revision"], answer["missing_count"], self.made()), ("r2", 0, made + 1))
        p.features("r2", p.ids[0], features_file(p.tasks, phi=wavy(99, 2, 5, 4), log_likelihood=wavy(0, 2, 5)))
        self.assertNotEqual(p.ranking()["candidates"], answer["candidates"])
        self.assertEqual(self.made(), made + 2)

    def test_what_was_asked_by_a_ranking_of_before_is_repeated(self):
        """Decisions name the number of the upload that the ranking stood for; a replay ranks there anew."""
        p = Project(self.daemon, "p", demonstrations=3)
        p.put("r1")
        p.upload_phi("r1")
        p.activate("r1")
        for round_, revision in enumerate(("r2", "r3", "r4")):
            staged = self.stage(p, revision, 7 * round_)
            given = self.daemon.ok("POST", f"{p.at}/assignments", {"operator": revision, "count": 4})
            ids = [assignment["id"] for assignment in given["assignments"]]
            self.assertEqual({self.daemon.ok("GET", f"{p.at}/decisions/{i}")["seq"] for i in ids}, {staged["seq"]})
        p.activate("r4")
        before = p.ranking()
        archive = self.daemon.request("GET", f"{p.at}/export").body
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(archive)
            file.flush()
            done = subprocess.run([AMF, "replay", file.name, "--json"], capture_output=True, text=True, timeout=120)
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["total"], said["same"]), (0, 12, 12), done.stderr)
        self.daemon.kill()
        self.daemon.start()
        after = p.ranking()
        self.assertEqual([after[k] for k in ("seq", "candidates", "note")], [before[k] for k in ("seq", "candidates", "note")])


if __name__ == "__main__":
    tap.main()
