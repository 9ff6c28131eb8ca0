#!/usr/bin/env python3
"""ingest_json, ingest_tensor, recover: what storing demonstrations costs. Run them by scripts/bench.

ingest: 8 clients on the same cores post demonstrations to a daemon, each answer after its commit. The ceiling is what
cannot be left out, measured in the same run on the same cores: jansson parsing those bodies on two threads, and then
SQLite alone committing the very rows the daemon wrote, 8 a transaction.

recover: a daemon that holds 100,000 demonstrations of 16 steps is killed (SIGKILL) and started again: time to a 200 of
/readyz, which waits for the store and not for rankings. Beside it memory a held demonstration and an idle connection.

One JSON object a line, the machine first.
"""
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from bench_service import machine
from demo_client import Client, Daemon, DemoError

CLIENTS, TASK = 8, "a"
INGEST = {  # benchmark: (kind of body, how many, its size in words)
    "ingest_json": (("json_64k", 3000, "64 KiB"),),
    "ingest_tensor": (("tensors_64k", 6000, "64 KiB"), ("tensors_1m", 500, "1 MiB")),
}
HELD, IDLE = 100_000, 400


def run(program, *words):
    done = subprocess.run([program, *map(str, words)], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise DemoError(f"{program.name} ended with status {done.returncode}")
    return json.loads(done.stdout)


def line(name, figure, value, unit, ceiling=None, ceiling_value=None, asked=None, met=None, **more):
    """Only figures with a ceiling have a ratio; `asked` may be a share of the ceiling."""
    print(json.dumps({"name": name, "figure": figure, "value": round(value, 4), "unit": unit, "ceiling": ceiling,
                      "ceiling_value": ceiling_value and round(ceiling_value, 4),
                      "ratio": ceiling_value and round(value / ceiling_value, 2),
                      "asked": asked, "met": met, **more}), flush=True)


def status_mib(daemon, field):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as lines:
        return next(int(text.split()[1]) / 1024 for text in lines if text.startswith(field + ":"))


def prepare(daemon, project):
    client = Client(daemon.url, daemon.token, project)
    client.send("POST", "/v1/projects", {"id": project})
    client.send("PUT", f"{client.project}/tasks/{TASK}", {})
    return client


def load(programs, daemon, project, kind, count):
    return run(programs / "tests/bench/bench_load", daemon.url, daemon.token, project, TASK, kind, count, CLIENTS)


def ingest(programs, name, kind, count, size):
    with Daemon(programs / "server/amfd") as daemon:
        client = prepare(daemon, name)
        print(json.dumps({"name": "machine", **machine(client.get("/version"))}), flush=True)
        load(programs, daemon, name, kind, count // 20)  # one project: numbers repeat, so these are stored already
        client.send("POST", "/v1/projects", {"id": f"{name}-measured"})
        client.send("PUT", f"/v1/projects/{name}-measured/tasks/{TASK}", {})
        took = load(programs, daemon, f"{name}-measured", kind, count)
        peak = status_mib(daemon, "VmHWM")
        daemon.stop()
        alone = run(programs / "tests/bench/bench_store", daemon.data_path / "amf.db", kind, count, CLIENTS)
    ceiling_s = alone["parse_s"] + alone["sqlite_s"]
    words = "SQLite alone, the same rows, 8 a transaction"
    if alone["parse_s"]:
        words = "jansson parsing, and " + words
    rate, ceiling = count / took["seconds"], count / ceiling_s
    line(name, size, rate, "demonstrations/s", words, ceiling, asked=round(0.6 * ceiling, 1), met=rate >= 0.6 * ceiling,
         p99_ms=took["p99_ms"], peak_mib=round(peak))


def ready(daemon):
    """Seconds from now to a 200 of /readyz."""
    start = time.perf_counter()
    daemon.start()
    while True:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(daemon.url + "/readyz") as answer:
                if answer.status == 200:
                    return time.perf_counter() - start
        except urllib.error.HTTPError:
            time.sleep(0.001)


def memory(daemon):
    """MiB once rankings have come to rest."""
    before, now = None, status_mib(daemon, "VmRSS")
    while before != now:
        time.sleep(1)
        before, now = now, status_mib(daemon, "VmRSS")
    return now


def idle_connections(daemon):
    """KiB each, of connections that were used once and kept."""
    address = urllib.parse.urlsplit(daemon.url)
    before, sockets = status_mib(daemon, "VmRSS"), []
    try:
        for _ in range(IDLE):
            sockets.append(socket.create_connection((address.hostname, address.port)))
            sockets[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            sockets[-1].recv(4096)
        return (status_mib(daemon, "VmRSS") - before) * 1024 / IDLE
    finally:
        for connection in sockets:
            connection.close()


def recover(programs):
    with Daemon(programs / "server/amfd") as daemon:
        client = prepare(daemon, "recover")
        print(json.dumps({"name": "machine", **machine(client.get("/version"))}), flush=True)
        empty = memory(daemon)
        took = load(programs, daemon, "recover", "json_16", HELD)
        daemon.kill()
        seconds = ready(daemon)
        held = memory(daemon)
        connection = idle_connections(daemon)
    line("recover", "kill_to_ready", seconds, "s", asked=2, met=seconds <= 2, demonstrations=HELD,
         stored_per_s=round(HELD / took["seconds"]))
    line("recover", "held_demonstration", (held - empty) * 1024 / HELD, "KiB", "its 16 x 14 doubles", 1.75)
    line("recover", "idle_connection", connection, "KiB")


def main():
    programs, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    try:
        if name == "recover":
            recover(programs)
        for kind, count, size in INGEST.get(name, ()):
            ingest(programs, name, kind, count, size)
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")


if __name__ == "__main__":
    main()
