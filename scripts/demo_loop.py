#!/usr/bin/env python3
"""The main job on real robot data, as a loop a person can watch. Run it by scripts/demo.

A policy was pre-trained on two of five household tasks. Each round asks the daemon which task to
demonstrate next, "gives" the next recorded episode of that task, and hands it in. Nothing about the
outcome is written here: what is shown is what the daemon answered.
"""
import argparse
import os
import pathlib
import signal
import sys
import time

import demo_view as view
from demo_client import Client, Daemon, DemoError, Episodes, as_json, with_metadata

PROJECT = "franka"
OPERATOR = "demo"
PRETRAINED_TASKS = 2
PRETRAINING_EACH = 8
RANKING_WAIT_S = 10


def parse_arguments():
    root = pathlib.Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Which of five robot tasks should be demonstrated next?")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of ask, demonstrate, complete (20)")
    parser.add_argument("--pace", type=float, metavar="SECONDS", help="pause after each round (0.5 on a terminal, else 0)")
    parser.add_argument("--svg", type=pathlib.Path, default=pathlib.Path("amf-demo.svg"), metavar="PATH", help="where the plot goes (./amf-demo.svg)")
    parser.add_argument("--keep", action="store_true", help="keep the server up at the end without a terminal too, until SIGINT or SIGTERM")
    parser.add_argument("--daemon", default=root / "build/server/amfd", help=argparse.SUPPRESS)
    parser.add_argument("--data", default=root / "data/lila_franka", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not 1 <= arguments.rounds <= 60:
        parser.error("--rounds must be 1 to 60")
    if arguments.pace is not None and not 0 <= arguments.pace <= 60:
        parser.error("--pace must be 0 to 60 seconds")
    return arguments


class Demo:
    def __init__(self, arguments, client, episodes):
        self.arguments, self.client, self.episodes = arguments, client, episodes
        self.style = view.Style(sys.stdout)
        self.pace_s = arguments.pace if arguments.pace is not None else 0.5 * sys.stdout.isatty()
        self.tasks = [task["key"] for task in episodes.tasks]
        self.pretraining = dict.fromkeys(self.tasks[:PRETRAINED_TASKS], PRETRAINING_EACH)
        self.picks = []
        self.entropies = {task: [] for task in self.tasks}

    def say(self, *lines):
        print("\n".join(lines), flush=True)

    def progress(self, done, total, label):
        """A bar that fills on a terminal; one line at the end in a pipe."""
        line = f"   {label}  {view.bar(done, total, view.BAR_COLUMNS)} {done}/{total}"
        if sys.stdout.isatty():
            print(f"\r{line}", end="\n" if done == total else "", flush=True)
        elif done == total:
            self.say(line)

    def register(self):
        self.say(self.style.bold("Project and tasks"))
        # The pre-training comes in task by task: scales frozen after the first five demonstrations would know one task only.
        project = {"id": PROJECT, "title": "Household tasks of a Franka Panda", "fit_after": sum(self.pretraining.values())}
        self.client.send("POST", "/v1/projects", project, "demo-project")
        for task in self.episodes.tasks:
            self.client.send("PUT", f"{self.client.project}/tasks/{task['key']}", {"instruction": task["instruction"]})
            self.say(*view.wrapped(f"{task['key']}:", task["instruction"]))

    def pretrain(self):
        self.say("", self.style.bold("What the policy was pre-trained on: two of the five tasks"))
        total = PRETRAINING_EACH * len(self.pretraining)
        tasks = [task for task, count in self.pretraining.items() for _ in range(count)]
        for done, task in enumerate(tasks, start=1):
            tensors = with_metadata(self.episodes.take(task), role="pretraining")
            self.client.request("POST", f"{self.client.project}/demonstrations", tensors,
                                "application/vnd.safetensors", f"demo-pretraining-{done}")
            self.progress(done, total, "uploading demonstrations")

    def rank(self):
        """The ranking that has seen everything so far; its entropies are remembered."""
        ranking = self.client.get(f"{self.client.project}/ranking?wait_s={RANKING_WAIT_S}")
        found = {candidate["task"]: candidate["posterior_entropy"] for candidate in ranking["candidates"]}
        for task, values in self.entropies.items():
            values.append(found.get(task))
        return ranking

    def ask(self, number):
        answer = self.client.send("POST", f"{self.client.project}/assignments", {"operator": OPERATOR}, f"demo-ask-{number}")
        if not answer["assignments"]:
            raise DemoError(f"the server names no task: {answer['reason']}")
        return answer["assignments"][0]

    def complete(self, number, assignment):
        body = {"fence": assignment["fence"], "demonstration": as_json(self.episodes.take(assignment["task"]))}
        answer = self.client.send("POST", f"{self.client.project}/assignments/{assignment['id']}/complete", body, f"demo-complete-{number}")
        if not answer["credited"]:
            raise DemoError(f"the demonstration was not credited: {answer['reason']}")
        return answer["demonstration"]

    def round(self, number):
        ranking = self.rank()
        assignment = self.ask(number)
        task = assignment["task"]
        scored = f"ranked in {1000 * ranking['timing']['total_s']:.0f} ms"
        provisional = ", scales still provisional" if ranking["provisional"] else ""
        self.say("", self.style.bold(f"Round {number} of {self.arguments.rounds}: {task}") + self.style.dim(f"   {scored}{provisional}"))
        self.say(*view.wrapped("why:", assignment["why"]))
        self.say(*view.ranking_table(ranking, self.pretraining, task, self.style))
        stored = self.complete(number, assignment)
        self.say(self.style.dim(f"   the next recorded episode of {task} was handed in: {stored['steps']} steps"))
        self.picks.append(task)
        time.sleep(self.pace_s)

    def counts(self):
        """As the server counts them, not as this script believes."""
        listed = self.client.get(f"{self.client.project}/tasks")["tasks"]
        return {task["key"]: {"new": task["demonstrations"], "pretraining": task["pretraining_demonstrations"]} for task in listed}

    def summary(self):
        ranking = self.rank()
        unseen = [task for task in self.tasks if task not in self.pretraining]
        hits = sum(pick in unseen for pick in self.picks)
        self.say("", self.style.bold("Demonstrations per task"), *view.totals_table(self.tasks, self.counts(), self.style))
        self.say("", self.style.bold("Posterior entropy per task, nats a demonstration"),
                 *view.entropy_text(self.entropies, self.picks, self.style))
        drawing = view.entropy_svg(self.entropies, self.picks, "nats a demonstration, expected")
        if drawing:
            self.arguments.svg.write_text(drawing, encoding="utf-8")
            self.say(f"   as a drawing: {self.arguments.svg.resolve()}")
        self.say("", self.style.chosen(f"{hits} of {len(self.picks)} rounds went to the {len(unseen)} tasks without pre-training: {', '.join(unseen)}."))
        if ranking["choice"]:
            self.say(f"Next in line: {ranking['choice']}.")


def go_on(arguments, daemon):
    """Keeps the server for a person, or says how to."""
    person = bool(sys.stdin and sys.stdin.isatty() and sys.stdout.isatty())
    base, token = f"{daemon.url}/v1/projects/{PROJECT}", f'"Authorization: Bearer $(cat {daemon.token_path})"'
    print(f"\nGo on by hand; the server is at {daemon.url}")
    print(f"   curl -H {token} '{base}/ranking?wait_s=10'")
    print(f"   curl -H {token} --json '{{\"operator\": \"you\"}}' {base}/assignments")
    print(f"   curl -H {token} {base}/tasks")
    if not person and not arguments.keep:
        print("Without a terminal the server has done its work and stops now; scripts/demo --keep keeps it.", flush=True)
    elif person and not arguments.keep:
        print("It stops, and its data is removed, at Enter or Ctrl-C.", flush=True)
        sys.stdin.readline()
    else:
        print("It stops, and its data is removed, at Ctrl-C or SIGTERM.", flush=True)
        daemon.process.wait()
        raise DemoError(f"the server ended by itself{daemon.log_tail()}")


def run(arguments):
    if arguments.svg.is_dir() or not os.access(arguments.svg.resolve().parent, os.W_OK):
        raise DemoError(f"{arguments.svg} cannot be written; say where with --svg PATH")
    started = time.monotonic()
    episodes = Episodes(arguments.data)
    with Daemon(arguments.daemon) as daemon:
        try:
            demo = Demo(arguments, Client(daemon.url, daemon.token, PROJECT), episodes)
            demo.register()
            demo.pretrain()
            for number in range(1, arguments.rounds + 1):
                demo.round(number)
            demo.summary()
        except DemoError as error:
            raise DemoError(f"{error}{daemon.log_tail()}") from None
        print(f"All of it took {time.monotonic() - started:.1f} s.", flush=True)
        try:
            go_on(arguments, daemon)
        except KeyboardInterrupt:
            print()


def end_by_signal(number, _):
    sys.exit(128 + number)


def main():
    arguments = parse_arguments()
    if sys.stdout is None:  # closed by whoever started it
        sys.exit("scripts/demo: there is no standard output to show the demo on")
    sys.stdout.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, end_by_signal)
    signal.signal(signal.SIGHUP, end_by_signal)
    try:
        run(arguments)
    except DemoError as error:
        sys.exit(f"scripts/demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
