#!/usr/bin/env python3
"""Leases over HTTP: renew, skip, fail, release, late completions, limits under many askers, restarts and pauses."""
import concurrent.futures
import os
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap  # noqa: E402
from daemon import Daemon, demonstration_file, trajectory, wait_until, TENSORS  # noqa: E402

PROJECTS = "/v1/projects"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def project(self, name, tasks=("cut", "pour", "wipe"), selection=None, **of_tasks):
        self.daemon.ok("POST", PROJECTS, {"id": name, "selection": {"warm_start": 0, "rule": "rebalance", **(selection or {})}})
        self.at = f"{PROJECTS}/{name}"
        for task in tasks:
            self.daemon.ok("PUT", f"{self.at}/tasks/{task}", of_tasks.get(task, {}))

    def asked(self, operator="anna", **more):
        return self.daemon.ok("POST", f"{self.at}/assignments", {"operator": operator, **more})

    def ask(self, operator="anna", **more):
        return self.asked(operator, **more)["assignments"][0]

    def tell(self, verb, lease, status=200, **more):
        answer = self.daemon.request("POST", f"{self.at}/assignments/{lease['id']}/{verb}", {"fence": lease["fence"], **more})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def fill(self, tasks):
        for number, task in enumerate(tasks):
            self.daemon.ok("POST", f"{self.at}/demonstrations", trajectory(task, number, state_dim=3))
        self.daemon.ok("GET", f"{self.at}/ranking?wait_s=10")

    def held(self):
        return self.daemon.ok("GET", f"{self.at}/demonstrations?limit=500")["demonstrations"]


class Verbs(Case):
    def test_a_renewal_raises_the_fence_and_the_one_before_is_good_until_the_new_one_is_used(self):
        self.project("renew")
        first = self.ask(lease_s=60)
        second = self.tell("renew", first, lease_s=600)
        self.assertGreater(second["fence"], first["fence"])
        self.assertGreater(second["expires_at"], first["expires_at"])
        self.assertEqual(self.ask()["fence"], second["fence"])  # the same assignment, with the fence of today
        third = self.tell("renew", first)  # as one does whose answer was lost
        lost = self.tell("renew", second, 409)
        self.assertIn("is open", lost["detail"])
        self.assertIn("its holder is anna", lost["detail"])
        fourth = self.tell("renew", third)
        for stale in (first, second):
            for verb in ("renew", "skip", "fail", "release"):
                self.assertEqual(self.tell(verb, stale, 409)["code"], "lease_lost")
        self.assertEqual(self.daemon.ok("GET", f"{self.at}/assignments/{first['id']}")["fence"], fourth["fence"])
        self.tell("release", third)

    def test_every_end_has_a_state_of_its_own_and_nothing_follows_it(self):
        self.project("ends", tasks=[f"t{i}" for i in range(9)])
        for number, (verb, state, more) in enumerate((("skip", "skipped", {"to": "never", "reason": "no cereal left"}),
                                                      ("fail", "failed", {"reason": "it fell"}), ("release", "released", {}))):
            lease = self.ask(f"o{number}")
            ended = self.tell(verb, lease, **more)
            self.assertEqual((ended["state"], ended.get("reason"), ended.get("to")),
                             (state, more.get("reason"), more.get("to")))
            self.assertEqual(self.daemon.ok("GET", f"{self.at}/assignments/{lease['id']}"), ended)
            for other in ("renew", "skip", "fail", "release"):
                lost = self.tell(other, lease, 409)
                self.assertIn(f"is {state} already; its holder is o{number}", lost["detail"])
            late = self.tell("complete", lease, demonstration=trajectory(lease["task"], number))
            self.assertFalse(late["credited"])
            self.assertIn(state, late["reason"])
            self.assertEqual(late["assignment"]["state"], state)
            self.assertIn(late["demonstration"]["id"], [d["id"] for d in self.held()])
        self.assertEqual({t["pending"] for t in self.daemon.ok("GET", f"{self.at}/tasks")["tasks"]}, {0})

    def test_skipped_to_me_it_comes_back_after_one_other_task(self):
        self.project("me", tasks=("cut", "pour"))
        first = self.ask()
        self.tell("skip", first)  # to me, as it is by default
        other = self.ask()
        self.assertNotEqual(other["task"], first["task"])
        self.tell("release", other)
        self.assertEqual(self.ask("anna", exclude=[other["task"]])["task"], first["task"])

    def test_skipped_to_others_it_is_for_others(self):
        self.project("others", tasks=("cut", "pour"))
        first = self.ask()
        self.tell("skip", first, to="others", reason="left-handed")
        self.assertEqual(self.ask("boris", exclude=["pour"])["task"], "cut")
        for _ in range(3):
            other = self.ask()
            self.assertEqual(other["task"], "pour")
            self.tell("release", other)
        asked = self.asked(exclude=["pour"])
        self.assertEqual((asked["assignments"], asked["reason"]["code"]), ([], "skipped"))
        self.assertIn("cut", asked["reason"]["detail"])
        self.daemon.ok("PUT", f"{self.at}/tasks/cut", {"instruction": "with the left hand"})
        self.assertEqual(self.ask(exclude=["pour"])["task"], "cut")

    def test_skipped_to_never_it_is_for_nobody_until_it_is_updated(self):
        self.project("never", tasks=("cut",), selection={"rule": "criterion"})
        self.tell("skip", self.ask(), to="never", reason="no knife")
        for operator in ("anna", "boris"):
            reason = self.asked(operator)["reason"]
            self.assertEqual(reason["code"], "skipped")
            self.assertIn("cut", reason["detail"])
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.asked("boris")["reason"]["code"], "skipped")
        ranking = self.daemon.ok("GET", f"{self.at}/ranking?wait_s=10")
        self.assertIsNone(ranking["choice"])
        self.assertIn("skipped it for everybody", ranking["candidates"][0]["note"])
        self.daemon.ok("PUT", f"{self.at}/tasks/cut", {})
        self.assertEqual(self.ask("boris")["task"], "cut")

    def test_a_reason_is_skips_only_where_skips_are_the_reason(self):
        self.project("reasons", tasks=("cut", "pour"), selection={"budget": 1}, pour={"max_demonstrations": 1})
        self.tell("skip", self.ask(exclude=["pour"]), to="never")
        self.assertEqual(self.asked(exclude=["cut", "pour"])["reason"]["code"], "nothing_for_asker")
        lease = self.ask()
        self.assertEqual(self.asked("boris")["reason"]["code"], "budget_spent")
        self.daemon.ok("PATCH", self.at, {"selection": {"budget": None}})
        self.assertEqual(self.asked("boris")["reason"]["code"], "skipped")
        self.assertEqual(self.asked("boris", exclude=["cut"])["reason"]["code"], "all_done")
        self.tell("release", lease)
        self.assertEqual(self.ask("boris")["task"], "pour")

    def test_open_assignments_have_an_end(self):
        self.project("crowd")
        asked = []
        crowd = [threading.Thread(target=lambda i=i: asked.append(self.asked(f"o{i}", count=20))) for i in range(16)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        self.assertEqual(sum(len(answer["assignments"]) for answer in asked), 256)
        for answer in asked:
            full = len(answer["assignments"]) == 20
            self.assertEqual(answer["reason"] and answer["reason"]["code"], None if full else "too_many_open")
        late = self.asked("late")
        self.assertEqual((late["assignments"], late["reason"]["code"]), ([], "too_many_open"))
        self.assertIn("256", late["reason"]["detail"])
        holder = next(answer for answer in asked if answer["assignments"])["assignments"][0]
        self.assertEqual(self.ask(holder["operator"])["id"], holder["id"])  # who holds one gets it again
        self.tell("release", holder)
        self.assertEqual(len(self.asked("late", count=2)["assignments"]), 1)

    def test_a_failed_attempt_counts_for_the_warm_start_once(self):
        self.project("warm", tasks=("cut", "pour"), selection={"warm_start": 2, "rule": "criterion"})
        self.tell("fail", self.ask())  # cut: one
        lease = self.ask()  # pour
        self.tell("release", lease)  # none
        self.assertEqual(self.ask()["task"], "pour")
        kept = self.tell("complete", self.ask(), demonstration=trajectory("pour", 1, success=False))
        self.assertFalse(kept["credited"])
        self.tell("fail", self.ask())  # the one that was handed in
        order = []
        for _ in range(2):
            lease = self.ask()
            self.assertEqual(lease["rule"], "warm_start")
            order.append(lease["task"])
            self.tell("fail", lease)
        self.assertEqual(order, ["cut", "pour"])
        self.assertNotEqual(self.ask()["rule"], "warm_start")

    def test_a_duplicate_is_credited(self):
        self.project("twice")
        lease = self.ask()
        self.daemon.ok("POST", f"{self.at}/demonstrations", trajectory(lease["task"], 1))
        done = self.tell("complete", lease, demonstration=trajectory(lease["task"], 1))
        self.assertEqual((done["credited"], done["demonstration"]["duplicate"]), (True, True))
        self.assertEqual(len(self.held()), 1)

    def test_nothing_is_stored_of_what_is_for_another_task(self):
        self.project("wrong", tasks=("cut", "pour"))
        lease = self.ask(exclude=["pour"])
        answer = self.tell("complete", lease, 422, demonstration=trajectory("pour", 1))
        self.assertEqual((answer["code"], answer["at"]), ("wrong_task", "/demonstration/task"))
        body = demonstration_file(trajectory("pour", 1, steps=40000), assignment=lease["id"])
        self.assertGreater(len(body), 1 << 20)
        answer = self.daemon.request("POST", f"{self.at}/demonstrations", body, TENSORS)
        self.assertEqual((answer.status, answer.json["code"], answer.json["at"]), (422, "wrong_task", "/task"))
        self.assertEqual(self.held(), [])
        body = demonstration_file(trajectory("cut", 1, steps=40000), assignment=lease["id"])
        stored = self.daemon.request("POST", f"{self.at}/demonstrations", body, TENSORS).json
        self.assertEqual(self.held()[0]["assignment"], lease["id"])
        self.assertTrue(self.tell("complete", lease, demonstration_id=stored["id"])["credited"])

    def test_a_lease_goes_on_through_a_restart_and_ends(self):
        self.project("restart")
        short, long = self.ask("anna", lease_s=1.5), self.ask("boris", lease_s=600)
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.ask("boris"), self.daemon.ok("GET", f"{self.at}/assignments/{long['id']}"))
        wait_until(lambda: self.daemon.ok("GET", f"{self.at}/assignments/{short['id']}")["state"] == "expired")
        self.assertIn("is expired", self.tell("renew", short, 409)["detail"])
        late = self.tell("complete", short, demonstration=trajectory(short["task"], 1))
        self.assertFalse(late["credited"])
        self.tell("renew", long)


def at_once(count, work):
    """work(i) for i < count, all let go in the same moment."""
    barrier = threading.Barrier(count)

    def go(i):
        barrier.wait()
        return work(i)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(go, range(count)))


class Crowd(Case):
    def test_sixteen_askers_of_one_moment_are_spread_and_told_why(self):
        tasks = [f"task-{c}" for c in "abcdefgh"]
        self.project("spread", tasks=tasks, selection={"rule": "criterion", "warm_start": "auto"})
        self.fill(tasks * 2)
        given = at_once(16, lambda i: self.ask(f"operator-{i}"))
        counts = [sum(lease["task"] == task for lease in given) for task in tasks]
        self.assertEqual(sum(counts), 16)
        self.assertGreaterEqual(sum(count > 0 for count in counts), 6, counts)
        self.assertLessEqual(max(counts), 4, counts)
        self.assertEqual(len({lease["id"] for lease in given}), 16)
        self.assertEqual(len({lease["fence"] for lease in given}), 16)
        for lease in given:
            self.assertEqual(lease["rule"], "criterion")
            self.assertIn(lease["task"], lease["why"])

    def test_two_operators_are_sent_apart(self):
        self.project("apart", tasks=("cut", "pour"), selection={"rule": "criterion"})
        self.fill(("cut", "pour"))
        self.assertNotEqual(self.ask("anna")["task"], self.ask("boris")["task"])

    def test_a_repeat_wins_where_one_task_is_worth_more_even_so(self):
        self.project("repeat", tasks=("cut", "pour"), selection={"rule": "criterion"},
                     cut={"weight": 1000}, pour={"weight": 0.001})
        self.daemon.ok("PATCH", self.at, {"kernel": {"task_correlation": 0}})
        self.fill(("cut", "pour"))
        first = self.ask("anna")
        self.daemon.ok("GET", f"{self.at}/ranking?wait_s=10")
        second = self.ask("boris")
        self.assertEqual((first["task"], second["task"]), ("cut", "cut"))
        self.assertIn("1 of it is under way", second["why"])

    def test_limits_hold_under_many_askers(self):
        self.project("limits", tasks=("cut", "pour", "wipe"), selection={"budget": 9},
                     cut={"min_demonstrations": 2, "max_demonstrations": 3}, pour={"max_demonstrations": 2})
        given = at_once(32, lambda i: self.asked(f"operator-{i}", count=1 + i % 3))
        leases = [lease for asked in given for lease in asked["assignments"]]
        self.assertEqual(len(leases), 9)
        self.assertEqual([sum(lease["task"] == task for lease in leases) for task in ("cut", "pour", "wipe")], [3, 2, 4])
        self.assertEqual(sum(lease["rule"] == "minimum" for lease in leases), 2)
        for asked in given:
            if not asked["assignments"]:
                self.assertEqual(asked["reason"]["code"], "budget_spent")
        done = at_once(9, lambda i: self.tell("complete", leases[i], demonstration=trajectory(leases[i]["task"], i)))
        self.assertTrue(all(completed["credited"] for completed in done))
        self.assertEqual(self.asked("late")["reason"]["code"], "budget_spent")
        self.daemon.ok("DELETE", f"{self.at}/demonstrations/{done[0]['demonstration']['id']}")
        self.assertEqual(len(self.asked("late")["assignments"]), 1)


class Constraints(Case):
    """What an asker says of itself, and what a lead changes while leases are open."""

    def test_the_robot_stays_with_its_assignment(self):
        self.project("robot")
        lease = self.ask(robot="franka-1")
        self.assertEqual(lease["robot"], "franka-1")
        self.assertEqual(self.ask(robot="franka-2"), lease)
        self.assertEqual(self.tell("renew", lease)["robot"], "franka-1")

    def test_exploring_keeps_to_what_the_asker_can_do(self):
        self.project("explore", tasks=("cut", "pour", "wipe"), selection={"rule": "criterion", "explore_share": 1},
                     wipe={"requires": ["sponge"]})
        self.fill(("cut", "pour", "wipe"))
        for number in range(12):
            lease = self.ask(f"operator-{number}", exclude=["pour"] if number % 2 else [])
            self.assertEqual(lease["rule"], "explore")
            self.assertIn(lease["task"], ("cut",) if number % 2 else ("cut", "pour"))

    def test_target_weights_change_while_leases_are_open(self):
        self.project("weights", tasks=("cut", "pour"), selection={"rule": "criterion"},
                     cut={"weight": 1000}, pour={"weight": 0.001})
        self.daemon.ok("PATCH", self.at, {"kernel": {"task_correlation": 0}})
        self.fill(("cut", "pour"))
        first = self.ask("anna")
        self.assertEqual(first["task"], "cut")
        self.daemon.ok("PUT", f"{self.at}/tasks/cut", {"weight": 0.001})
        self.daemon.ok("PUT", f"{self.at}/tasks/pour", {"weight": 1000})
        self.daemon.ok("GET", f"{self.at}/ranking?wait_s=10")
        self.assertEqual(self.ask("boris")["task"], "pour")
        self.assertTrue(self.tell("complete", first, demonstration=trajectory("cut", 9))["credited"])


class Chance(Case):
    """The model of tests/property through HTTP, smaller: what a client can see, with a daemon that is paused and killed."""

    SEEDS = (1, 2, 3)
    STEPS = 120
    LEASE_S = 1.0

    def step_ask(self):
        operator = self.random.choice(("anna", "boris", "carla"))
        for lease in self.asked(operator, lease_s=self.random.choice((self.LEASE_S, 60)))["assignments"]:
            seen = self.leases.setdefault(lease["id"], {"operator": operator, "fences": [], "credited": 0})
            self.assertEqual(seen["operator"], lease["operator"])
            if lease["fence"] not in seen["fences"]:
                self.take_fence(seen, lease["fence"])

    def take_fence(self, seen, fence):
        self.assertNotIn(fence, self.fences, "a fence was used again")
        self.assertTrue(not seen["fences"] or fence > seen["fences"][-1])
        self.fences.add(fence)
        seen["fences"].append(fence)

    def some(self):
        name = self.random.choice(sorted(self.leases))
        seen = self.leases[name]
        return name, seen, self.random.choice(seen["fences"][-3:])

    def post(self, name, verb, body):
        return self.daemon.request("POST", f"{self.at}/assignments/{name}/{verb}", body)

    def step_renew(self):
        name, seen, fence = self.some()
        answer = self.post(name, "renew", {"fence": fence, "lease_s": self.random.choice((self.LEASE_S, 60))})
        self.assertIn(answer.status, (200, 409))
        if answer.status == 200:
            self.assertIn(fence, (seen["fences"][-1], seen.get("with")), "a stale fence renewed")
            self.assertNotIn("ended", seen)
            seen["with"] = fence
            self.take_fence(seen, answer.json["fence"])

    def step_end(self):
        name, seen, fence = self.some()
        answer = self.post(name, self.random.choice(("skip", "fail", "release")), {"fence": fence})
        self.assertIn(answer.status, (200, 409))
        if answer.status == 200:
            self.assertNotIn("ended", seen, "ended twice")
            self.assertIn(fence, (seen["fences"][-1], seen.get("with")), "a stale fence ended it")
            seen["ended"] = answer.json["state"]

    def step_complete(self):
        name, seen, fence = self.some()
        task = self.daemon.ok("GET", f"{self.at}/assignments/{name}")["task"]
        self.content += 1
        answer = self.post(name, "complete", {"fence": fence, "demonstration": trajectory(task, self.content)})
        self.assertEqual(answer.status, 200, answer.body)
        self.kept.add(answer.json["demonstration"]["id"])
        if answer.json["credited"]:
            self.assertNotIn("ended", seen, "credited after its end")
            self.assertIn(fence, (seen["fences"][-1], seen.get("with")), "a stale fence was credited")
            seen["ended"] = "completed"

    def step_pause(self):
        """A process that stands still while leases run out must not wake up and act on what it knew."""
        self.daemon.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.choice((0.05, 1.2)))
        self.daemon.process.send_signal(signal.SIGCONT)

    def step_restart(self):
        before = {lease["id"]: lease for lease in self.list()}
        self.random.choice((self.daemon.kill, self.daemon.stop))()
        self.daemon.start()
        for lease in self.list():
            if lease["state"] == "expired":
                before[lease["id"]]["state"] = "expired"
            self.assertEqual(lease, before[lease["id"]])
        self.assertEqual(len(self.list()), len(before))

    def list(self):
        return self.daemon.ok("GET", f"{self.at}/assignments?limit=500")["assignments"]

    def open(self):
        return sum(lease["state"] == "open" for lease in self.list())

    def compare(self):
        for lease in self.list():
            seen = self.leases[lease["id"]]
            self.assertEqual((lease["operator"], lease["fence"]), (seen["operator"], seen["fences"][-1]))
            self.assertIn(lease["state"], (seen["ended"],) if "ended" in seen else ("open", "expired"))
            if lease["state"] == "expired":
                seen["ended"] = "expired"
        self.assertEqual({d["id"] for d in self.held()}, self.kept, "a demonstration is lost")
        before = self.open()
        pending = sum(task["pending"] for task in self.daemon.ok("GET", f"{self.at}/tasks")["tasks"])
        self.assertTrue(self.open() <= pending <= before)  # a lease may run out in between

    def test_what_clients_see_is_what_was_promised(self):
        steps = ("ask",) * 6 + ("renew",) * 4 + ("end",) * 3 + ("complete",) * 4 + ("pause", "restart")
        for seed in self.SEEDS:
            print(f"# seed {seed}", flush=True)
            self.random = random.Random(seed)
            self.leases, self.fences, self.kept, self.content = {}, set(), set(), 0
            self.project(f"chance-{seed}")
            self.step_ask()
            for _ in range(self.STEPS):
                getattr(self, f"step_{self.random.choice(steps)}")()
                self.compare()


if __name__ == "__main__":
    tap.main()
