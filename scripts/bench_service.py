#!/usr/bin/env python3
"""rank_service: how long after a demonstration the daemon has a new ranking. Run it by scripts/bench.

The Franka project as the daemon runs it, with defaults: 225 demonstrations of five tasks. The first come without
waiting, the last ROUNDS one by one. Measured by the client: from the answer that stored the demonstration to the
answer that brings the ranking which has seen it. Beside it what the daemon says it computed, and the ranking that a
restart makes from nothing. One JSON object a line, the machine first.
"""
import json
import pathlib
import platform
import statistics
import sys
import time

from demo_client import Client, Daemon, DemoError, Episodes

DEMONSTRATIONS, ROUNDS = 225, 20
ROOT = pathlib.Path(__file__).resolve().parents[1]


def machine(version):
    processor = platform.processor() or "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else processor
    return {"machine": f"{cpu}, {len(names)} cores, {version['blas_core']}", "cpu": cpu, "cores": len(names),
            "blas_core": version["blas_core"], "system": platform.platform()}


def upload(client, tensors):
    client.request("POST", f"{client.project}/demonstrations", tensors, "application/vnd.safetensors")


def peak_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def ranked(client):
    """(seconds waited, seconds computed) for the ranking of all that is stored."""
    stored = time.perf_counter()
    ranking = client.get(f"{client.project}/ranking?wait_s=30")
    if ranking["age_s"] != 0:
        raise DemoError("no ranking after 30 s")
    return time.perf_counter() - stored, ranking["timing"]["total_s"]


def fill(client, episodes):
    """All but the last ROUNDS; the tasks in turn."""
    client.send("POST", "/v1/projects", {"id": "bench"})
    tasks = [task["key"] for task in episodes.tasks]
    for task in episodes.tasks:
        client.send("PUT", f"{client.project}/tasks/{task['key']}", {"instruction": task["instruction"]})
    for number in range(DEMONSTRATIONS - ROUNDS):
        upload(client, episodes.take(tasks[number % len(tasks)]))
    return tasks


def measure(client, episodes):
    tasks = fill(client, episodes)
    ranked(client)
    for number in range(DEMONSTRATIONS - ROUNDS, DEMONSTRATIONS):
        upload(client, episodes.take(tasks[number % len(tasks)]))
        yield ranked(client)


def cold(client):
    """A changed setting makes the engine forget."""
    client.send("PATCH", client.project, {"noise_std": 0.11})
    return ranked(client)


def line(figure, value, ceiling, ceiling_value, asked, peak, name):
    print(json.dumps({"name": "rank_service", "figure": figure, "value": round(value, 4), "unit": "s",
                      "ceiling": ceiling, "ceiling_value": round(ceiling_value, 4),
                      "ratio": round(value / ceiling_value, 2), "asked": asked,
                      "met": None if asked is None else value <= asked, "peak_mib": round(peak), "machine": name}),
          flush=True)


def main():
    try:
        with Daemon(sys.argv[1]) as daemon:
            client = Client(daemon.url, daemon.token, "bench")
            here = machine(client.get("/version"))
            print(json.dumps({"name": "machine", **here}), flush=True)
            waited, computed = zip(*measure(client, Episodes(ROOT / "data/lila_franka")))
            peak = peak_mib(daemon)
            again = cold(client)
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")
    words = "computed by the daemon"
    line("event_to_ranking_median", statistics.median(waited), words, statistics.median(computed), 0.1, peak,
         here["machine"])
    line("event_to_ranking_max", max(waited), words, max(computed), None, peak, here["machine"])
    line("from_nothing", again[0], words, again[1], None, peak, here["machine"])


if __name__ == "__main__":
    main()
