"""Many clients at once on the path that computes: served, or told when to come back; never a crash, never a NaN."""
import collections
import json
import math
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, trajectory, wait_until

# A sanitized daemon is some ten times slower.
CLIENTS = 60 if os.environ.get("AMF_SANITIZER") else 400
TASKS = ("a", "b", "c", "d")


def finite(value):
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, list):
        return all(finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


class Crowd(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.daemon.ok("POST", "/v1/projects", {"id": "k"})
        for task in TASKS:
            self.daemon.ok("PUT", f"/v1/projects/k/tasks/{task}", {})
        for i in range(8):
            self.daemon.ok("POST", "/v1/projects/k/demonstrations", trajectory(TASKS[i % 4], i + 1))

    def requests_of(self, number):
        """What one client does: most of them wait for rankings and ask, some hand in what makes a ranking old."""
        yield "GET", "/v1/projects/k/ranking?wait_s=5", None
        yield "POST", "/v1/projects/k/assignments", {"operator": f"operator-{number}", "lease_s": 1}
        if number % 8 == 0:
            yield "POST", "/v1/projects/k/demonstrations", trajectory(TASKS[number % 4], 100 + number)
        if number % 50 == 0:
            yield "PATCH", "/v1/projects/k", {"noise_std": 0.1 + number / 1000}
        yield "GET", "/v1/projects/k/ranking", None

    def test_everyone_is_served_or_told_when_to_come_back(self):
        counts, wrong, start = collections.Counter(), [], threading.Barrier(CLIENTS)

        def client(number):
            start.wait()
            for method, path, body in self.requests_of(number):
                try:
                    answer = self.daemon.request(method, path, body)
                    counts[answer.status] += 1
                    later = answer.status in (429, 503) and "Retry-After" in answer.headers
                    overtaken = method == "PATCH" and answer.status == 409  # another client's change came first
                    if not (later or overtaken or 200 <= answer.status < 300) or not finite(json.loads(answer.body)):
                        wrong.append((method, path, answer.status, answer.headers, answer.body[:300]))
                except OSError as error:
                    wrong.append((method, path, repr(error)))

        threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong[:5], [], counts)
        self.assertGreater(counts[200] + counts[201], CLIENTS, counts)
        # and when all is quiet again, a ranking that has seen everything
        wait_until(lambda: self.daemon.ok("GET", "/v1/projects/k/ranking?wait_s=30")["age_s"] == 0, 240)


if __name__ == "__main__":
    tap.main()
