"""Projects and tasks: defaults, changes, refusals."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, trajectory

DEFAULTS = {
    "title": "", "state_dim": None, "action_dim": None, "policy": {"kind": "gp"},
    "kernel": {"kind": "rbf", "variance": 1.0, "state_scale": "median", "task": "discrete",
               "task_correlation": 0.25, "task_scale": "median"},
    "scales": None, "noise_std": 0.8, "noise_relative": None, "standardize": True, "fit_after": None,
    "criterion": {"measure": "auto", "weights": "tempered", "occupancy": "auto", "target": "weights",
                  "rollouts_per_task": 3, "clip": None, "clip_scope": "trajectory", "conditioning": "auto",
                  "exclude_self": False, "ess_target": 8, "weight_floor": 1e-4, "max_steps": 16,
                  "occupancy_limit": 256, "blocks_per_task": 16, "test_pair_limit": 1024,
                  "conditioning_limit": 4096},
    "selection": {"rule": "criterion", "warm_start": "auto", "explore_share": 0, "cost_exponent": 0,
                  "stop_gain": 0, "stop": "soft", "budget": None, "seed": 0, "lease_s": 900},
}


def lacks(wanted, got):
    """What of `wanted` is not in `got`, recursively."""
    return {key: (value, got.get(key, "missing")) for key, value in wanted.items()
            if not (isinstance(value, dict) and not lacks(value, got.get(key, {}))) and got.get(key) != value}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def refused(self, answer, status, code, at=None):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual(problem["code"], code)
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["detail"] and problem["title"] and problem["request_id"])
        if at is not None:
            self.assertEqual(problem["at"], at)


class Projects(Case):
    def test_a_name_is_enough_and_the_answer_shows_every_default(self):
        project = self.daemon.ok("POST", "/v1/projects", {"id": "plain"}, status=201)
        self.assertEqual(project["id"], "plain")
        self.assertEqual(lacks(DEFAULTS, project), {})
        self.assertEqual(self.daemon.ok("GET", "/v1/projects/plain"), project)

    def test_the_same_id_twice_is_refused(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "twice"}, status=201)
        self.refused(self.daemon.request("POST", "/v1/projects", {"id": "twice"}), 409, "project_exists", "/id")

    def test_wrong_settings_name_their_field(self):
        for body, code, at in [
                ({}, "missing_field", "/id"),
                ({"id": "x", "colour": 1}, "unknown_field", "/colour"),
                ({"id": "x", "kernel": {"colour": 1}}, "unknown_field", "/kernel/colour"),
                ({"id": "no spaces"}, "invalid_field", "/id"),
                ({"id": "../etc"}, "invalid_field", "/id"),
                ({"id": "x", "noise_std": 0}, "invalid_field", "/noise_std"),
                ({"id": "x", "noise_std": "0.3"}, "invalid_field", "/noise_std"),
                ({"id": "x", "kernel": {"variance": -1}}, "invalid_field", "/kernel/variance"),
                ({"id": "x", "kernel": {"kind": "cubic"}}, "invalid_field", "/kernel/kind"),
                ({"id": "x", "kernel": {"state_scale": [0.5, 0]}}, "invalid_field", "/kernel/state_scale/1"),
                ({"id": "x", "criterion": {"ess_target": 0}}, "invalid_field", "/criterion/ess_target"),
                ({"id": "x", "criterion": {"clip": [0, -12]}}, "invalid_field", "/criterion/clip"),
                ({"id": "x", "criterion": {"max_steps": 0}}, "invalid_field", "/criterion/max_steps"),
                ({"id": "x", "selection": {"explore_share": 1.5}}, "invalid_field", "/selection/explore_share"),
                ({"id": "x", "selection": {"rule": "warm_start"}}, "invalid_field", "/selection/rule"),
                ({"id": "x", "created_at": "2026-01-01T00:00:00Z"}, "unknown_field", "/created_at"),
        ]:
            with self.subTest(body=body):
                answer = self.daemon.request("POST", "/v1/projects", body)
                self.refused(answer, 422, answer.json["code"], at)
                self.assertIn(answer.json["code"], (code, "invalid_field"))
        self.assertEqual(self.daemon.request("GET", "/v1/projects/x").status, 404)

    def test_noise_relative_is_for_kernels_on_features(self):
        self.refused(self.daemon.request("POST", "/v1/projects", {"id": "y", "noise_relative": 0.1}), 422,
                     "invalid_field", "/noise_relative")
        made = self.daemon.ok("POST", "/v1/projects",
                              {"id": "relative", "noise_relative": 0.1, "kernel": {"kind": "embedding"}})
        self.assertEqual(made["noise_relative"], 0.1)
        for scale in ("state_scale", "task_scale"):
            self.refused(self.daemon.request("PATCH", "/v1/projects/relative", {"kernel": {scale: "marginal_likelihood"}}),
                         422, "invalid_field", f"/kernel/{scale}")

    def test_occupancy_rollouts_alone_gives_a_network_what_was_measured(self):
        """Written out when the project is made, so that its log says it; a later PATCH changes what it names."""
        body = {"policy": {"kind": "external"}, "kernel": {"kind": "embedding"}}
        made = self.daemon.ok("POST", "/v1/projects", {"id": "by-rollouts", **body, "criterion": {"occupancy": "rollouts"}})
        self.assertEqual((made["criterion"]["measure"], made["noise_relative"], made["noise_std"]), ("entropy", 1, 0.8))
        logged = self.daemon.ok("GET", "/v1/projects/by-rollouts/events")["events"][0]["project"]
        self.assertEqual((logged["criterion"]["measure"], logged["noise_relative"]), ("entropy", 1))
        self.daemon.ok("POST", "/v1/projects", {"id": "later", **body})
        later = self.daemon.ok("PATCH", "/v1/projects/later", {"criterion": {"occupancy": "rollouts"}})
        self.assertEqual((later["criterion"]["measure"], later["noise_relative"]), ("auto", None))
        self.assertEqual(self.daemon.ok("GET", "/v1/projects/later/ranking?wait_s=10")["measure"], "variance")

    def test_patch_changes_what_it_names_and_nothing_else(self):
        before = self.daemon.ok("POST", "/v1/projects", {"id": "patched", "kernel": {"variance": 2.0}})
        after = self.daemon.ok("PATCH", "/v1/projects/patched", {"kernel": {"task_correlation": 0.5}})
        self.assertEqual(after["kernel"], {**before["kernel"], "task_correlation": 0.5})
        self.assertEqual(after["criterion"], before["criterion"])
        self.assertGreater(after["seq"], before["seq"])
        self.refused(self.daemon.request("PATCH", "/v1/projects/patched", {"id": "other"}), 422,
                     "invalid_field", "/id")
        self.refused(self.daemon.request("PATCH", "/v1/projects/none", {"title": "x"}), 404,
                     "project_not_found")

    def test_a_deleted_project_is_out_of_reach_and_its_id_is_free(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "gone"})
        self.daemon.ok("PUT", "/v1/projects/gone/tasks/a", {})
        self.assertEqual(self.daemon.request("DELETE", "/v1/projects/gone").status, 204)
        self.refused(self.daemon.request("GET", "/v1/projects/gone"), 404, "project_not_found")
        self.refused(self.daemon.request("POST", "/v1/projects/gone/demonstrations", trajectory("a", 1)), 404,
                     "project_not_found")
        self.assertNotIn("gone", [p["id"] for p in self.daemon.ok("GET", "/v1/projects")["projects"]])
        again = self.daemon.ok("POST", "/v1/projects", {"id": "gone"}, status=201)
        self.assertEqual(again["seq"], 1)
        self.assertEqual(self.daemon.ok("GET", "/v1/projects/gone/tasks")["tasks"], [])

    def test_ids_are_free_again_after_a_restart_too(self):
        daemon = Daemon()
        try:
            for round_ in range(3):
                daemon.ok("POST", "/v1/projects", {"id": "again", "title": str(round_)}, status=201)
                if round_ == 1:
                    daemon.kill()
                    daemon.start()
                self.assertEqual(daemon.ok("GET", "/v1/projects/again")["title"], str(round_))
                self.assertEqual(daemon.request("DELETE", "/v1/projects/again").status, 204)
                self.assertEqual(daemon.request("GET", "/v1/projects/again").status, 404)
        finally:
            daemon.close()

    def test_lists_come_in_pages(self):
        for i in range(7):
            self.daemon.ok("POST", "/v1/projects", {"id": f"page-{i}"})
        seen, cursor = [], "page"
        while cursor is not None:
            page = self.daemon.ok("GET", f"/v1/projects?limit=3&cursor={cursor}")
            self.assertLessEqual(len(page["projects"]), 3)
            seen += [p["id"] for p in page["projects"]]
            cursor = page["next_cursor"]
        self.assertEqual([s for s in seen if s.startswith("page-")], [f"page-{i}" for i in range(7)])
        for bad in ("limit=0", "limit=501", "limit=x", "limit=1&limit=2", "colour=1"):
            self.refused(self.daemon.request("GET", f"/v1/projects?{bad}"), 400, "invalid_query")


class Tasks(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon.ok("POST", "/v1/projects", {"id": "p"})

    def test_put_registers_then_replaces(self):
        put = {"instruction": "pour the coffee", "weight": 2, "cost_s": 30}
        task = self.daemon.ok("PUT", "/v1/projects/p/tasks/pour", put, status=201)
        for key, value in {**put, "key": "pour", "role": "both", "demonstrations": 0, "pending": 0}.items():
            self.assertEqual(task[key], value)
        self.assertEqual(self.daemon.ok("PUT", "/v1/projects/p/tasks/pour", {}, status=200)["instruction"], "")
        self.assertEqual(self.daemon.ok("GET", "/v1/projects/p/tasks/pour")["key"], "pour")

    def test_wrong_tasks_name_their_field(self):
        for body, at in [({"weight": -1}, "/weight"), ({"cost_s": 0}, "/cost_s"), ({"role": "x"}, "/role"),
                         ({"vector": [1, None]}, "/vector/1"), ({"key": "other"}, "/key"),
                         ({"demonstrations": 4}, "/demonstrations"),
                         ({"min_demonstrations": 3, "max_demonstrations": 2}, "/max_demonstrations")]:
            with self.subTest(body=body):
                answer = self.daemon.request("PUT", "/v1/projects/p/tasks/t", body)
                self.assertEqual(answer.status, 422, answer.body)
                self.assertEqual(answer.json["at"], at)
        self.refused(self.daemon.request("GET", "/v1/projects/p/tasks/t"), 404, "task_not_found")

    def test_a_key_that_the_log_could_not_read_back_is_refused(self):
        for key in ("a~1", "-a", "...", "a%22b", "a:b", "a" * 65, "a" * 1500, "caf%C3%A9"):
            answer = self.daemon.request("PUT", f"/v1/projects/p/tasks/{key}", {})
            self.assertEqual(answer.status // 100, 4, key)
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p"})
            daemon.request("PUT", "/v1/projects/p/tasks/a~1", {})
            daemon.ok("PUT", "/v1/projects/p/tasks/A-z_0.9", {})
            daemon.stop()
            daemon.start()
            self.assertEqual(daemon.ok("GET", "/v1/projects/p/tasks")["tasks"][0]["key"], "A-z_0.9")
        finally:
            daemon.close()

    def test_a_cursor_that_no_page_gave_is_refused(self):
        for path, cursor in [("/v1/projects", "~"), ("/v1/projects/p/tasks", "~"),
                             ("/v1/projects/p/demonstrations", "x"), ("/v1/projects/p/demonstrations", "d12"),
                             ("/v1/projects/p/assignments", "d0000000001")]:
            self.refused(self.daemon.request("GET", f"{path}?cursor={cursor}"), 400, "invalid_query", "cursor")

    def test_a_task_with_demonstrations_cannot_be_deleted(self):
        self.daemon.ok("PUT", "/v1/projects/p/tasks/used", {})
        stored = self.daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("used", 1))
        self.refused(self.daemon.request("DELETE", "/v1/projects/p/tasks/used"), 409, "task_in_use")
        self.daemon.ok("DELETE", f"/v1/projects/p/demonstrations/{stored['id']}")
        self.assertEqual(self.daemon.request("DELETE", "/v1/projects/p/tasks/used").status, 204)
        self.refused(self.daemon.request("DELETE", "/v1/projects/p/tasks/used"), 404, "task_not_found")

    def test_vectors_are_asked_for_where_the_kernel_needs_them(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "v", "kernel": {"task": "vector"}})
        self.refused(self.daemon.request("PUT", "/v1/projects/v/tasks/a", {}), 422, "missing_field", "/vector")
        self.daemon.ok("PUT", "/v1/projects/v/tasks/a", {"vector": [0, 1]})
        self.refused(self.daemon.request("PUT", "/v1/projects/v/tasks/b", {"vector": [0, 1, 2]}), 422,
                     "wrong_dimension", "/vector")

    def test_a_graph_of_tasks_must_name_them(self):
        graph = {"nodes": ["a", "b"], "edges": [[0, 1, 1.0]], "lambda": 0.5}
        self.daemon.ok("POST", "/v1/projects", {"id": "g", "kernel": {"task": "graph", "graph": graph}})
        self.daemon.ok("PUT", "/v1/projects/g/tasks/a", {})
        self.refused(self.daemon.request("PUT", "/v1/projects/g/tasks/c", {}), 422, "invalid_field", "/key")
        for bad, at in [({**graph, "edges": [[0, 2, 1.0]]}, "/kernel/graph/edges/0"),
                        ({**graph, "lambda": 1.0}, "/kernel/graph/lambda")]:
            answer = self.daemon.request("POST", "/v1/projects",
                                         {"id": "h", "kernel": {"task": "graph", "graph": bad}})
            self.assertEqual(answer.status, 422, answer.body)
            self.assertTrue(answer.json["at"].startswith(at), answer.body)


if __name__ == "__main__":
    tap.main()
