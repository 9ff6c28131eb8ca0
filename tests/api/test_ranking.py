"""Rankings and assignments: what is answered, to whom, and that it stays the same."""
import os
import sys
import threading
import time
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, trajectory, wait_until

TASKS = ("a", "b", "c", "d")


def fill(daemon, project="p", counts=(3, 2, 1, 0), **settings):
    """A project with four tasks and that many demonstrations of each."""
    daemon.ok("POST", "/v1/projects", {"id": project, **settings})
    for task in TASKS:
        daemon.ok("PUT", f"/v1/projects/{project}/tasks/{task}", {"instruction": f"do {task}"})
    for task, count in zip(TASKS, counts):
        for i in range(count):
            daemon.ok("POST", f"/v1/projects/{project}/demonstrations",
                      trajectory(task, 0.7 * i + ord(task) % 7, steps=9 + i))


def ranking(daemon, project="p"):
    return daemon.ok("GET", f"/v1/projects/{project}/ranking?wait_s=10")


def numbers(answer):
    """What must be equal bit for bit: everything but times and ages."""
    return {k: v for k, v in answer.items() if k not in ("timing", "age_s")}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def ask(self, project="p", status=201, **ask):
        return self.daemon.ok("POST", f"/v1/projects/{project}/assignments", ask, status=status)


class Ranking(Case):
    def test_best_first_with_diagnostics_and_the_settings_in_force(self):
        fill(self.daemon, "r")
        answer = ranking(self.daemon, "r")
        gains = [c["gain"] for c in answer["candidates"]]
        self.assertEqual(len(gains), 4)
        self.assertEqual(gains, sorted(gains, reverse=True))
        self.assertGreater(gains[-1], 0)
        self.assertEqual(answer["choice"], answer["candidates"][0]["task"])
        self.assertEqual((answer["age_s"], answer["rule"], answer["unit"], answer["measure"]),
                         (0, "criterion", "nats", "entropy"))
        self.assertEqual((answer["criterion"]["weights"], answer["criterion"]["occupancy"],
                          answer["criterion"]["conditioning"]), ("tempered", "held", "all"))
        for candidate in answer["candidates"]:
            self.assertTrue(candidate["scorable"])
            self.assertGreaterEqual(candidate["effective_sample_size"], 1)
            self.assertLessEqual(candidate["largest_weight_share"], 1)
            self.assertIsNotNone(candidate["posterior_entropy"])

    def test_scales_are_provisional_until_enough_is_held_then_frozen(self):
        fill(self.daemon, "frozen", counts=(2, 2, 0, 0))
        self.assertTrue(ranking(self.daemon, "frozen")["provisional"])
        self.daemon.ok("POST", "/v1/projects/frozen/demonstrations", trajectory("c", 5))
        self.assertFalse(ranking(self.daemon, "frozen")["provisional"])

    def test_without_data_nothing_is_scored_and_the_answer_says_so(self):
        fill(self.daemon, "empty", counts=(0, 0, 0, 0))
        answer = ranking(self.daemon, "empty")
        self.assertEqual([c["gain"] for c in answer["candidates"]], [None] * 4)
        self.assertEqual([c["scorable"] for c in answer["candidates"]], [False] * 4)
        self.assertEqual((answer["rule"], answer["choice"]), ("warm_start", "a"))
        self.assertTrue(answer["note"])

    def test_a_project_without_tasks_has_an_empty_ranking(self):
        self.daemon.ok("POST", "/v1/projects", {"id": "bare"})
        answer = ranking(self.daemon, "bare")
        self.assertEqual((answer["candidates"], answer["choice"]), ([], None))

    def test_evaluation_tasks_are_not_candidates_and_weights_count(self):
        fill(self.daemon, "targets")
        before = {c["task"]: c["gain"] for c in ranking(self.daemon, "targets")["candidates"]}
        self.daemon.ok("PUT", "/v1/projects/targets/tasks/a", {"role": "evaluation", "weight": 5})
        after = {c["task"]: c["gain"] for c in ranking(self.daemon, "targets")["candidates"]}
        self.assertEqual(sorted(after), ["b", "c", "d"])
        self.assertNotEqual(before["b"], after["b"])

    def test_failed_demonstrations_and_rollouts_do_not_enter(self):
        fill(self.daemon, "failures")
        before = ranking(self.daemon, "failures")
        for more in ({"success": False}, {"role": "rollout"}):
            self.daemon.ok("POST", "/v1/projects/failures/demonstrations", trajectory("d", 9, **more))
        after = ranking(self.daemon, "failures")
        self.assertGreater(after["seq"], before["seq"])
        self.assertEqual(after["candidates"], before["candidates"])

    def test_what_froze_the_scales_cannot_change_under_them(self):
        fill(self.daemon, "held-scales")  # six held: frozen
        for demonstration in self.daemon.ok("GET", "/v1/projects/held-scales/demonstrations")["demonstrations"]:
            self.daemon.request("DELETE", f"/v1/projects/held-scales/demonstrations/{demonstration['id']}")
        for patch, at in [({"state_dim": 4000}, "/state_dim"), ({"action_dim": 1}, "/action_dim"),
                          ({"standardize": False}, "/standardize")]:
            answer = self.daemon.request("PATCH", "/v1/projects/held-scales", patch)
            self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (409, "settings_frozen", at))

    def test_a_smaller_fit_after_freezes_at_once(self):
        fill(self.daemon, "sooner", fit_after=100)
        self.assertTrue(ranking(self.daemon, "sooner")["provisional"])
        self.daemon.ok("PATCH", "/v1/projects/sooner", {"fit_after": 3})
        self.assertFalse(ranking(self.daemon, "sooner")["provisional"])

    def test_an_evaluation_task_that_counts_nothing_is_named(self):
        fill(self.daemon, "nothing", criterion={"weights": "own_task"})
        self.daemon.ok("PUT", "/v1/projects/nothing/tasks/d", {"role": "evaluation"})
        answer = ranking(self.daemon, "nothing")
        self.assertRegex(answer["note"], r"\bd\b")
        self.assertEqual(ranking(self.daemon, "nothing")["note"], answer["note"], "also once picks were worked out")

    def test_pretraining_does_not_end_the_warm_start_of_occupancy_new(self):
        fill(self.daemon, "new", counts=(0, 0, 0, 0), criterion={"occupancy": "new"})
        for i in range(6):
            self.daemon.ok("POST", "/v1/projects/new/demonstrations", trajectory("a", i, role="pretraining"))
        self.assertEqual(ranking(self.daemon, "new")["rule"], "warm_start")

    def test_costs_change_the_order_and_the_choice_is_its_first_line(self):
        fill(self.daemon, "costs", selection={"cost_exponent": 1})
        best = ranking(self.daemon, "costs")["choice"]
        self.daemon.ok("PUT", f"/v1/projects/costs/tasks/{best}", {"cost_s": 6000})
        answer = ranking(self.daemon, "costs")
        self.assertEqual(answer["candidates"][-1]["task"], best)
        self.assertEqual(answer["choice"], answer["candidates"][0]["task"])

    def test_lowest_success_goes_by_the_newest_rollouts(self):
        fill(self.daemon, "rollouts", selection={"rule": "lowest_success"})
        outcomes = {"a": "111000", "b": "000111", "c": "111111", "d": "010101"}
        for task, results in outcomes.items():
            for i, result in enumerate(results):
                self.daemon.ok("POST", "/v1/projects/rollouts/demonstrations",
                               trajectory(task, 20 + i, success=result == "1", role="rollout"))
        self.assertEqual(ranking(self.daemon, "rollouts")["choice"], "a")
        self.daemon.ok("PATCH", "/v1/projects/rollouts", {"criterion": {"rollouts_per_task": 6}})
        self.assertEqual(ranking(self.daemon, "rollouts")["choice"], "d")  # 3 of 6 like a and b, fewest demonstrations
        self.daemon.ok("PATCH", "/v1/projects/rollouts", {"criterion": {"rollouts_per_task": 1}})
        self.assertEqual(ranking(self.daemon, "rollouts")["choice"], "a")
        self.daemon.ok("PATCH", "/v1/projects/rollouts", {"criterion": {"rollouts_per_task": 4}})
        why = self.ask("rollouts", operator="anna")["assignments"][0]["why"]
        self.assertIn("a succeeds least often: in 1 of its newest 4 rollouts", why)

    def test_lowest_success_takes_an_untried_task_for_half_successful(self):
        fill(self.daemon, "untried", selection={"rule": "lowest_success"})
        for task in "abc":
            self.daemon.ok("POST", "/v1/projects/untried/demonstrations", trajectory(task, 20, role="rollout"))
        answer = self.ask("untried", operator="anna")["assignments"][0]
        self.assertEqual((answer["task"], answer["rule"]), ("d", "lowest_success"))
        self.assertIn("d has no rollout yet", answer["why"])

    def test_prior_entropy_ignores_costs_in_choice_and_order(self):
        fill(self.daemon, "prior", selection={"cost_exponent": 1})
        for project in ({"selection": {"rule": "prior_entropy"}},
                        {"selection": {"rule": "criterion"}, "criterion": {"measure": "prior_entropy"}}):
            self.daemon.ok("PATCH", "/v1/projects/prior", {**project, "noise_std": 0.001})
            answer = ranking(self.daemon, "prior")
            gains = [c["gain"] for c in answer["candidates"]]
            self.assertLess(gains[-1], 0)
            self.assertEqual(gains, sorted(gains, reverse=True))
            self.daemon.ok("PUT", f"/v1/projects/prior/tasks/{answer['choice']}", {"cost_s": 100000})
            self.assertEqual(ranking(self.daemon, "prior")["choice"], answer["choice"])

    def test_a_busy_project_does_not_starve_another(self):
        fill(self.daemon, "busy", counts=(40, 40, 0, 0))
        fill(self.daemon, "quiet")
        stop = threading.Event()

        def load():
            for i in range(4000):
                if stop.is_set():
                    return
                self.daemon.ok("PUT", "/v1/projects/busy/tasks/a", {"weight": 1 + i % 2})

        thread = threading.Thread(target=load)
        thread.start()
        try:
            answer = self.daemon.ok("GET", "/v1/projects/quiet/ranking?wait_s=20")
            self.assertEqual(answer["age_s"], 0)
            self.assertTrue(thread.is_alive(), "the load went on for longer")
        finally:
            stop.set()
            thread.join()

    def test_every_rule_and_mode_answers(self):
        fill(self.daemon, "modes")
        for criterion in [{"weights": w} for w in ("raw", "self_normalized", "calibrated", "own_task",
                                                   "own_task_raw", "uniform")] + \
                [{"weights": "tempered", "measure": m} for m in
                 ("noisy_entropy", "variance", "kl", "reverse_kl", "jensen_shannon")] + \
                [{"measure": "auto", "conditioning": "none"}, {"conditioning": "auto", "occupancy": "new"},
                 {"clip": [-12, 0], "clip_scope": "step"}, {"clip": None, "exclude_self": True},
                 {"max_steps": 4}, {"max_steps": 16, "test_pair_limit": 20, "blocks_per_task": 2}]:
            with self.subTest(criterion):
                self.daemon.ok("PATCH", "/v1/projects/modes", {"criterion": criterion})
                answer = ranking(self.daemon, "modes")
                self.assertEqual(answer["rule"], "criterion", answer)
                self.assertTrue(all(c["gain"] >= 0 for c in answer["candidates"] if c["scorable"]))
        self.assertFalse(answer["exhaustive"])
        for rule in ("uniform", "round_robin", "rebalance", "prior_entropy", "lowest_success"):
            self.daemon.ok("PATCH", "/v1/projects/modes", {"selection": {"rule": rule}})
            self.assertEqual(ranking(self.daemon, "modes")["rule"], rule)

    def test_own_task_weights_say_which_task_cannot_be_scored(self):
        fill(self.daemon, "own", criterion={"weights": "own_task"})
        last = ranking(self.daemon, "own")["candidates"][-1]
        self.assertEqual((last["task"], last["gain"], last["scorable"]), ("d", None, False))
        self.assertTrue(last["note"])

    def test_every_kernel_answers(self):
        graph = {"nodes": list(TASKS), "edges": [[0, 1, 1], [1, 2, 1], [2, 3, 0.5]], "lambda": 0.5}
        for i, kernel in enumerate([{"kind": "matern32"}, {"kind": "matern52", "state_scale": [0.5, 1, 2]},
                                    {"kind": "linear"}, {"task": "graph", "graph": graph}]):
            fill(self.daemon, f"kernel-{i}", kernel=kernel)
            self.assertGreater(ranking(self.daemon, f"kernel-{i}")["candidates"][0]["gain"], 0)


class Same(unittest.TestCase):
    """The same log gives the same bits."""

    def test_restart_kill_and_any_number_of_workers(self):
        daemon = Daemon(workers=1)
        try:
            fill(daemon)
            daemon.ok("POST", "/v1/projects/p/assignments", {"operator": "anna"})
            first = ranking(daemon)
            for end, workers in ((daemon.stop, 2), (daemon.kill, 7), (daemon.kill, 1)):
                end()
                daemon.workers = workers
                daemon.start()
                self.assertEqual(numbers(ranking(daemon)), numbers(first))
                self.assertEqual(daemon.ok("GET", "/v1/projects/p/assignments")["assignments"][0]["state"], "open")
        finally:
            daemon.close()

    def test_the_plainest_blas_kernels_do_not_show_which_worker_took_a_task(self):
        """Prescott's kernels round by the alignment of their operands."""
        patch = unittest.mock.patch.dict(os.environ, OPENBLAS_CORETYPE="PRESCOTT")
        patch.start()
        self.addCleanup(patch.stop)
        daemon = Daemon(workers=1)
        try:
            fill(daemon)
            daemon.ok("POST", "/v1/projects/p/assignments", {"operator": "anna"})
            first = ranking(daemon)
            daemon.workers = 7
            for _ in range(12):
                daemon.kill()
                daemon.start()
                self.assertEqual(numbers(ranking(daemon)), numbers(first))
        finally:
            daemon.close()

    def test_many_demonstrations_whatever_was_ranked_in_between(self):
        """Waiting for each ranking, for none, restarts in the middle, 1, 2 and 7 workers: one answer at each seq."""
        def post(daemon, i):
            daemon.ok("POST", "/v1/projects/p/demonstrations",
                      trajectory(TASKS[i * i % 4], 0.37 * i + i * i % 7, steps=5 + i % 14))

        def run(workers, waits, restarts):
            daemon, seen = Daemon(workers=workers[0]), {}
            try:
                fill(daemon, counts=(0, 0, 0, 0), criterion={"test_pair_limit": 100, "blocks_per_task": 4})
                for i in range(40):
                    post(daemon, i)
                    if waits(i):
                        answer = ranking(daemon)
                        seen[answer["seq"]] = numbers(answer)
                    if i in restarts:
                        daemon.kill()
                        daemon.workers = workers[restarts.index(i) % len(workers)]
                        daemon.start()
                for operator in ("anna", "boris", "carla"):
                    ranking(daemon)  # a choice belongs to the log, and hangs on which ranking was there
                    daemon.ok("POST", "/v1/projects/p/assignments", {"operator": operator})
                held = daemon.ok("GET", "/v1/projects/p/demonstrations")["demonstrations"][11]["id"]
                daemon.ok("DELETE", f"/v1/projects/p/demonstrations/{held}", {"reason": "wrong scene"})
                post(daemon, 40)
                answer = ranking(daemon)
                seen[answer["seq"]] = numbers(answer)
                return seen
            finally:
                daemon.close()

        every = run([2], lambda i: True, [])
        self.assertEqual(len(every), 41)
        for workers, waits, restarts in (([1], lambda i: False, []), ([7], lambda i: i % 9 == 4, []),
                                         ([2, 7, 1], lambda i: i % 2, [6, 19, 20, 33]),
                                         ([7, 1], lambda i: False, [38])):
            for seq, answer in run(workers, waits, restarts).items():
                self.assertEqual(answer, every[seq])

    def test_thinning_anew_survives_a_restart(self):
        daemon = Daemon()
        try:
            fill(daemon)
            daemon.ok("PATCH", "/v1/projects/p", {"criterion": {"max_steps": 5}})
            first = ranking(daemon)
            daemon.kill()
            daemon.start()
            self.assertEqual(numbers(ranking(daemon)), numbers(first))
        finally:
            daemon.close()


class Assignments(Case):
    def test_the_same_operator_is_given_the_same_again(self):
        fill(self.daemon, "again")
        first = self.ask("again", operator="anna")
        self.assertEqual(self.ask("again", status=200, operator="anna")["assignments"], first["assignments"])
        two = self.ask("again", operator="anna", count=2)["assignments"]
        self.assertEqual([two[0]], first["assignments"])
        self.assertEqual(len(two), 2)

    def test_the_ask_follows_the_ranking_and_says_why(self):
        fill(self.daemon, "why")
        wanted = ranking(self.daemon, "why")
        answer = self.ask("why", operator="anna")
        given = answer["assignments"][0]
        self.assertEqual((given["task"], given["rule"], given["state"]), (wanted["choice"], "criterion", "open"))
        self.assertEqual(given["gain"], wanted["candidates"][0]["gain"])
        self.assertAlmostEqual(given["margin"], wanted["candidates"][0]["gain"] - wanted["candidates"][1]["gain"])
        self.assertEqual(answer["seq"], wanted["seq"])
        self.assertIn(given["task"], given["why"])
        self.assertEqual(given["instruction"], f"do {given['task']}")

    def test_pending_work_lowers_the_gain_of_its_task(self):
        fill(self.daemon, "pending")
        before = {c["task"]: c for c in ranking(self.daemon, "pending")["candidates"]}
        task = self.ask("pending", operator="anna")["assignments"][0]["task"]
        after = {c["task"]: c for c in ranking(self.daemon, "pending")["candidates"]}
        self.assertLess(after[task]["gain"], before[task]["gain"])
        self.assertEqual(after[task]["pending"], 1)

    def test_what_an_asker_cannot_do_is_not_asked_of_it(self):
        fill(self.daemon, "can")
        self.daemon.ok("PUT", "/v1/projects/can/tasks/d", {"requires": ["drawer"]})
        best = ranking(self.daemon, "can")["choice"]
        given = self.ask("can", operator="anna", exclude=[best])["assignments"][0]["task"]
        self.assertNotEqual(given, best)
        self.assertNotEqual(self.ask("can", operator="boris", exclude=["a", "b"])["assignments"][0]["task"], "d")
        nothing = self.ask("can", status=200, operator="carla", exclude=["a", "b", "c"])
        self.assertEqual((nothing["assignments"], nothing["reason"]["code"]), ([], "nothing_for_asker"))
        self.assertEqual(self.ask("can", operator="dora", exclude=["a", "b", "c"],
                                  capabilities=["drawer"])["assignments"][0]["task"], "d")
        wrong = self.daemon.request("POST", "/v1/projects/can/assignments", {"exclude": ["a", "zebra"]})
        self.assertEqual((wrong.status, wrong.json["at"]), (422, "/exclude/1"))

    def test_budget_minimum_and_maximum_hold(self):
        fill(self.daemon, "limits", selection={"budget": 8})
        self.daemon.ok("PUT", "/v1/projects/limits/tasks/b", {"min_demonstrations": 3})
        first = self.ask("limits", operator="anna")["assignments"][0]
        self.assertEqual((first["task"], first["rule"]), ("b", "minimum"))
        for task in "acd":
            self.daemon.ok("PUT", f"/v1/projects/limits/tasks/{task}", {"max_demonstrations": 0})
        self.daemon.ok("PUT", "/v1/projects/limits/tasks/b", {"max_demonstrations": 3})
        self.assertEqual(self.ask("limits", status=200, operator="boris")["reason"]["code"], "all_done")
        self.daemon.ok("PUT", "/v1/projects/limits/tasks/a", {})
        self.ask("limits", operator="boris")
        self.assertEqual(self.ask("limits", status=200, operator="carla")["reason"]["code"], "budget_spent")

    def test_stop_gain_soft_and_hard(self):
        fill(self.daemon, "stop", selection={"stop_gain": 1e6})
        soft = self.ask("stop", operator="anna")
        self.assertEqual((len(soft["assignments"]), soft["reason"]["code"]), (1, "below_stop_gain"))
        self.daemon.ok("PATCH", "/v1/projects/stop", {"selection": {"stop": "hard"}})
        hard = self.ask("stop", status=200, operator="boris")
        self.assertEqual((hard["assignments"], hard["reason"]["code"]), ([], "below_stop_gain"))

    def test_sixteen_operators_at_once_are_all_answered(self):
        fill(self.daemon, "many")
        ranking(self.daemon, "many")
        answers = []

        def ask(name):
            answers.append(self.ask("many", operator=name)["assignments"][0])

        threads = [threading.Thread(target=ask, args=(f"operator-{i}",)) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({a["id"] for a in answers}), 16)
        self.assertEqual(len({a["fence"] for a in answers}), 16)
        self.assertGreater(len({a["task"] for a in answers}), 1)

    def test_a_batch_is_spread_even_before_the_ranking_has_seen_it(self):
        fill(self.daemon, "hurry")
        ranking(self.daemon, "hurry")
        self.daemon.ok("POST", "/v1/projects/hurry/demonstrations", trajectory("d", 33))
        tasks = [a["task"] for a in self.ask("hurry", operator="anna", count=8)["assignments"]]
        self.assertEqual((len(tasks), set(tasks)), (8, set(TASKS)))

    def test_an_asker_who_cannot_do_the_best_leaves_it_to_the_next(self):
        fill(self.daemon, "leave")
        best = ranking(self.daemon, "leave")["choice"]
        self.ask("leave", operator="anna", exclude=[best])
        self.assertEqual(self.ask("leave", operator="boris")["assignments"][0]["task"], best)

    def test_the_budget_counts_demonstrations_of_every_task(self):
        fill(self.daemon, "budget", selection={"budget": 6})
        self.daemon.ok("PUT", "/v1/projects/budget/tasks/a", {"role": "evaluation"})
        self.assertEqual(self.ask("budget", status=200, operator="anna")["reason"]["code"], "budget_spent")

    def test_plain_text_is_one_key_a_line(self):
        fill(self.daemon, "text")
        answer = self.daemon.request("POST", "/v1/projects/text/assignments", {"operator": "a", "count": 2},
                                     {"Accept": "text/plain"})
        self.assertEqual(answer.status, 201)
        self.assertTrue(set(answer.body.decode().split("\n")[:-1]) <= set(TASKS))
        self.assertEqual(answer.body.count(b"\n"), 2)


class Complete(Case):
    def open(self, project, **settings):
        fill(self.daemon, project, **settings)
        return self.ask(project, operator="anna")["assignments"][0]

    def complete(self, project, assignment, status=200, key=None, **body):
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.daemon.request("POST", f"/v1/projects/{project}/assignments/{assignment}/complete", body,
                                     headers)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def count(self, project):
        return len(self.daemon.ok("GET", f"/v1/projects/{project}/demonstrations?limit=500")["demonstrations"])

    def test_a_demonstration_in_the_same_request(self):
        lease = self.open("same")
        done = self.complete("same", lease["id"], fence=lease["fence"],
                             demonstration=trajectory(lease["task"], 42)).json
        self.assertTrue(done["credited"])
        self.assertEqual(done["assignment"]["state"], "completed")
        self.assertEqual(done["assignment"]["demonstration"], done["demonstration"]["id"])
        held = self.daemon.ok("GET", f"/v1/projects/same/demonstrations/{done['demonstration']['id']}")
        self.assertEqual(held["assignment"], lease["id"])
        self.assertEqual(self.daemon.ok("GET", f"/v1/projects/same/tasks/{lease['task']}")["pending"], 0)

    def test_one_that_is_held_already(self):
        lease = self.open("held")
        stored = self.daemon.ok("POST", "/v1/projects/held/demonstrations", trajectory(lease["task"], 42))
        done = self.complete("held", lease["id"], fence=lease["fence"], demonstration_id=stored["id"]).json
        self.assertTrue(done["credited"])

    def test_the_retry_with_the_same_key_is_the_same_answer_and_stores_nothing(self):
        lease = self.open("retry")
        body = {"fence": lease["fence"], "demonstration": trajectory(lease["task"], 42)}
        first = self.complete("retry", lease["id"], key="k-1", **body)
        count = self.count("retry")
        again = self.complete("retry", lease["id"], key="k-1", **body)
        self.assertEqual(again.body, first.body)
        self.assertEqual(self.count("retry"), count)
        other = self.complete("retry", lease["id"], 422, key="k-1", fence=0)
        self.assertEqual(other.json["code"], "key_reused")

    def test_a_key_is_remembered_across_a_kill(self):
        daemon = Daemon()
        try:
            body, headers = {"id": "once"}, {"Idempotency-Key": "only-once"}
            first = daemon.request("POST", "/v1/projects", body, headers)
            daemon.kill()
            daemon.start()
            again = daemon.request("POST", "/v1/projects", body, headers)
            self.assertEqual((again.status, again.body), (first.status, first.body))
        finally:
            daemon.close()

    def test_unusable_keys_are_refused(self):
        for key in ("", "a" * 65, "with space", "caf\u00e9".encode("latin-1").decode("latin-1")):
            answer = self.daemon.request("POST", "/v1/projects", {"id": "key"}, {"Idempotency-Key": key})
            self.assertEqual((answer.status, answer.json["code"]), (400, "invalid_idempotency_key"))

    def test_a_late_or_foreign_demonstration_is_kept_but_not_credited(self):
        lease = self.open("late")
        count = self.count("late")
        stale = self.complete("late", lease["id"], fence=lease["fence"] + 1,
                              demonstration=trajectory(lease["task"], 42)).json
        self.assertEqual((stale["credited"], self.count("late")), (False, count + 1))
        self.assertTrue(stale["reason"])
        self.complete("late", lease["id"], fence=lease["fence"], demonstration=trajectory(lease["task"], 43))
        late = self.complete("late", lease["id"], fence=lease["fence"],
                             demonstration=trajectory(lease["task"], 44)).json
        self.assertEqual((late["credited"], self.count("late")), (False, count + 3))

    def test_only_a_successful_demonstration_completes(self):
        lease = self.open("attempt")
        count = self.count("attempt")
        tried = self.complete("attempt", lease["id"], fence=lease["fence"],
                              demonstration=trajectory(lease["task"], 42, success=False)).json
        self.assertEqual((tried["credited"], tried["assignment"]["state"]), (False, "open"))
        self.assertEqual(self.count("attempt"), count + 1)
        for role in ("rollout", "pretraining"):
            wrong = self.complete("attempt", lease["id"], 422, fence=lease["fence"],
                                  demonstration=trajectory(lease["task"], 43, role=role))
            self.assertEqual(wrong.json["at"], "/demonstration/role")
        by_id = self.complete("attempt", lease["id"], 422, fence=lease["fence"],
                              demonstration_id=tried["demonstration"]["id"])
        self.assertEqual(by_id.json["at"], "/demonstration_id")
        done = self.complete("attempt", lease["id"], fence=lease["fence"], demonstration=trajectory(lease["task"], 44))
        self.assertTrue(done.json["credited"])

    def test_refusals_store_nothing(self):
        lease = self.open("refused")
        other = next(t for t in TASKS if t != lease["task"])
        count = self.count("refused")
        for status, code, body in [
                (422, "wrong_task", {"fence": lease["fence"], "demonstration": trajectory(other, 42)}),
                (422, "wrong_dimension", {"fence": lease["fence"],
                                          "demonstration": trajectory(lease["task"], 42, state_dim=4)}),
                (422, "missing_field", {"fence": lease["fence"]}),
                (422, "missing_field", {"demonstration": trajectory(lease["task"], 42)}),
                (422, "invalid_field", {"fence": lease["fence"], "demonstration_id": "d9999999999"}),
        ]:
            with self.subTest(code):
                self.assertEqual(self.complete("refused", lease["id"], status, **body).json["code"], code)
        self.assertEqual(self.complete("refused", "a9999999999", 404, fence=1,
                                       demonstration=trajectory("a", 1)).json["code"], "assignment_not_found")
        self.assertEqual(self.count("refused"), count)

    def test_a_lost_lease_without_a_demonstration_is_a_conflict(self):
        lease = self.open("lost")
        stored = self.daemon.ok("POST", "/v1/projects/lost/demonstrations", trajectory(lease["task"], 42))
        answer = self.complete("lost", lease["id"], 409, fence=lease["fence"] + 1, demonstration_id=stored["id"])
        self.assertEqual(answer.json["code"], "lease_lost")

    def test_one_demonstration_is_credited_once(self):
        fill(self.daemon, "once")
        leases = self.ask("once", operator="anna", count=8)["assignments"]
        pair = [a for a in leases if a["task"] == leases[0]["task"]][:2]
        stored = self.daemon.ok("POST", "/v1/projects/once/demonstrations", trajectory(pair[0]["task"], 42))
        self.complete("once", pair[0]["id"], fence=pair[0]["fence"], demonstration_id=stored["id"])
        again = self.complete("once", pair[1]["id"], 422, fence=pair[1]["fence"], demonstration_id=stored["id"])
        self.assertEqual(again.json["at"], "/demonstration_id")
        foreign = self.complete("once", pair[1]["id"], 422, fence=pair[1]["fence"],
                                demonstration=trajectory(pair[1]["task"], 43, assignment=pair[0]["id"]))
        self.assertEqual(foreign.json["at"], "/demonstration/assignment")

    def test_a_lease_that_ran_out_while_the_server_was_down_is_not_given_again(self):
        daemon = Daemon()
        try:
            fill(daemon)
            ask = {"operator": "anna", "lease_s": 1}
            lease = daemon.ok("POST", "/v1/projects/p/assignments", ask)["assignments"][0]
            daemon.kill()
            time.sleep(1.2)
            daemon.start()
            again = daemon.ok("POST", "/v1/projects/p/assignments", ask)["assignments"][0]
            self.assertNotEqual(again["id"], lease["id"])
            late = daemon.ok("POST", f"/v1/projects/p/assignments/{lease['id']}/complete",
                             {"fence": lease["fence"], "demonstration": trajectory(lease["task"], 42)})
            self.assertFalse(late["credited"])
        finally:
            daemon.close()

    def test_an_assignment_nobody_finishes_expires_and_stops_counting(self):
        fill(self.daemon, "expiry")
        lease = self.ask("expiry", operator="anna", lease_s=1)["assignments"][0]
        path = f"/v1/projects/expiry/assignments/{lease['id']}"
        wait_until(lambda: self.daemon.ok("GET", path)["state"] == "expired")
        self.assertEqual(self.daemon.ok("GET", f"/v1/projects/expiry/tasks/{lease['task']}")["pending"], 0)
        late = self.complete("expiry", lease["id"], fence=lease["fence"],
                             demonstration=trajectory(lease["task"], 42)).json
        self.assertFalse(late["credited"])


if __name__ == "__main__":
    tap.main()
