#!/usr/bin/env python3
"""Sends byte-exact requests to a running server and compares what comes back. Prints TAP.

Usage: run.py [--url http://127.0.0.1:PORT --token TOKEN] [--slow] [NAME ...]
Without --url a daemon is started and ended, from the build directory that AMF_BUILD names.

A case is a paragraph of cases/*.txt that begins with '== name'. Its lines, in order:
  send: TEXT        bytes, with Python's escapes; {auth}, {token} and {hidden} stand for the
                    Authorization line, the token, and a whole GET /healthz that answers 200
  send*N: TEXT      the same N times
  expect: A|B C     statuses of the answers: A or B, then C, and no others ('none': no answer)
  expect*N: A       the same N times
  then: TEXT        sent after the answers expected so far have come
  close: yes|no|any whether the connection ends afterwards; for 'no' it is tried with a request
  never: STATUS     no answer may have it: the hidden request was served
  header: LINE      the last answer has this header
  lacks: TEXT       no answer contains it
  head: yes         answers have no body
  half-close: yes   the client stops sending after its bytes
  twice: yes        libmicrohttpd may send the head of its own refusal twice
  slow: yes         waits for a deadline of the server; only with --slow
Lines that begin with # are comments.
"""
import argparse
import dataclasses
import pathlib
import re
import socket
import sys
from urllib.parse import urlsplit

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
from tap import Tap  # noqa: E402

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n"
PROBE = b"DELETE /healthz HTTP/1.1\r\nHost: t\r\n\r\n"  # 405: unlike any answer a case waits for last
PATIENCE_S = 10  # only a server that hangs takes as long
SLOW_PATIENCE_S = 40


@dataclasses.dataclass
class Case:
    name: str
    steps: list = dataclasses.field(default_factory=list)  # ("send", bytes) or ("expect", statuses)
    options: dict = dataclasses.field(default_factory=dict)


class Broken(Exception):
    """What a case did not expect."""


def parse_bytes(text, token):
    data = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    data = data.replace(b"{auth}", b"Authorization: Bearer {token}\r\n").replace(b"{hidden}", HIDDEN)
    return data.replace(b"{token}", token.encode())


def read_cases(path, token):
    cases = []
    for number, line in enumerate(path.read_text(encoding="latin-1").split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("== "):
            cases.append(Case(line[3:]))
            continue
        found = re.fullmatch(r"([a-z-]+)(?:\*(\d+))?: (.*)", line)
        if not found or not cases:
            sys.exit(f"{path.name}:{number}: not understood: {line[:60]}")
        key, times, value = found[1], int(found[2] or 1), found[3]
        if key in ("send", "then"):
            cases[-1].steps.append(("send", parse_bytes(value, token) * times))
        elif key == "expect":
            cases[-1].steps.append(("expect", value.split() * times))
        else:
            cases[-1].options[key] = parse_bytes(value, token).decode("latin-1")
    return cases


class Connection:
    def __init__(self, address, head_only, patience_s):
        self.socket = socket.create_connection(address, timeout=patience_s)
        self.head_only = head_only
        self.data = b""
        self.answers = []

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused early; the answer says why

    def receive(self):
        """More bytes; False at the end of the connection."""
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        except socket.timeout:
            raise Broken(f"still waiting, with {self.data[:80]!r}") from None
        self.data += more
        return bool(more)

    def take_answer(self):
        """The status of the next answer, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.data:
            if not self.receive():
                if self.data:
                    raise Broken(f"half an answer: {self.data[:80]!r}")
                return None
        head, _, rest = self.data.partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        if not found:
            raise Broken(f"not an answer: {head[:80]!r}")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        bodiless = self.head_only or found[1] in (b"100", b"204")
        wanted = 0 if bodiless or not length else int(length[1])
        # The doubled head of the library's own refusals: the body follows the second one.
        doubled = rest.startswith(b"HTTP/1.1 ")
        while not doubled and len(rest) < wanted and self.receive():
            rest = self.data.partition(b"\r\n\r\n")[2]
            doubled = rest.startswith(b"HTTP/1.1 ")
        if doubled:
            wanted = 0
        self.answers.append(head + b"\r\n\r\n" + rest[:wanted])
        self.data = rest[wanted:]
        return int(found[1])


def expect_answers(connection, wanted, doubled):
    for alternatives in wanted:
        status = connection.take_answer()
        got = "none" if status is None else str(status)
        if got not in alternatives.split("|"):
            raise Broken(f"answer {got}, wanted {alternatives}")
        if status is None:
            return
        if doubled and connection.data.startswith(b"HTTP/1.1 "):
            connection.take_answer()


def check_end(connection, how):
    if how == "yes":
        status = connection.take_answer()
        if status is not None:
            raise Broken(f"another answer, {status}, where the connection should have ended")
    elif how == "no":
        connection.head_only = False
        connection.send(PROBE)
        status = connection.take_answer()
        if status != 405:
            raise Broken(f"the next request got {status}, wanted 405")
        connection.answers.pop()


def check_answers(connection, options):
    everything = b"".join(connection.answers).decode("latin-1")
    if "never" in options and f"HTTP/1.1 {options['never']} " in everything:
        raise Broken("the hidden request was served")
    if "lacks" in options and options["lacks"] in everything:
        raise Broken(f"an answer contains {options['lacks']!r}")
    if "header" in options:
        head = connection.answers[-1].partition(b"\r\n\r\n")[0].decode("latin-1")
        if options["header"] not in head.split("\r\n"):
            raise Broken(f"no header {options['header']!r}")


def run_steps(case, connection):
    options = case.options
    for step, value in case.steps:
        if step == "send":
            connection.send(value)
            continue
        if options.get("half-close") == "yes":
            connection.socket.shutdown(socket.SHUT_WR)
        expect_answers(connection, value, options.get("twice") == "yes")
    check_end(connection, options.get("close", "any"))
    check_answers(connection, options)


def run_case(case, address):
    """None, or what went wrong."""
    patience_s = SLOW_PATIENCE_S if case.options.get("slow") == "yes" else PATIENCE_S
    connection = Connection(address, case.options.get("head") == "yes", patience_s)
    try:
        run_steps(case, connection)
    except Broken as reason:
        return str(reason)
    finally:
        connection.close()
    return None


def run_all(tap, url, token, names=(), slow=False):
    parts = urlsplit(url)
    for path in sorted((HERE / "cases").glob("*.txt")):
        for case in read_cases(path, token):
            if names and case.name not in names:
                continue
            if case.options.get("slow") == "yes" and not slow:
                continue
            reason = run_case(case, (parts.hostname, parts.port))
            tap.check(reason is None, f"{path.stem}: {case.name}", reason)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--token")
    parser.add_argument("--slow", action="store_true", help="also wait for the server's deadlines")
    parser.add_argument("names", nargs="*", help="only these cases")
    arguments = parser.parse_args()
    tap = Tap()
    if arguments.url:
        run_all(tap, arguments.url, arguments.token or "", arguments.names, arguments.slow)
        return tap.done()
    from daemon import Daemon  # needs AMF_BUILD already when it is imported

    daemon = Daemon()
    try:
        run_all(tap, daemon.url, daemon.token, arguments.names, arguments.slow)
    finally:
        daemon.close()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
