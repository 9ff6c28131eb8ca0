#!/usr/bin/env python3
"""Sends byte-exact requests to a running server and compares what comes back. Prints TAP.

Usage: run.py [--url URL --token TOKEN [--ca-file FILE]] [--tls] [--slow] [NAME ...]
Without --url a daemon is started and ended, from the build directory that AMF_BUILD names; with --tls
it speaks TLS. The language of the cases is in the head of raw.py.
"""
import argparse
import pathlib
import ssl
import sys
import tempfile
from urllib.parse import urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from raw import all_cases, run_case  # noqa: E402
from tap import Tap  # noqa: E402


def run_all(tap, url, token, tls, arguments):
    parts = urlsplit(url)
    for group, case in all_cases(token):
        if arguments.names and case.name not in arguments.names:
            continue
        if case.options.get("slow") == "yes" and not arguments.slow:
            continue
        reason = run_case(case, (parts.hostname, parts.port), tls)
        tap.check(reason is None, f"{group}: {case.name}", reason)


def run_own_daemon(tap, arguments):
    from daemon import Daemon  # needs AMF_BUILD already when it is imported
    from certificates import Authority

    options, tls = [], None
    with tempfile.TemporaryDirectory(prefix="amf-raw-") as folder:
        if arguments.tls:
            authority = Authority(folder)
            certificate, key = authority.sign()
            options, tls = ["--tls-cert", certificate, "--tls-key", key], authority.context()
        daemon = Daemon(options=options, tls=tls)
        try:
            run_all(tap, daemon.url, daemon.token, tls, arguments)
        finally:
            daemon.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--token", default="")
    parser.add_argument("--ca-file", help="whom to trust, for an https URL")
    parser.add_argument("--tls", action="store_true", help="of the daemon that is started")
    parser.add_argument("--slow", action="store_true", help="also wait for the server's deadlines")
    parser.add_argument("names", nargs="*", help="only these cases")
    arguments = parser.parse_args()
    tap = Tap()
    if arguments.url:
        tls = (ssl.create_default_context(cafile=arguments.ca_file)
               if arguments.url.startswith("https:") else None)
        run_all(tap, arguments.url, arguments.token, tls, arguments)
    else:
        run_own_daemon(tap, arguments)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
