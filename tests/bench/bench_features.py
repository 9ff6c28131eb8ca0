#!/usr/bin/env python3
"""features: from a network in PyTorch to a ranking. Run it by scripts/bench.

24 demonstrations of 50 steps, 4 tasks, a network of two layers of 256 with layer norm and 4 actions: h (float16) and
predicted actions of every demonstration under every task are evaluated with one thread, uploaded for a revision, and
ranked by the daemon at its defaults. `total` is all of it, from staging the revision to the ranking, demonstrations fetched from
the daemon among it: of a project's first revision, and the median of later ones. The parts are those of the median run.
Ceilings: the bare network on all rows at once; the same files written and synced one by one; what the daemon computed.
One JSON object a line, the machine first.
"""
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "clients" / "python" / "src")]

from bench_ingest import line  # noqa: E402
from bench_service import machine  # noqa: E402
from demo_client import Client, Daemon, DemoError  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

import amf_client  # noqa: E402
import amf_client.torch as amf_torch  # noqa: E402

DEMONSTRATIONS, STEPS, TASKS, STATES, ACTIONS, HIDDEN, REVISIONS = 24, 50, 4, 39, 4, 256, 9
ASKED_S = 1.0


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(STATES + TASKS, HIDDEN), nn.LayerNorm(HIDDEN), nn.ReLU(),
                         nn.Linear(HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, ACTIONS))


def prepare(client):
    project = client.projects.create("net", policy={"kind": "external"}, kernel={"kind": "factored"}, fit_after=8,
                                     selection={"warm_start": 0})
    numbers = np.random.default_rng(0)
    for task in range(TASKS):
        project.tasks.put(f"task-{task}", vector=np.eye(TASKS)[task].tolist())
    for number in range(DEMONSTRATIONS):
        project.demonstrations.add(f"task-{number % TASKS}", numbers.normal(size=(STEPS, STATES)).astype(np.float32),
                                   numbers.normal(size=(STEPS, ACTIONS)).astype(np.float32))
    return project


def one_revision(project, revision, policy):
    """Seconds in all and of each part, bytes, and what the daemon says it computed."""
    start = time.perf_counter()
    project.policies.put(revision)
    sent = amf_torch.upload_features(project, revision, policy, layer="6", progress=None)
    between = time.perf_counter()
    project.policies.activate(revision)
    ranking = project.ranking(wait_s=30)
    end = time.perf_counter()
    if (ranking.revision, ranking.missing_count, ranking.rule) != (revision, 0, "criterion"):
        raise DemoError(f"the ranking is of {ranking.revision}, by {ranking.rule}, {ranking.missing_count} missing")
    return {"total": end - start, "forward": sent.forward_s, "upload": sent.upload_s, "ranking": end - between,
            "fetching": between - start - sent.forward_s - sent.upload_s, "computed": ranking.timing.total_s,
            "bytes": sent.sent_bytes / sent.new}


def bare_network_s(policy):
    rows = torch.randn(DEMONSTRATIONS * TASKS * STEPS, STATES + TASKS)
    with torch.no_grad():
        policy(rows)
        start = time.perf_counter()
        policy(rows)
    return time.perf_counter() - start


def bare_files_s(folder, size):
    """One file a demonstration, each synced before the next."""
    data = os.urandom(size)
    start = time.perf_counter()
    for number in range(DEMONSTRATIONS):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - start


def main():
    torch.set_num_threads(1)
    try:
        with Daemon(pathlib.Path(sys.argv[1]) / "server/amfd") as daemon, tempfile.TemporaryDirectory(dir=daemon.folder) as folder:
            print(json.dumps({"name": "machine", **machine(Client(daemon.url, daemon.token, "net").get("/version")),
                              "torch": torch.__version__}), flush=True)
            with amf_client.Client(daemon.url, daemon.token) as client:
                project, policy = prepare(client), network()
                first, *later = (one_revision(project, f"r{number}", policy) for number in range(REVISIONS))
            middle = sorted(later, key=lambda run: run["total"])[len(later) // 2]
            forward_s, files_s = bare_network_s(policy), bare_files_s(folder, round(middle["bytes"]))
    except (DemoError, amf_client.AmfError) as error:
        sys.exit(f"scripts/bench: {error}")
    line("features", "total_first", first["total"], "s", asked=ASKED_S, met=first["total"] <= ASKED_S)
    total = statistics.median(run["total"] for run in later)
    line("features", "total", total, "s", asked=ASKED_S, met=total <= ASKED_S, worst=max(run["total"] for run in later))
    line("features", "forward", middle["forward"], "s", "the bare network, all rows at once", forward_s)
    line("features", "bytes", middle["bytes"], "bytes a demonstration", "h and actions, bare",
         TASKS * STEPS * (2 * HIDDEN + 4 * ACTIONS))
    line("features", "upload", middle["upload"], "s", "the same files, written and synced one by one", files_s)
    line("features", "fetching", middle["fetching"], "s")
    line("features", "ranking", middle["ranking"], "s", "computed by the daemon", middle["computed"])


if __name__ == "__main__":
    main()
