#!/usr/bin/env python3
"""rank_service: how long after a demonstration the daemon has a new ranking. Run it by scripts/bench.

The Franka project with defaults, as scripts/demo runs it: 16 pre-training demonstrations, then one demonstration a
round. Measured by the client: from the answer that stored the demonstration to the answer that brings the
ranking which has seen it, and the time the daemon says it computed. One JSON object a line.
"""
import json
import pathlib
import platform
import statistics
import sys
import time

from demo_client import Client, Daemon, DemoError, Episodes, with_metadata

ROUNDS = 20
ROOT = pathlib.Path(__file__).resolve().parents[1]


def machine(version):
    processor = platform.processor() or "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {"cpu": names[0] if names else processor, "cores": len(names), "blas_core": version["blas_core"],
            "system": platform.platform()}


def upload(client, tensors):
    client.request("POST", f"{client.project}/demonstrations", tensors, "application/vnd.safetensors")


def measure(client, episodes):
    """(seconds from stored to ranked, seconds of computation) of each round."""
    client.send("POST", "/v1/projects", {"id": "bench"})
    tasks = [task["key"] for task in episodes.tasks]
    for task in episodes.tasks:
        client.send("PUT", f"{client.project}/tasks/{task['key']}", {"instruction": task["instruction"]})
    for task in tasks[:2]:
        for _ in range(8):
            upload(client, with_metadata(episodes.take(task), role="pretraining"))
    client.get(f"{client.project}/ranking?wait_s=30")
    for number in range(ROUNDS):
        upload(client, episodes.take(tasks[number % len(tasks)]))
        stored = time.perf_counter()
        ranking = client.get(f"{client.project}/ranking?wait_s=30")
        if ranking["age_s"] != 0:
            raise DemoError("no ranking after 30 s")
        yield time.perf_counter() - stored, ranking["timing"]["total_s"]


def main():
    try:
        with Daemon(sys.argv[1]) as daemon:
            client = Client(daemon.url, daemon.token, "bench")
            about = machine(client.get("/version"))
            waited, computed = zip(*measure(client, Episodes(ROOT / "data/lila_franka")))
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")
    figures = {
        "event_to_ranking_median": statistics.median(waited), "event_to_ranking_max": max(waited),
        "computed_median": statistics.median(computed), "computed_max": max(computed),
    }
    for figure, value in figures.items():
        print(json.dumps({"name": "rank_service", "figure": figure, "value": round(value, 6), "unit": "s",
                          "rounds": ROUNDS, "machine": about}), flush=True)


if __name__ == "__main__":
    main()
