#!/usr/bin/env python3
"""The Python client against a running daemon."""
import json
import logging
import socket
import subprocess
import tempfile
import threading
import unittest
import unittest.mock
from pathlib import Path

import numpy as np
from fixtures import AMF, ROOT, Daemon, LiveCase, arrays, tap  # first: it knows where the package is

import amf_client
from amf_client._transport import Call
from certificates import Authority

BANANAS = ROOT / "data" / "lila_franka" / "pick-banana"


class Projects(LiveCase):
    def test_create_change_delete(self):
        made = self.client.projects.create("changed", title="Before", selection={"lease_s": 600, "budget": 3})
        self.assertEqual(made.get().selection.budget, 3)
        changed = made.update(title="After", selection={"budget": None})
        self.assertEqual((changed.title, changed.selection.budget, changed.selection.lease_s), ("After", None, 600.0))
        self.assertIn("changed", [project.id for project in self.client.projects.list()])
        made.delete()
        with self.assertRaises(amf_client.NotFound):
            made.get()

    def test_a_network_by_its_rollouts(self):
        made = self.client.projects.create("by-rollouts", policy={"kind": "mlp"}, kernel={"kind": "embedding"},
                                           criterion={"occupancy": "rollouts"}).get()
        self.assertEqual((made.criterion.measure, made.noise_relative), ("entropy", 1.0))

    def test_one_that_exists(self):
        with self.assertRaises(amf_client.AlreadyExists):
            self.client.projects.create(self.project.id)
        self.assertEqual(self.client.projects.create(self.project.id, exist_ok=True).id, self.project.id)

    def test_a_wrong_setting_is_named(self):
        with self.assertRaises(amf_client.Invalid) as caught:
            self.project.update(kernel={"variance": -1})
        self.assertEqual((caught.exception.code, caught.exception.at), ("invalid_field", "/kernel/variance"))
        self.assertTrue(caught.exception.request_id)

    def test_tasks(self):
        task = self.project.tasks.put("pick", instruction="pick it", requires=["gripper"], vector=[0.5, 1])
        self.assertEqual((task.instruction, task.requires, task.vector), ("pick it", ("gripper",), (0.5, 1.0)))
        self.assertEqual(self.project.tasks.get("pick"), task)
        self.assertEqual([task.key for task in self.project.tasks.list()], ["pick", "pour"])
        self.project.tasks.delete("pour")
        self.assertEqual([task.key for task in self.project.tasks.list()], ["pick"])

    def test_scales_are_taken_anew(self):
        with self.assertRaises(amf_client.Conflict):
            self.project.refit()
        for seed in range(3):
            self.project.demonstrations.add("pick", *arrays(seed))
        self.assertEqual(self.project.refit().demonstrations, 3)

    def test_out_and_in(self):
        self.project.demonstrations.add("pick", *arrays(1))
        with tempfile.TemporaryDirectory() as folder:
            file, seen = Path(folder, "kitchen.tar"), []
            self.project.export(file, progress=lambda done, total: seen.append((done, total)))
            self.assertEqual(seen[-1], (file.stat().st_size,) * 2)
            with self.assertRaises(FileExistsError):
                self.project.export(file)
            copy = self.client.projects.import_("copied", file)
            self.assertEqual(copy.get().seq, self.project.get().seq)
            damaged = bytearray(file.read_bytes())
            damaged[len(damaged) // 2] ^= 1
            file.write_bytes(damaged)
            with self.assertRaises(amf_client.BadRequest):
                self.client.projects.import_("damaged", file)


class Demonstrations(LiveCase):
    def test_arrays_come_back_bit_by_bit(self):
        for dtype in (np.float16, np.float32, np.float64, np.dtype(">f8"), np.int32):
            with self.subTest(dtype=dtype):
                states, actions = arrays(7, dtype=dtype)
                said = {"operator": "anna", "robot": "franka-1", "duration_s": 2.5, "source": "a test", "success": False,
                        "metadata": {"camera": [1, 2], "note": "über"}}
                stored = self.project.demonstrations.add("pick", states.T.copy().T, actions, **said)
                held = self.project.demonstrations.get(stored.id)
                np.testing.assert_array_equal(held.states, states.astype(float))
                np.testing.assert_array_equal(held.actions, actions.astype(float))
                self.assertEqual({name: getattr(held, name) for name in said}, said)
                self.assertEqual((held.task, held.role, stored.steps), ("pick", "demonstration", 12))

    def test_the_same_again_is_recognised_and_one_that_is_retracted_is_not(self):
        first = self.project.demonstrations.add("pick", *arrays(1))
        again = self.project.demonstrations.add("pick", *arrays(1))
        self.assertEqual((first.duplicate, again.duplicate, again.id), (False, True, first.id))
        self.project.demonstrations.retract(first.id, "the camera had slipped")
        self.assertEqual(list(self.project.demonstrations.list()), [])
        self.assertFalse(self.project.demonstrations.add("pick", *arrays(1)).duplicate)

    def test_a_list_over_several_pages(self):
        for seed in range(4):
            self.project.demonstrations.add("pick", *arrays(seed))
        with unittest.mock.patch("amf_client._lists.PAGE", 3):
            held = list(self.project.demonstrations.list())
        self.assertEqual([entry.steps for entry in held], [12] * 4)

    def test_a_number_that_is_none_is_named(self):
        states, actions = arrays(1)
        states[3, 1] = np.nan
        with self.assertRaises(amf_client.Invalid) as caught:
            self.project.demonstrations.add("pick", states, actions)
        self.assertEqual((caught.exception.code, caught.exception.at), ("not_finite", "tensor states"))

    def test_a_large_one_that_is_refused_early_is_told_why(self):
        self.project.demonstrations.add("pick", *arrays(1))
        with self.assertRaises(amf_client.Invalid) as caught:
            self.project.demonstrations.add("pick", np.zeros((200_000, 20)), np.zeros((200_000, 2)))
        self.assertEqual(caught.exception.code, "wrong_dimension")


class Uploads(LiveCase):
    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(dir=self.daemon.data))

    def write_json(self, name, **fields):
        states, actions = arrays(len(name))
        body = {"task": "pick", "states": states.tolist(), "actions": actions.tolist(), **fields}
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(json.dumps(body))

    def test_a_folder_twice(self):
        self.project.tasks.put("pick-banana")
        seen = []
        first = self.project.demonstrations.upload(BANANAS, progress=lambda *step: seen.append(step))
        count = len(list(BANANAS.glob("*.safetensors")))
        self.assertEqual((first.new, first.held, first.refused), (count, 0, []))
        self.assertEqual([done for done, _, _ in seen], list(range(count + 1)))
        again = self.project.demonstrations.upload(BANANAS)
        self.assertEqual(str(again), f"0 new, {count} already held, 0 refused")

    def test_the_same_files_as_the_command_takes(self):
        self.write_json("b.json", operator="ben")
        self.write_json("below/a.json")
        self.write_json(".hidden.json")
        self.write_json("c.json", colour="red")
        self.write_json("d.json", task="unknown")
        (self.folder / "e.json").write_text('{"about": "something else"}')
        (self.folder / "f.safetensors").write_bytes(b"short")
        (self.folder / "circle").symlink_to(self.folder)
        (self.folder / "notes.txt").write_text("no recording")
        summary = self.project.demonstrations.upload(self.folder)
        self.assertEqual((summary.new, summary.held), (2, 0))
        self.assertEqual([refused.path.name for refused in summary.refused], ["c.json", "d.json", "f.safetensors"])
        self.assertEqual([path.name for path in summary.left_out], ["e.json"])
        command = subprocess.run([AMF, "--url", self.daemon.url, "demo", "upload", self.project.id, self.folder], text=True,
                                 capture_output=True, env={"AMF_TOKEN": self.daemon.token}, check=False)
        self.assertEqual(command.stdout, "0 new, 2 already held, 3 refused\n", command.stderr)

    def test_what_is_said_overrides_the_files(self):
        self.write_json("a.json", operator="ben")
        self.project.tasks.put("pick-banana")
        (self.folder / "b.safetensors").write_bytes((BANANAS / "000.safetensors").read_bytes())
        with self.assertNoLogs("amf_client"):
            summary = self.project.demonstrations.upload(self.folder, task="pour", operator="anna", role="pretraining")
        self.assertEqual([refused.error.code for refused in summary.refused], ["wrong_dimension"])
        (held,) = self.project.demonstrations.list()
        self.assertEqual((held.task, held.operator, held.role), ("pour", "anna", "pretraining"))

    def test_what_stops_all_of_them(self):
        self.write_json("a.json")
        with self.assertRaises(amf_client.UploadStopped) as caught:
            self.client.project("nowhere").demonstrations.upload(self.folder)
        self.assertEqual((caught.exception.error.code, caught.exception.summary.new), ("project_not_found", 0))


class Choosing(LiveCase):
    def test_a_ranking_that_has_seen_everything(self):
        self.project.demonstrations.add("pick", *arrays(1))
        ranking = self.project.ranking(wait_s=20)
        self.assertEqual((ranking.age_s, ranking.choice), (0.0, "pour"))
        self.assertEqual([candidate.task for candidate in ranking.candidates], ["pour", "pick"])
        self.assertGreater(ranking.candidates[0].gain, ranking.candidates[1].gain)

    def test_asking_and_completing_by_hand(self):
        asked = self.project.assignments.ask(operator="anna", exclude=["pick"])
        (given,) = asked.assignments
        self.assertEqual((given.task, given.operator, asked.reason), ("pour", "anna", None))
        states, actions = arrays(1)
        demonstration = {"task": "pour", "states": states.tolist(), "actions": actions.tolist()}
        done = self.project.assignments.complete(given.id, given.fence, demonstration=demonstration)
        self.assertTrue(done.credited)
        self.assertEqual(self.project.assignments.get(given.id).state, "completed")
        self.assertEqual([one.id for one in self.project.assignments.list()], [given.id])

    def test_nothing_to_do_says_why(self):
        self.project.update(selection={"budget": 0})
        with self.assertRaises(amf_client.NothingToDo) as caught:
            with self.project.assignment(operator="anna"):
                self.fail("there is a task")
        self.assertTrue(caught.exception.code and caught.exception.detail)

    def test_a_with_block_that_completes(self):
        with self.project.assignment(operator="anna", robot="franka-1", lease_s=600) as task:
            self.assertIn(task.task, ("pick", "pour"))
            self.assertEqual(task.instruction, f"{task.task} it")
            self.assertTrue(task.why)
            done = task.complete(*arrays(3, dtype=np.float32), duration_s=4.5)
        self.assertTrue(done.credited and task.over)
        self.assertFalse(done.demonstration.duplicate)
        held = self.project.demonstrations.get(done.demonstration.id)
        self.assertEqual((held.operator, held.robot, held.duration_s), ("anna", "franka-1", 4.5))
        self.assertEqual(done.assignment.state, "completed")
        with self.assertRaises(RuntimeError):
            task.release()

    def test_a_recording_that_comes_twice_is_stored_and_credited_once(self):
        with self.project.assignment(operator="anna") as task:
            task.complete(*arrays(3))
            late = task.complete(*arrays(4))
        self.assertEqual((late.credited, late.demonstration.duplicate), (False, False))
        self.assertIn("completed already", late.reason)
        self.assertEqual(len(list(self.project.demonstrations.list())), 2)

    def test_a_recording_that_cannot_be_stored_is_kept_for_the_command(self):
        self.project.demonstrations.add("pick", *arrays(1))
        logging.disable(logging.ERROR)
        self.addCleanup(logging.disable, logging.NOTSET)
        with self.project.assignment(operator="anna") as task:
            key, (states, actions) = task.task, arrays(2)
            with self.assertRaises(amf_client.Invalid) as caught:
                task.complete(states[:, :2], actions)
            with self.assertRaises(ValueError):
                task.complete(states, actions[1:])
            task.complete(states, actions)
        self.assertEqual(len(list(Path(self.unsent, self.project.id).iterdir())), 2)
        self.assertIn(key, caught.exception.kept.name)
        twin = self.client.projects.create("twin")
        twin.tasks.put(key)
        subprocess.run([AMF, "--url", self.daemon.url, "demo", "add", "twin", caught.exception.kept], check=True,
                       capture_output=True, env={"AMF_TOKEN": self.daemon.token})
        (held,) = twin.demonstrations.list()
        np.testing.assert_array_equal(twin.demonstrations.get(held.id).states, states[:, :2])


class Server(LiveCase):
    def test_what_is_running(self):
        self.assertEqual(self.client.health().status, "ok")
        self.assertEqual(self.client.ready().status, "ok")
        self.assertEqual(self.client.version().api, "v1")
        self.assertTrue(self.client.openapi().startswith("openapi: 3.1"))
        self.assertIn("\namf_", self.client.metrics())

    def test_tokens(self):
        made = self.client.tokens.create("reader-1", "reader", project=self.project.id, expires_in_s=60)
        self.assertTrue(made.token)
        self.assertIsNone(self.client.tokens.get(made.id).token)
        with amf_client.Client(self.daemon.url, made.token) as reader:
            self.assertEqual(len(list(reader.project(self.project.id).tasks.list())), 2)
            with self.assertRaises(amf_client.Forbidden) as caught:
                reader.project(self.project.id).tasks.put("more")
            self.assertEqual(caught.exception.code, "insufficient_scope")
            self.client.tokens.revoke(made.id)
            with self.assertRaises(amf_client.Unauthorized):
                reader.project(self.project.id).get()
        self.assertNotIn(made.id, [token.id for token in self.client.tokens.list()])

    def test_a_copy_of_everything(self):
        file = Path(self.daemon.data, "copy.db")
        self.client.back_up(file)
        self.assertTrue(file.read_bytes().startswith(b"SQLite format 3\0"))

    def test_small_requests_do_not_wait_for_acknowledgements(self):
        answer = self.client._transport.send(Call("GET", "/healthz"))
        connection = answer.extensions["network_stream"].get_extra_info("socket")
        self.assertTrue(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def test_a_client_is_shared_by_threads(self):
        stored, barrier = [], threading.Barrier(8)

        def work(number):
            barrier.wait()
            for seed in range(5):
                stored.append(self.project.demonstrations.add("pick", *arrays(100 * number + seed)).id)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(stored)), 40)

    def test_a_certificate_of_ones_own_authority(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        authority = Authority(folder)
        certificate, key = authority.sign()
        secured = Daemon(options=["--tls-cert", certificate, "--tls-key", key], tls=authority.context())
        self.addCleanup(secured.close)
        with amf_client.Client(secured.url, secured.token, ca_file=authority.file) as client:
            self.assertEqual(list(client.projects.list()), [])
        with amf_client.Client(secured.url, secured.token, retry=amf_client.Retry(attempts=1)) as client:
            with self.assertRaises(amf_client.Unreachable) as caught:
                client.health()
        self.assertIn("certificate verify failed", str(caught.exception).lower())

    def test_a_daemon_that_comes_back_is_waited_for(self):
        self.daemon.kill()
        comes_back = threading.Timer(0.3, self.daemon.start)
        address = self.daemon.address
        self.daemon.options = ["--listen", address]
        comes_back.start()
        self.addCleanup(comes_back.join)
        patient = amf_client.Client(self.daemon.url, self.daemon.token, retry=amf_client.Retry(attempts=15))
        self.assertFalse(patient.project(self.project.id).demonstrations.add("pick", *arrays(1)).duplicate)
        patient.close()


if __name__ == "__main__":
    tap.main()
