#!/usr/bin/env python3
"""network_selection, network_hosted: rankings by a policy network, through the daemon. Run them by scripts/bench.

24 demonstrations of 50 steps, 4 tasks, h of 256, 4 actions; the measure is the variance, nothing is sampled or thinned.

network_selection: features uploaded; the daemon ranks from nothing (a changed noise makes it forget), and the
same selection is made by tests/bench/numpy_selection.py in this process: with one thread on either side, then with as
many as the machine has. `value` is what the daemon says it computed, `waited` what a client waited for, from the change
to the ranking. Gains have to agree to 1e-9.

network_hosted: a revision of kind mlp (2 x 256, layer norm) is activated: until its ranking is there.

One JSON object a line, the machine first. Needs python3-numpy; NumPy gets the BLAS kernels that the daemon chose.
"""
import json
import os
import pathlib
import struct
import sys
import time

from bench_ingest import line
from bench_service import ROOT, machine
from demo_client import Client, Daemon, DemoError

DEMONSTRATIONS, TASKS, STEPS, STATES, ACTIONS, HIDDEN, VECTOR = 24, 4, 50, 39, 4, 256, 8
NOISES, TIMES = (2.0, 2.5), 4
TENSORS = "application/vnd.safetensors"
WHOLE = {"max_steps": STEPS, "weight_floor": 0, "blocks_per_task": 1000, "test_pair_limit": 1000000, "measure": "variance"}
FIGURES = (("none", "own_task"), ("none", "uniform"), ("all", "own_task"), ("all", "uniform"))


def safetensors(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        part = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Problem:
    """Smooth paths, and the last layer of a random network at every state under every task."""

    def __init__(self, np):
        self.np, self.random = np, np.random.default_rng(7)
        draw = lambda *shape: self.random.standard_normal(shape).astype("<f4")
        self.keys = [f"task-{task}" for task in range(TASKS)]
        self.vectors = draw(TASKS, VECTOR)
        self.own = np.arange(DEMONSTRATIONS) % TASKS
        self.states = np.cumsum(0.1 * draw(DEMONSTRATIONS, STEPS, STATES), axis=1, dtype="<f4")
        self.actions = draw(DEMONSTRATIONS, STEPS, ACTIONS)
        inputs = np.concatenate([np.repeat(self.states[:, None], TASKS, 1), np.broadcast_to(
            self.vectors[None, :, None], (DEMONSTRATIONS, TASKS, STEPS, VECTOR))], axis=-1)
        self.h = np.maximum(inputs @ draw(STATES + VECTOR, HIDDEN) / 4, 0).astype("<f4")
        self.mean = (self.h @ draw(HIDDEN, ACTIONS) / 16).astype("<f4")

    def prepare(self, client, kind):
        client.send("POST", "/v1/projects", {
            "id": client.project.rsplit("/", 1)[1], "policy": {"kind": kind}, "kernel": {"kind": "factored"},
            "standardize": False, "noise_std": NOISES[0], "selection": {"warm_start": 0}, "criterion": WHOLE})
        for key, vector in zip(self.keys, self.vectors):
            client.send("PUT", f"{client.project}/tasks/{key}", {"vector": vector.tolist()})
        return [client.request("POST", f"{client.project}/demonstrations", safetensors(
            {"states": self.states[i], "actions": self.actions[i]}, {"task": self.keys[self.own[i]]}), TENSORS)["id"]
                for i in range(DEMONSTRATIONS)]

    def upload(self, client):
        ids = self.prepare(client, "external")
        client.send("PUT", f"{client.project}/policies/r", {})
        for i, key in enumerate(ids):
            client.request("PUT", f"{client.project}/policies/r/features/{key}", safetensors(
                {"h": self.h[i], "mean": self.mean[i]}, {"tasks": json.dumps(self.keys)}), TENSORS)
        client.request("POST", f"{client.project}/policies/r/activate")

    def by_hand(self, conditioning, weights, noise):
        from numpy_selection import select
        np, h = self.np, self.h.astype(float)
        g = self.mean.astype(float) - self.actions.astype(float)[:, None]
        own = np.equal.outer(self.own, np.arange(TASKS)).astype(float)
        weigh = np.ones_like(own) if weights == "uniform" else own * DEMONSTRATIONS / own.sum(0)
        start = time.perf_counter()
        gains = select(h, g, self.own, noise, weigh, conditioning == "all")
        return time.perf_counter() - start, gains

    def network(self):
        draw = lambda *shape: self.random.standard_normal(shape) / shape[-1]**0.5
        layers, tensors, width = [], {}, STATES + VECTOR
        for k in range(2):
            tensors[f"{k}.w"] = draw(HIDDEN, width)
            tensors[f"{k}.norm"] = 1 + draw(HIDDEN)
            layers += [{"op": "linear", "weight": f"{k}.w", "bias": None},
                       {"op": "layer_norm", "weight": f"{k}.norm", "bias": None}, {"op": "relu"}]
            width = HIDDEN
        layers.append({"op": "linear", "weight": "out.w", "bias": None})
        return safetensors({**tensors, "out.w": draw(ACTIONS, HIDDEN)}, {"kind": "mlp", "layers": json.dumps(layers)})


def settle(daemon):
    """The daemon works picks out ahead once a ranking is there; nothing is measured beside that."""
    used = None
    while True:
        words = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        if used == words[11:13]:  # its processor time
            return
        used = words[11:13]
        time.sleep(0.1)


def ranked(daemon, client, change):
    """(seconds waited, ranking) from a change on."""
    settle(daemon)
    start = time.perf_counter()
    change()
    ranking = client.get(f"{client.project}/ranking?wait_s=30")
    waited = time.perf_counter() - start
    settle(daemon)
    if ranking["age_s"] != 0 or ranking["rule"] != "criterion":
        raise DemoError(f"no ranking after 30 s: {ranking['note']}")
    return waited, ranking


def compare(np, ranking, problem, gains):
    found = {candidate["task"]: candidate["gain"] for candidate in ranking["candidates"]}
    difference = max(abs(found[key] / gain - 1) for key, gain in zip(problem.keys, gains))
    if not difference <= 1e-9:
        raise DemoError(f"the daemon's gains and NumPy's differ by {difference:.1e}: {found}, {gains.tolist()}")
    return float(difference)


def selection(np, daemon, client, problem, threads):
    for conditioning, weights in FIGURES:
        client.send("PATCH", client.project, {"criterion": {"conditioning": conditioning, "weights": weights}})
        ranked(daemon, client, lambda: None)
        best = waited = hand = float("inf")
        difference = 0
        for k in range(TIMES + 1):
            noise = NOISES[1 - k % 2]
            took, ranking = ranked(daemon, client, lambda: client.send("PATCH", client.project, {"noise_std": noise}))
            seconds, gains = problem.by_hand(conditioning, weights, noise)
            difference = max(difference, compare(np, ranking, problem, gains))
            best, waited = min(best, ranking["timing"]["total_s"]), min(waited, took)
            hand = min(hand, seconds)
        line("network_selection", f"{conditioning}_{weights}", best, "s", f"NumPy by hand, {threads} threads", hand,
             asked=round(hand / 20, 5), met=best <= hand / 20, times_faster=round(hand / best, 1),
             waited_s=round(waited, 4), differ=difference)


def hosted(daemon, client, problem, threads):
    for weights in ("own_task", "uniform"):
        client.send("PATCH", client.project, {"criterion": {"conditioning": "none", "weights": weights}})
        taken = []
        for k in range(TIMES + 1):
            name = f"{weights}-{k}"
            client.request("PUT", f"{client.project}/policies/{name}", problem.network(), TENSORS)
            taken.append(ranked(daemon, client, lambda: client.request(
                "POST", f"{client.project}/policies/{name}/activate"))[0])
        for figure, value in (("first", taken[0]), ("further", min(taken[1:]))):
            line("network_hosted", f"{weights}_{figure}", value, "s", asked=0.15, met=value <= 0.15, threads=threads)


def measure(name, program, threads):
    import numpy as np
    sys.path.insert(0, str(ROOT / "tests/bench"))
    problem = Problem(np)
    os.environ["AMFD_WORKERS"] = str(threads)
    with Daemon(program) as daemon:
        client = Client(daemon.url, daemon.token, name.replace("_", "-"))
        print(json.dumps({"name": "machine", **machine(client.get("/version")), "threads": threads}), flush=True)
        if name == "network_selection":
            problem.upload(client)
            selection(np, daemon, client, problem, threads)
        else:
            problem.prepare(client, "mlp")
            hosted(daemon, client, problem, threads)


def main():
    program, name, *threads = sys.argv[1:]
    try:
        if threads:
            measure(name, program, int(threads[0]))
            return
        with Daemon(program) as daemon:
            core = Client(daemon.url, daemon.token, "none").get("/version")["blas_core"]
        for count in sorted({1, len(os.sched_getaffinity(0))} if name == "network_selection" else {len(os.sched_getaffinity(0))}):
            environment = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": str(count)}
            words = [sys.executable, __file__, program, name, str(count)]
            if os.spawnve(os.P_WAIT, sys.executable, words, environment):
                sys.exit(1)
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")


if __name__ == "__main__":
    main()
