#!/usr/bin/env python3
"""streams: what 2,000 followers of a project cost, and how soon they know. Run it by scripts/bench.

The followers are idle but for one event every 0.2 s; beside them eight operators ask in another project, whose rule needs
no computing, and release at once. Delivery is from the answer to the change to its arrival at the last stream; beside it
from the sending of the change, so with its commit. The ceiling is one thread that sends as many bytes to as many sockets, in
the same run on the same cores. tests/bench/bench_streams.c measures.
One JSON object a line, the machine first.
"""
import json
import pathlib
import sys
import urllib.parse

from bench_ingest import line, prepare, run
from bench_service import machine
from demo_client import Daemon, DemoError

STREAMS, EVENTS, CLIENTS = 2000, 40, 8


def main():
    programs = pathlib.Path(sys.argv[1])
    try:
        with Daemon(programs / "server/amfd") as daemon:
            prepare(daemon, "idle")
            client = prepare(daemon, "busy")
            print(json.dumps({"name": "machine", **machine(client.get("/version"))}), flush=True)
            client.send("PATCH", client.project, {"selection": {"rule": "round_robin"}})
            found = run(programs / "tests/bench/bench_streams", urllib.parse.urlsplit(daemon.url).port, daemon.token,
                        daemon.process.pid, STREAMS, EVENTS, CLIENTS)
    except DemoError as error:
        sys.exit(f"scripts/bench: {error}")
    line("streams", "memory", found["stream_kib"], "KiB", asked=64, met=found["stream_kib"] <= 64, streams=STREAMS)
    line("streams", "delivery_worst", found["worst_ms"], "ms", f"a bare thread sending to {STREAMS} sockets", found["bare_ms"],
         asked=250, met=found["worst_ms"] <= 250, median_ms=found["median_ms"], with_commit_ms=found["sent_worst_ms"], events=EVENTS)
    line("streams", "ask_p99", found["ask_p99_ms"], "ms", "the same without streams", found["ask_alone_p99_ms"],
         asks_per_s=found["asks_per_s"])


if __name__ == "__main__":
    main()
