#!/usr/bin/env python3
"""ask, poll, ask_under_ingest, rank_lag: what asking costs. Run them by scripts/bench.

All but rank_lag on the Franka project (225 demonstrations of five tasks), clients on the same cores as the daemon.

ask: 64 operators ask and give back, in turn. The ceiling is SQLite alone committing the very rows that the daemon
wrote for them, 64 a transaction.
poll: an operator's open assignment asked for again, and the ranking read. The ceiling is a bare libmicrohttpd, in its
fastest mode, that answers the same bytes to the same client.
ask_under_ingest: 8 operators ask and give back while 8 clients upload 1 MiB tensors to another project.
rank_lag: from the answer that stored a demonstration to the answer that brings the ranking which has seen it, in a
project of the paper's scale (12 tasks, 50 demonstrations of 5 steps); rank_service has the Franka project's.

One JSON object a line, the machine first.
"""
import contextlib
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading

from bench_ingest import line, load, prepare, run
from bench_service import ROOT, fill, machine, ranked
from demo_client import Client, Daemon, DemoError, Episodes

ASKERS, PAIRS = 64, 20_000
POLLERS, POLLS = 32, 100_000
SHARE = {"ask": 0.6, "poll": 0.5}  # of the ceiling, asked
UPLOADS = 400
PAPER_TASKS, PAPER_DEMONSTRATIONS, LAG_ROUNDS = 12, 50, 20


@contextlib.contextmanager
def franka(programs):
    """A daemon with the project, and its ranking up to date."""
    with Daemon(programs / "server/amfd") as daemon:
        client = Client(daemon.url, daemon.token, "bench")
        print(json.dumps({"name": "machine", **machine(client.get("/version"))}), flush=True)
        fill(client, Episodes(ROOT / "data/lila_franka"))
        client.get(f"{client.project}/ranking?wait_s=30")
        yield daemon, client


def asks(programs, daemon, clients, pairs):
    return run(programs / "tests/bench/bench_ask", daemon.url, daemon.token, "bench", clients, pairs)


def ask(programs):
    with franka(programs) as (daemon, _):
        asks(programs, daemon, ASKERS, PAIRS // 20)
        took = asks(programs, daemon, ASKERS, PAIRS)
        daemon.stop()
        alone = run(programs / "tests/bench/bench_store", daemon.data_path / "amf.db", "-", 2 * PAIRS, ASKERS)
    ceiling = PAIRS / alone["sqlite_s"]
    share = SHARE["ask"]
    line("ask", "pairs", took["per_s"], "asks and releases/s", f"SQLite alone, the same rows, {ASKERS} a transaction",
         ceiling, asked=round(share * ceiling, 1), met=took["per_s"] >= share * ceiling, row_bytes=alone["body_bytes"])
    line("ask", "p99", took["p99_ms"], "ms", asked=25, met=took["p99_ms"] <= 25, median_ms=took["median_ms"],
         share_that_saw_everything=took["fresh"])


def poll_bare(programs, answer, words):
    """What a bare server makes of the same requests."""
    bare = subprocess.Popen([programs / "tests/bench/bench_bare", answer], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    try:
        return run(programs / "tests/bench/bench_poll", bare.stdout.readline().decode().strip(), *words)
    finally:
        bare.communicate()


def poll(programs):
    with franka(programs) as (daemon, client), tempfile.TemporaryDirectory() as folder:
        client.send("POST", f"{client.project}/assignments", {"operator": "anna"})
        client.get(f"{client.project}/ranking?wait_s=30")
        for figure, method, path, body in (("assignment", "POST", "/assignments", '{"operator": "anna"}'),
                                           ("ranking", "GET", "/ranking", "")):
            answer = pathlib.Path(folder) / figure
            words = (daemon.token, method, client.project + path, body, POLLERS, POLLS, answer)
            took = run(programs / "tests/bench/bench_poll", daemon.url, *words)
            bare = poll_bare(programs, answer, words)
            asked = SHARE["poll"] * bare["per_s"]
            line("poll", figure, took["per_s"], "answers/s", "bare libmicrohttpd, epoll, 2 threads, the same bytes",
                 bare["per_s"], asked=round(asked, 1), met=took["per_s"] >= asked, p99_ms=took["p99_ms"])


def ask_under_ingest(programs):
    with franka(programs) as (daemon, _):
        prepare(daemon, "uploads")
        taken = {}
        uploads = threading.Thread(
            target=lambda: taken.update(load(programs, daemon, "uploads", "tensors_1m", UPLOADS)))
        uploads.start()
        rounds = []
        while uploads.is_alive():
            rounds.append(asks(programs, daemon, 8, 200))
        uploads.join()
        if not taken or len(rounds) < 2:
            raise DemoError("the uploads ended before there was anything to measure")
    during = rounds[:-1]  # the last one may have outlived the uploads
    worst = max(took["p99_ms"] for took in during)
    line("ask_under_ingest", "p99", worst, "ms", asked=50, met=worst <= 50, rounds=len(during),
         median_ms=sorted(took["median_ms"] for took in during)[len(during) // 2],
         uploads_per_s=round(UPLOADS / taken["seconds"]))


def paper_demonstration(task, number):
    """Five steps of two states and two actions."""
    steps = [(math.sin(number + step), math.cos(3 * number + step)) for step in range(5)]
    return {"task": f"task-{task:02}", "states": steps, "actions": [[y, -x] for x, y in steps]}


def rank_lag(programs):
    waited, computed = [], []
    with Daemon(programs / "server/amfd") as daemon:
        client = Client(daemon.url, daemon.token, "paper")
        print(json.dumps({"name": "machine", **machine(client.get("/version"))}), flush=True)
        client.send("POST", "/v1/projects", {"id": "paper"})
        for task in range(PAPER_TASKS):
            client.send("PUT", f"{client.project}/tasks/task-{task:02}", {})
        for number in range(PAPER_DEMONSTRATIONS):
            client.send("POST", f"{client.project}/demonstrations", paper_demonstration(number % PAPER_TASKS, number))
            if number >= PAPER_DEMONSTRATIONS - LAG_ROUNDS:
                seconds, own = ranked(client)
                waited.append(seconds)
                computed.append(own)
    for figure, of in (("paper_median", statistics.median), ("paper_worst", max)):
        line("rank_lag", figure, 1e3 * of(waited), "ms", "computed by the daemon", 1e3 * of(computed), asked=20,
             met=1e3 * of(waited) <= 20)


def main():
    programs, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    try:
        {"ask": ask, "poll": poll, "ask_under_ingest": ask_under_ingest, "rank_lag": rank_lag}[name](programs)
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")


if __name__ == "__main__":
    main()
