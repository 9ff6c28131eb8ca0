"""The daemon as a program: start, stop, its door, its data directory."""
import ctypes
import http.client
import os
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import AMFD, Daemon, trajectory

HERE = os.path.dirname(os.path.abspath(__file__))


def amfd(*arguments, env=None):
    return subprocess.run([AMFD, *arguments], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **(env or {})})


class Session(unittest.TestCase):
    def test_the_acceptance_session(self):
        daemon = Daemon()
        try:
            run = subprocess.run(["bash", os.path.join(HERE, "curl_session.sh")], capture_output=True, text=True, timeout=120,
                                 env={**os.environ, "AMF_URL": daemon.url, "AMF_TOKEN": daemon.token})
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(run.stdout, "session ok\n")
        finally:
            daemon.close()


class Door(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def test_everything_but_operations_needs_the_token(self):
        for method, path in [("GET", "/v1/projects"), ("POST", "/v1/projects"), ("GET", "/v1/projects/p"),
                             ("DELETE", "/v1/projects/p"), ("POST", "/v1/projects/p/assignments")]:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="},
                            {"Authorization": f"Bearer {self.daemon.token}x"}):
                answer = self.daemon.request(method, path, headers=headers, token=False)
                self.assertEqual((answer.status, answer.json["code"]), (401, "unauthorized"))
                self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        for path in ("/healthz", "/readyz", "/version", "/openapi.yaml"):
            self.assertEqual(self.daemon.request("GET", path, token=False).status, 200)

    def test_unknown_paths_and_methods(self):
        self.assertEqual(self.daemon.request("GET", "/v2/projects").status, 404)
        answer = self.daemon.request("PATCH", "/v1/projects")
        self.assertEqual((answer.status, sorted(answer.headers["Allow"].replace(" ", "").split(","))),
                         (405, ["GET", "HEAD", "POST"]))

    def test_the_token_is_the_users_alone_and_never_logged(self):
        self.daemon.request("GET", "/v1/projects")
        path = os.path.join(self.daemon.data, "d", "admin.token")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        with open(os.path.join(self.daemon.data, "log"), encoding="utf-8") as log:
            self.assertNotIn(self.daemon.token, log.read())

    def test_the_contract_is_served(self):
        answer = self.daemon.request("GET", "/openapi.yaml", token=False)
        self.assertEqual(answer.headers["Content-Type"], "application/yaml")
        self.assertIn(b"openapi: 3.1", answer.body)


class Program(unittest.TestCase):
    def test_wrong_use_is_one_line_and_exit_code_2(self):
        for arguments in (["--colour"], ["--listen"], ["--listen", "localhost"], ["--listen", "127.0.0.1:99999"],
                          ["--workers", "many"], ["--workers", "65"], ["stray"], ["--config", "/no/such/file"],
                          ["--listen", "0.0.0.0:0"], ["--data", ""], ["--on-fsync-error", "st"]):
            with self.subTest(arguments):
                run = amfd("--data", "/nonexistent", *arguments) if arguments[0] != "--data" else amfd(*arguments)
                self.assertEqual((run.returncode, run.stdout, run.stderr.count("\n")), (2, "", 1), run.stderr)

    def test_help_version_and_settings(self):
        self.assertIn("--data DIR", amfd("--help").stdout)
        self.assertRegex(amfd("--version").stdout, r"^amfd \d+\.\d+\.\d+\n$")
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("# a comment\nworkers = 3\nlisten = 127.0.0.1:1\nlog_level = warning\n")
            file.flush()
            run = amfd("--config", file.name, "--listen", "127.0.0.1:2", "--data", "/x", "--print-config",
                       env={"AMFD_WORKERS": "4"})
            self.assertEqual(run.stdout, "# flag\ndata = /x\n# flag\nlisten = 127.0.0.1:2\n"
                         "# environment AMFD_WORKERS\nworkers = 4\n"
                         "# default\nconnections_per_address = 0\n# default\nstreams = 2560\n# default\nallow_remote = false\n"
                         "# default\nclose_after_body = false\n# default\n# tls_cert is not set\n# default\n# tls_key is not set\n"
                         "# default\non_fsync_error = exit\n# default\nlog_format = text\n# file\nlog_level = warning\n")
            file.write("colour = red\n")
            file.flush()
            self.assertIn(":5: no such key", amfd("--config", file.name).stderr)

    def test_what_is_printed_can_be_used_as_a_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            first = amfd("--data", "/x # y", "--log-format", "json", "--workers", "7", "--print-config").stdout
            file.write(first)
            file.flush()
            again = amfd("--config", file.name, "--print-config").stdout

            def settings(text):
                return [line for line in text.splitlines() if not line.startswith("#")]
            self.assertEqual(settings(again), settings(first))
            self.assertIn("data = /x # y", settings(first))
            self.assertIn("# file\nworkers = 7\n", again)

    def test_a_mistyped_name_is_answered_with_the_right_one(self):
        for flag, meant in (("--worker", "--workers"), ("--log-fromat", "--log-format"), ("--listne", "--listen"),
                            ("--tls_certs", "--tls-cert"), ("--conections-per-adress", "--connections-per-address")):
            self.assertIn(f"did you mean {meant}?", amfd(flag, "1").stderr)
        for flag in ("--colour", "--x", "--" + "w" * 200, "--"):
            self.assertIn("--help lists them", amfd(flag, "1").stderr)
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("log-levle = info\n")
            file.flush()
            self.assertIn(":1: no such key: \"log-levle\"; did you mean log_level?", amfd("--config", file.name).stderr)

    def test_a_file_that_is_no_configuration_is_told_in_one_line(self):
        long = b"# " + b"x" * 3000 + b" workers = 65\n"  # which a buffer of 2 KiB would cut into two lines
        with tempfile.NamedTemporaryFile() as file:
            for text, said in ((b"", None), (b"\r\n  workers\t=  3 \r\nlisten = 127.0.0.1:1", None), (long, None),
                               (b"x" * 70000, "not a text"), (b"workers = 3\0\n", "not a text"), (b"# a\0", "not a text"),
                               (b"workers = 3\nworkers = 4\n", ":2: workers stands twice"), (b"workers", ":1: expected"),
                               (b"workers =\n", ":1: workers cannot be"), (b"= 3\n", ":1: no such key"),
                               (b"data = " + b"x" * 1024, ":1: data cannot be"), (b"listen = 127.0.0.1:65536", "listen: expected")):
                with self.subTest(text[:40]):
                    file.seek(0)
                    file.truncate()
                    file.write(text)
                    file.flush()
                    run = amfd("--config", file.name, "--data", "/x", "--print-config")
                    self.assertEqual((run.returncode, run.stderr.count("\n")), (2, 1) if said else (0, 0), run.stderr)
                    self.assertIn(said or "", run.stderr)
            self.assertIn("Is a directory", amfd("--config", "/").stderr)

    def test_a_fresh_account_needs_no_preparation(self):
        with tempfile.TemporaryDirectory() as home:
            env = {"HOME": home, "AMFD_LISTEN": "127.0.0.1:0"}
            process = subprocess.Popen([AMFD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       env={k: v for k, v in {**os.environ, **env}.items() if k != "XDG_DATA_HOME"})
            self.assertIn("listening on", process.stdout.readline())
            process.terminate()
            process.stdout.close()
            self.assertEqual(process.wait(30), 0)
            self.assertTrue(os.path.exists(os.path.join(home, ".local/share/amf/admin.token")))

    def test_two_daemons_on_one_directory(self):
        daemon = Daemon()
        try:
            second = amfd("--data", os.path.join(daemon.data, "d"), "--listen", "127.0.0.1:0")
            self.assertEqual((second.returncode, second.stdout, second.stderr.count("\n")), (1, "", 1))
        finally:
            daemon.close()

    def test_a_directory_of_something_else_is_left_alone(self):
        with tempfile.TemporaryDirectory() as data:
            path = os.path.join(data, "amf.db")
            with open(path, "w", encoding="ascii") as file:
                file.write("not a database, but somebody's notes\n" * 100)
            run = amfd("--data", data, "--listen", "127.0.0.1:0")
            self.assertEqual((run.returncode, run.stdout), (1, ""))
            with open(path, encoding="ascii") as file:
                self.assertTrue(file.read().startswith("not a database"))

    def test_a_term_signal_drains_and_exits_0(self):
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p"})
            self.assertTrue(os.path.exists(os.path.join(daemon.data, "d", "listening")))
            self.assertEqual(daemon.stop(), 0)
            self.assertFalse(os.path.exists(os.path.join(daemon.data, "d", "listening")))
        finally:
            daemon.close()

    def test_a_term_signal_to_any_thread_drains(self):
        for own_choice in (True, False):  # with and without the start that picks BLAS kernels
            env = os.environ if own_choice else {**os.environ, "OPENBLAS_CORETYPE": "PRESCOTT"}
            with tempfile.TemporaryDirectory() as data:
                process = subprocess.Popen([AMFD, "--data", f"{data}/d", "--listen", "127.0.0.1:0"], text=True,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
                self.assertIn("listening on", process.stdout.readline())
                others = [int(t) for t in os.listdir(f"/proc/{process.pid}/task") if int(t) != process.pid]
                self.assertTrue(others)
                for thread in others:
                    ctypes.CDLL(None).tgkill(process.pid, thread, signal.SIGTERM)
                process.stdout.close()
                self.assertEqual(process.wait(30), 0)

    def test_a_long_ranking_does_not_hold_up_the_end(self):
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p", "criterion": {"max_steps": 1024}})
            for task in "abcde":
                daemon.ok("PUT", f"/v1/projects/p/tasks/{task}", {})
            for i in range(12):
                daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("abcde"[i % 5], i, steps=1024))
            self.assertEqual(daemon.stop(), 0)  # waits 30 s at most, the ranking takes minutes
        finally:
            daemon.close()

    def test_who_waits_for_a_ranking_is_answered_at_the_end(self):
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p", "criterion": {"max_steps": 1024}})
            for task in "abcde":
                daemon.ok("PUT", f"/v1/projects/p/tasks/{task}", {})
            for i in range(12):
                daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("abcde"[i % 5], i, steps=1024))
            connection = http.client.HTTPConnection(daemon.address, timeout=60)
            connection.request("GET", "/v1/projects/p/ranking?wait_s=30",
                               headers={"Authorization": f"Bearer {daemon.token}"})
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(connection.getresponse().status, 200)  # it was cut off after 10 s
            connection.close()
        finally:
            daemon.close()

    def test_a_token_others_can_read_is_refused(self):
        daemon = Daemon()
        try:
            daemon.stop()
            os.chmod(os.path.join(daemon.data, "d", "admin.token"), 0o644)
            run = amfd("--data", os.path.join(daemon.data, "d"), "--listen", "127.0.0.1:0")
            self.assertEqual(run.returncode, 1)
            self.assertIn("chmod 600", run.stderr)
        finally:
            daemon.close()


class Durable(unittest.TestCase):
    def test_what_was_acknowledged_is_there_after_a_kill(self):
        daemon = Daemon()
        try:
            daemon.ok("POST", "/v1/projects", {"id": "p"})
            daemon.ok("PUT", "/v1/projects/p/tasks/a", {})
            stored = [daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("a", i)) for i in range(20)]
            whole = [daemon.ok("GET", f"/v1/projects/p/demonstrations/{s['id']}") for s in stored]
            daemon.kill()
            daemon.start()
            self.assertEqual([daemon.ok("GET", f"/v1/projects/p/demonstrations/{s['id']}") for s in stored], whole)
        finally:
            daemon.close()


if __name__ == "__main__":
    tap.main()
