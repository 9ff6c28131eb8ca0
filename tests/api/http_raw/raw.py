"""The language of cases/*.txt, and how one case is run.

A case is a paragraph that begins with '== name'. Its lines, in order:
  send: TEXT        bytes, with Python's escapes; {auth}, {token} and {hidden} stand for the
                    Authorization line, the token, and a whole GET /healthz that answers 200
  send*N: TEXT      the same N times
  drip*N: TEXT      the same once a second, until something comes back
  expect: A|B C     statuses of the answers: A or B, then C, and no others ('none': no answer)
  expect*N: A       the same N times
  then: TEXT        sent after the answers expected so far have come
  close: yes|no|any whether the connection ends afterwards; for 'no' it is tried with a request
  never: STATUS     no answer may have it: the hidden request was served
  header: LINE      the last answer has this header
  lacks: TEXT       no answer contains it
  head: yes         answers have no body
  half-close: yes   the client stops sending after its bytes
  reset: yes        the client resets the connection at the end, and listens no more
  twice: yes        libmicrohttpd may send the head of its own refusal twice
  slow: yes         waits for a deadline of the server; only with --slow
Lines that begin with # are comments.
"""
import dataclasses
import pathlib
import re
import select
import socket
import ssl
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
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


def parse_bytes(text, token, hidden):
    data = text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    data = data.replace(b"{auth}", b"Authorization: Bearer {token}\r\n").replace(b"{hidden}", hidden)
    return data.replace(b"{token}", token.encode())


def read_cases(path, token, hidden=HIDDEN):
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
            cases[-1].steps.append(("send", parse_bytes(value, token, hidden) * times))
        elif key == "drip":
            cases[-1].steps.append(("drip", [parse_bytes(value, token, hidden)] * times))
        elif key == "expect":
            cases[-1].steps.append(("expect", value.split() * times))
        else:
            cases[-1].options[key] = parse_bytes(value, token, hidden).decode("latin-1")
    return cases


def all_cases(token, hidden=HIDDEN):
    """(name of the file, case) of every case there is."""
    for path in sorted((HERE / "cases").glob("*.txt")):
        for case in read_cases(path, token, hidden):
            yield path.stem, case


class Connection:
    def __init__(self, address, head_only, patience_s, tls=None):
        self.socket = socket.create_connection(address, timeout=patience_s)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        self.head_only = head_only
        self.answer_may_be_lost = False
        self.data = b""
        self.answers = []

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def half_close(self):
        socket.socket.shutdown(self.socket, socket.SHUT_WR)  # of TLS, too: its own would drop the session

    def send(self, data):
        """False: refused early; the answer says why."""
        try:
            self.socket.sendall(data)
        except ssl.SSLError:
            self.answer_may_be_lost = True  # TLS reads nothing more once it could not write
            return False
        except (BrokenPipeError, ConnectionResetError):
            self.answer_may_be_lost = isinstance(self.socket, ssl.SSLSocket)
            return False
        return True

    def drip(self, pieces):
        """One piece a second, until the other side has enough."""
        for piece in pieces:
            if not self.send(piece):
                return
            if select.select([self.socket], [], [], 1)[0]:
                return

    def receive(self):
        """More bytes; False at the end of the connection."""
        try:
            more = self.socket.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
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
        lost = status is None and connection.answer_may_be_lost
        if got not in alternatives.split("|") and not lost:
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
        if step == "drip":
            connection.drip(value)
            continue
        if options.get("half-close") == "yes":
            connection.half_close()
        expect_answers(connection, value, options.get("twice") == "yes")
    if options.get("reset") == "yes":
        connection.reset()
        return
    check_end(connection, options.get("close", "any"))
    check_answers(connection, options)


def run_case(case, address, tls=None):
    """None, or what went wrong. tls: an ssl context; None: plain."""
    patience_s = SLOW_PATIENCE_S if case.options.get("slow") == "yes" else PATIENCE_S
    connection = Connection(address, case.options.get("head") == "yes", patience_s, tls)
    try:
        run_steps(case, connection)
    except Broken as reason:
        return str(reason)
    finally:
        connection.close()
    return None
