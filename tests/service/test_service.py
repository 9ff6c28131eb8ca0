"""amfd as a service: what `meson install` puts where, the unit file, the daemon in its sandbox, its talk with the manager."""
import ctypes.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import tap
from certificates import Authority
from daemon import AMFD, BUILD, Daemon, trajectory

# One that another user may run, too.
PYTHON = shutil.which("python3", path="/usr/bin") or sys.executable
SANDBOX = os.path.join(HERE, "sandbox.py")
EXPOSURE_MAX = 15  # tenths, as systemd-analyze counts: 0 nothing is reached, 100 everything


def run(*arguments, **more):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, **more)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="amf-install-")
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": cls.root})
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        cls.files = {os.path.relpath(os.path.join(folder, name), cls.root)
                     for folder, _, names in os.walk(cls.root) for name in names}
        unit = next(file for file in cls.files if file.endswith("amfd.service"))
        cls.unit = os.path.join(cls.root, unit)
        cls.prefix = unit.split("/lib/systemd/")[0]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def test_programs_unit_and_documents_are_there(self):
        wanted = {f"bin/{name}" for name in ("amf", "amfd")} | {"lib/systemd/system/amfd.service"} | {
            f"share/doc/amf/{name}" for name in ("LICENSE", "CHANGELOG.md", "openapi.yaml", "operations.md", "security.md", "cli.md")}
        self.assertEqual({f"{self.prefix}/{file}" for file in wanted} - self.files, set())
        self.assertEqual([file for file in self.files if "test" in file or file.endswith((".a", ".h"))], [])

    def test_installed_programs_run_and_the_unit_names_them(self):
        for name in ("amfd", "amf"):
            said = run(os.path.join(self.root, self.prefix, "bin", name), "--version")
            self.assertEqual((said.returncode, said.stdout.split()[0]), (0, name))
        with open(self.unit, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(f"ExecStart=/{self.prefix}/bin/amfd\n", text)
        self.assertIn(f"Documentation=file:///{self.prefix}/share/doc/amf/operations.md\n", text)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here: the Debian package systemd")
    def test_systemd_takes_the_unit_and_finds_it_closed(self):
        with tempfile.TemporaryDirectory() as folder:
            here = os.path.join(folder, "amfd.service")  # its program exists under this name only where it is installed
            with open(self.unit, encoding="utf-8") as file, open(here, "w", encoding="utf-8") as copy:
                copy.write(file.read().replace(f"/{self.prefix}/bin/amfd", AMFD))
            verified = run("systemd-analyze", "verify", "--man=no", here)
            self.assertEqual((verified.returncode, verified.stdout + verified.stderr), (0, ""))  # an unknown key only warns
            security = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", here)
            self.assertEqual(security.returncode, 0, security.stdout[-400:])
            with open(here, "a", encoding="utf-8") as copy:
                copy.write("[Service]\nProtectEverything=yes\n")
            self.assertIn("Unknown", run("systemd-analyze", "verify", "--man=no", here).stderr)


class Image(unittest.TestCase):
    """scripts/image builds and tries it; this much is seen without building."""

    def test_the_build_stage_installs_what_building_needs(self):
        root = os.path.join(HERE, "..", "..")
        with open(os.path.join(root, "scripts/lib.sh"), encoding="utf-8") as file:
            needed = re.search(r"^BUILD_PACKAGES=\((.*?)\)", file.read(), re.M | re.S)[1].split()
        with open(os.path.join(root, "docker/Dockerfile"), encoding="utf-8") as file:
            stage = file.read().split("\nFROM ")[1]
        self.assertGreater(len(needed), 10)
        self.assertEqual(set(needed) - set(stage.split()), set())


@unittest.skipUnless(shutil.which("systemd-analyze") and ctypes.util.find_library("seccomp"),
                     "systemd-analyze or libseccomp is not here: the Debian packages systemd and libseccomp2")
class Sandboxed(unittest.TestCase):
    """The daemon under the system call filter of its unit, as another user, with all that it does."""

    def setUp(self):
        # not in TMPDIR, which may be closed to another user
        self.folder = tempfile.mkdtemp(prefix="amf-service-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.unit = os.path.join(self.folder, "amfd.service")
        # Where another user may read them, wherever the build is.
        for file in (AMFD, SANDBOX, os.path.join(BUILD, "server", "amfd.service")):
            shutil.copy(file, self.folder)
        self.authority = Authority(self.folder)
        self.certificate, self.key = self.authority.sign()
        os.chmod(self.folder, 0o711)

    def command(self, *program):
        return [PYTHON, os.path.join(self.folder, "sandbox.py"), self.unit, *program]

    def test_the_sandbox_refuses(self):
        forbidden = ("import mmap, os\n"
                     "for attempt in (lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),\n"
                     "                lambda: os.chown('/proc/self/fd/1', -1, -1), lambda: os.chroot('/')):\n"
                     "    try: attempt(); print('allowed')\n"
                     "    except PermissionError: print('refused')\n")
        self.assertEqual(run(*self.command(PYTHON, "-c", forbidden)).stdout.split(), ["refused"] * 3)

    def test_the_daemon_does_all_its_work_inside(self):
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        if os.getuid() == 0:
            for path in (data, self.certificate, self.key):
                shutil.chown(path, 65534, 65534)
        wrapper = os.path.join(self.folder, "wrapped")
        with open(wrapper, "w", encoding="utf-8") as file:
            command = " ".join(f"'{word}'" for word in self.command(os.path.join(self.folder, "amfd")))
            file.write(f'#!/bin/sh\nexec {command} "$@"\n')
        os.chmod(wrapper, 0o755)
        daemon = Daemon(data=data, program=wrapper, tls=self.authority.context(), options=["--tls-cert", self.certificate, "--tls-key", self.key])
        self.addCleanup(daemon.close)
        if os.getuid() == 0:
            self.assertEqual(os.stat(f"/proc/{daemon.process.pid}").st_uid, 65534)
        daemon.ok("POST", "/v1/projects", {"id": "p", "fit_after": 3, "kernel": {"state_scale": "marginal_likelihood"}})
        daemon.ok("PUT", "/v1/projects/p/tasks/a", {})
        for seed in range(4):
            daemon.ok("POST", "/v1/projects/p/demonstrations", trajectory("a", seed))
        daemon.ok("POST", "/v1/projects/p/refit")
        self.assertEqual(daemon.ok("GET", "/v1/projects/p/ranking?wait_s=30")["choice"], "a")
        exported = daemon.request("GET", "/v1/projects/p/export")
        imported = daemon.request("POST", "/v1/projects/q/import", exported.body, {"Content-Type": "application/octet-stream"})
        self.assertEqual(imported.status, 201)
        self.assertEqual(daemon.request("GET", "/v1/backup").status, 200)
        self.assertGreater(daemon.ok("GET", "/v1/status")["data"]["free_bytes"], 0)
        self.assertEqual(daemon.kill(), -9)
        daemon.start()
        self.assertEqual(daemon.stop(), 0)


class Manager(unittest.TestCase):
    def listen(self, name):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.settimeout(60)
        manager.bind(name)
        return manager

    def test_the_manager_hears_when_it_is_ready_and_when_it_stops(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, address in ((f"{folder}/notify", f"{folder}/notify"), (f"@amf-{os.getpid()}", f"\0amf-{os.getpid()}")):
                manager = self.listen(address)
                daemon = Daemon(environment={"NOTIFY_SOCKET": name})
                self.addCleanup(daemon.close)
                self.assertIn(b"READY=1", manager.recv(4096).splitlines())
                self.assertEqual(daemon.stop(), 0)
                self.assertIn(b"STOPPING=1", manager.recv(4096).splitlines())

    def test_a_manager_that_is_not_there_is_no_trouble(self):
        for name in ("/no/such/socket", "relative", "", "@", "/" + "x" * 200):
            daemon = Daemon(environment={"NOTIFY_SOCKET": name})
            self.assertEqual(daemon.stop(), 0)
            daemon.close()


if __name__ == "__main__":
    tap.main()
