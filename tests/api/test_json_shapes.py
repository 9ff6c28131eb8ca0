"""JSON that is none, JSON that is some, and JSON of which parsers think differently: each shape sent to a real route."""
import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap
from daemon import Daemon, wait_until

# Each stands where a value is expected, in a list, in an object and alone.
NO_VALUES = [
    # lists
    b"[1 2]", b"[1,]", b"[1,,2]", b"[,1]", b"[,]", b"[1,,]", b"[1:2]", b"[1;2]", b"[1", b"[1,", b"[[1]", b"[1]]", b"[\"a\"", b"[\"a",
    b"[1\n,2\n,3", b"[*]", b"[1 true]", b"[[] []]", b"[3[4]]", b"[a", b"[-]", b"['a']", b"[\x0b]", b"[\x0c]", b"[1,\n2\n,", b"[{}",
    b"[}", b"[\xff]", b"[1}", b"(1)", b"[0,...]", b"<1>", b"[1]x", b"[\xe2\x81\xa0]", b"[\\u000A\"\"]",
    # numbers
    b"+1", b"++12", b"+Inf", b"-01", b"-012", b"012", b"00", b"-00.5", b"1.", b"-2.", b"1.e3", b"2.e+3", b"2.e-3", b".5", b"-.5",
    b".5e-3", b"1.2.3", b"-1.0.", b"1e", b"1E", b"1e+", b"1e-", b"0.3e", b"0.3e+", b"0E", b"0E+", b"0e+-1", b"1eE2", b"9.e+", b"1ea",
    b"1 000", b"1_000", b"1,000.5.", b"- 1", b"-", b"--1", b"1-", b"1+2", b"0x1F", b"0X2", b"0b1", b"0o7", b"1f", b"1L", b"1/2", b"-1x",
    b"-a", b"1a1", b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"Inf", b"-Inf", b"inf", b"\xef\xbc\x91", b"1\xe5", b"1e1\xe5",
    b"1\xc2\xa0", b"$1", b"1%", b"1e400", b"-1e400", b"1" + 330 * b"0" + b".0", b"9223372036854775808", b"-9223372036854775809",
    b"1" + 1100 * b"0",
    # words
    b"True", b"TRUE", b"tru", b"truex", b"fals", b"False", b"nul", b"Null", b"NULL", b"nulls", b"undefined", b"None", b"yes", b"true false",
    b"t", b"\xc3\xa9",
    # objects
    b"{\"a\"}", b"{\"a\":}", b"{:1}", b"{1:1}", b"{a:1}", b"{'a':1}", b"{\"a\":1,}", b"{\"a\":1,,\"b\":2}", b"{,\"a\":1}", b"{\"a\"::1}",
    b"{\"a\" 1}", b"{\"a\",1}", b"{\"a\"=1}", b"{\"a\"=>1}", b"{\"a\":1;\"b\":2}", b"{\"a\":1 \"b\":2}", b"{\"a\":1", b"{\"a\":", b"{\"a\"",
    b"{\"a", b"{", b"{\"a\":1}}", b"{\"a\":1}#", b"{\"a\":1}//", b"{\"a\":1}/**/", b"{/*c*/\"a\":1}", b"{\"a\":/*c*/1}", b"{\"a\":1]", b"{[1]:2}",
    b"{null:1}", b"{{}:1}", b"{\"a\":'b'}", b"{\"a\":b}", b"{\"a\":1,\"b\"}", b"{\"a\":1 2}", b"{\"a\":\"b\" \"c\":1}", b"{\xf0\x9f\x98\x80:1}",
    b"{\"a\":1,\"a\":1}", b"{\"a\":1,\"\\u0061\":2}", b"{\"\xb9\":1}", b"{\"\\u0000\":1}", b"{}{}", b"{*}", b"{1}", b"{]", b"{,}",
    # strings
    b"\"", b"\"a", b"'a'", b"\"a\\", b"\"\\\"", b"\"\\a\"", b"\"\\x41\"", b"\"\\'\"", b"\"\\0\"", b"\"\\u\"", b"\"\\u1\"", b"\"\\u12\"",
    b"\"\\u123\"", b"\"\\u12G4\"", b"\"\\U0041\"", b"\"\\u00A", b"\"\\ud800\"", b"\"\\udc00\"", b"\"\\ud800\\u\"", b"\"\\ud800\\u1\"",
    b"\"\\ud800\\n\"", b"\"\\ud800\\ud800\"", b"\"\\udc00\\ud800\"", b"\"\\ud800abc\"", b"\"\\u0000\"", b"\"\t\"", b"\"\n\"", b"\"\r\"",
    b"\"\x00\"", b"\"\x01\"", b"\"\x1f\"", b"\"a\"b", b"\"a\"\"b\"", b"\"\\\t\"", b"\"\\\n\"", b"\"\\\xf0\x9f\x98\x80\"", b"\\u0041", b"\\\"a\"",
    b"\"\\u{41}\"", b"\"\xff\"", b"\"\x80\"", b"\"\xc3\"", b"\"\xc3(\"", b"\"\xe2\x82\"", b"\"\xf0\x9f\x98\"", b"\"\xc0\xaf\"", b"\"\xe0\x80\xaf\"",
    b"\"\xf8\x88\x80\x80\x80\"", b"\"\xfc\x84\x80\x80\x80\x80\"", b"\"\xed\xa0\x80\"", b"\"\xed\xbf\xbf\"", b"\"\xf4\x90\x80\x80\"", b"\"\xfe\"",
    # between values
    b"", b"*", b"#", b"//", b"/**/1", b"1//", b"\x00", b"\x0b1", b"\x0c1", b"\xc2\xa01", b"\xe2\x81\xa01", b"\xef\xbb\xbf1", b"1\x00",
    b"@", b"<null>", b"&", b"\\", b"\x1a1",
]
# Whole bodies.
NO_BODIES = [
    b"", b" ", b"\n", b"\t \r\n", b"\x00", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\x00{\x00}", b"\xe5", b"{", b"}",
    b"[", b"]", b"[]", b"[{}]", b"null", b"true", b"false", b"1", b"-0", b"\"a\"", b"\"\"", b" [1] ", b"{}}", b"{}]", b"{},", b"{};", b"{}\x00",
    b"{} x", b"{}{}", b"{}[]", b"{}null", b"{}1", b"{}\"\"", b"{}#", b"{} // a", b"a{}", b"({})", b"x={}", b")]}',\n{}", b"{}\xff", b"{}\xef\xbb\xbf",
    b"[" * 33, b"[" * 2048, b"[" * 2049, b"[" * 100000, b"{\"a\":" * 100000, b"[{\"\":" * 50000, b"]" * 1000, b"\"" * 1001, b"\\" * 1000,
    b"{\"id\":\"x\",\"id\":\"x\"}", b"id=x", b"<project/>", b"---\nid: x\n", b"{\"id\"", b"{\"id\": \"x\"",
    b"{\"id\":\"x\",\"noise_std\":" + b"9" * 900000 + b"}", b"{\"id\":\"x\",\"noise_std\":0." + b"1" * 1000000 + b"}",
]
# Values as they may stand in metadata; each comes back as it was meant.
VALUES = [
    b"[]", b"[ ]", b"[[]]", b"[[],[[]]]", b"[\"\"]", b"[null]", b"[false]", b"[1]", b"[1,\"a\",null,true,{},[]]", b" [1] ", b"[\n1\t,\r2]", b"[1,null,null,2]",
    b"{}", b"{ }", b"{\"\":0}", b"{\"a\":[]}", b"{\"a\":1,\"b\":1}", b"{\"a\":{\"a\":{\"a\":1}}}", b"{\"a b\":1}", b"{\"\\u0061b\":1}",
    b"{\"\xc3\xa9\":\"\xc3\xa9\"}", b"{\"x\" : \"y\" , \"z\":\n1 }", b"{\"" + b"k" * 300 + b"\":1}", b"{\"A\":1,\"a\":2}",
    b"0", b"-0", b"-0.0", b"0.0", b"-1", b"123", b"1.5", b"-0.25", b"1e3", b"1E3", b"1e+3", b"1e-3", b"1E-3", b"0e1", b"0e+1", b"0E0", b"1.5e10", b"123e65",
    b"-123.5e-3", b"0.1", b"1e22", b"9007199254740993", b"9223372036854775807", b"-9223372036854775808", b"1e-320", b"2.2250738585072011e-308",
    b"1.7976931348623157e308", b"-1.7976931348623157e308", b"3.141592653589793", b"0." + b"1" * 300, b"1" * 18,
    b"true", b"false", b"null",
    b"\"\"", b"\" \"", b"\"a\"", b"\"\\\"\"", b"\"\\\\\"", b"\"\\/\"", b"\"/\"", b"\"\\b\\f\\n\\r\\t\"", b"\"\\u0041\"", b"\"\\u00e9\"", b"\"\\u20AC\"", b"\"\\u20ac\"",
    b"\"\\ud83d\\ude00\"", b"\"\\uD83D\\uDE00\"", b"\"\xc3\xa9\"", b"\"\xe2\x82\xac\"", b"\"\xf0\x9f\x98\x80\"", b"\"\xf4\x8f\xbf\xbf\"", b"\"\xef\xbf\xbf\"",
    b"\"\xef\xbf\xbe\"", b"\"\xed\x9f\xbf\"", b"\"\xee\x80\x80\"", b"\"\xef\xbb\xbf\"", b"\"\xe2\x80\xa8\xe2\x80\xa9\"", b"\"\\u2028\"", b"\"\x7f\"", b"\"\\u007F\"",
    b"\"\\u0001\\u001f\"", b"\"\\\\u0000\"", b"\"a\\\\\"", b"\"/*x*/\"", b"\"//\"", b"\"\\uFFFF\"", b"\"\\uFFFE\"", b"\"\\uFDD0\"", b"\"\\u200b\"", b"\"\\u00a0\"",
    b"\"[1,{\"", b"\"" + b"x" * 5000 + b"\"", b"\"e\xcc\x81\"", b"\"\xe2\x81\xa0\"", b"\"\\ud834\\udd1e\"", b"\"\\u0022\"", b"\"\\u005C\"",
]
# Of these parsers think differently; what this one does is settled. None: refused with 400.
SETTLED = [
    (b"1e-400", 0.0), (b"-1e-400", -0.0), (b"123e-10000000", 0.0), (b"0e" + b"9" * 100, 0.0), (b"1e" + b"9" * 100, None), (b"0.4e006", 400000.0),
    (b"100000000000000000000", None), (b"-100000000000000000000", None), (b"100000000000000000000.0", 1e20), (b"1.0", 1.0), (b"1e0", 1.0),
    (b"123123123123123123123123123123", None), (b"\"\\uDFAA\"", None), (b"\"\\uD888\\u1234\"", None), (b"\"\\uD800\\uD800\\n\"", None),
    (b"\"\\uDd1e\\uD834\"", None), (b"\"\xe6\x97\xa5\xd1\x88\xfa\"", None), (b"\"\xe0\xff\"", None), (b"\"\x81\"", None), (b"\"\xf4\xbf\xbf\xbf\"", None),
    (b"\"\xfc\x83\xbf\xbf\xbf\xbf\"", None), (b"[" * 15 + b"]" * 15, eval("[" * 15 + "]" * 15)),
    (b"0.1e1", 1.0), (b"4.9e-324", 5e-324), (b"2e-324", 0.0), (b"1.7976931348623159e308", None), (b"1.79769313486231580e308", 1.7976931348623157e308),
]
JSON = {"Content-Type": "application/json"}
BOMB_BYTES = 1 << 20


def plain(value):
    """JSON knows one kind of number: 1.0 may come back as 1."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.daemon.ok("POST", "/v1/projects", {"id": "k"})
        cls.daemon.ok("PUT", "/v1/projects/k/tasks/a", {})
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.daemon.close()

    def send(self, value):
        """A new demonstration that holds the value in its metadata."""
        type(self).count += 1
        body = b'{"task": "a", "states": [[%d]], "actions": [[1]], "metadata": {"v": %s}}' % (self.count, value)
        return self.daemon.request("POST", "/v1/projects/k/demonstrations", body, JSON)

    def refused(self, answer, what):
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (400, "application/problem+json"), what)
        self.assertEqual(answer.json["code"], "malformed_json", what)

    def kept(self, answer, expected, what):
        self.assertEqual(answer.status, 201, (what, answer.body))
        held = self.daemon.ok("GET", f"/v1/projects/k/demonstrations/{answer.json['id']}")["metadata"]["v"]
        self.assertEqual(repr(plain(held)), repr(plain(expected)), what)

    def test_what_is_no_value_is_refused_wherever_it_stands(self):
        for value in NO_VALUES:
            with self.subTest(value[:60]):
                for text in (value, b"[%s]" % value, b'{"w": %s}' % value):
                    if text != b"[]":  # a list of nothing
                        self.refused(self.send(text), text[:80])

    def test_what_is_no_object_is_refused(self):
        for body in NO_BODIES:
            with self.subTest(body[:60]):
                self.refused(self.daemon.request("POST", "/v1/projects", body, JSON), body[:80])
        self.assertEqual(self.daemon.ok("GET", "/v1/projects")["projects"][0]["id"], "k")

    def test_every_value_is_kept_as_it_was_meant(self):
        for value in VALUES:
            with self.subTest(value[:60]):
                self.kept(self.send(value), json.loads(value), value[:80])

    def test_where_parsers_differ_the_answer_is_settled(self):
        for value, expected in SETTLED:
            with self.subTest(value[:60]):
                answer = self.send(value)
                if expected is None:
                    self.refused(answer, value[:80])
                else:
                    self.kept(answer, expected, value[:80])

    def test_there_are_as_many_shapes_as_are_known_elsewhere(self):
        self.assertGreaterEqual(len(NO_VALUES) + len(NO_BODIES), 188)
        self.assertGreaterEqual(len(VALUES), 95)
        self.assertGreaterEqual(len(SETTLED), 25)


class Bombs(unittest.TestCase):
    """Little text that asks for much memory."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)
        self.daemon.ok("POST", "/v1/projects", {"id": "k"})
        self.daemon.ok("PUT", "/v1/projects/k/tasks/a", {})

    def peak_kib(self):
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def worth(self, before):
        """MiB that the daemon has taken since; under a sanitizer, whose own memory is far more, nothing."""
        return 0 if os.environ.get("AMF_SANITIZER") else (self.peak_kib() - before) / 1024

    def test_from_a_hundred_at_once_they_take_turns(self):
        body = b'{"task": "a", "states": [[1]], "actions": [[1]], "metadata": {"v": [' + b",".join([b"{}"] * 190000) + b"]}}"
        before, statuses = self.peak_kib(), []
        threads = [threading.Thread(target=lambda: statuses.append(self.daemon.request("POST", "/v1/projects/k/demonstrations", body, JSON).status))
                   for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [422] * 100)
        self.assertLess(self.worth(before), 500)  # 4 of 45 MiB, and the bodies; all at once would be 4.5 GiB

    def test_one_mebibyte_costs_less_than_a_hundred(self):
        head = b'{"task": "a", "states": [[1]], "actions": [[1]], "metadata": {"v": ['
        before = self.peak_kib()
        for item, values in ((b"{}", 1), (b"[]", 1), (b"1", 1), (b'""', 1), (b'{"a":{}}', 3), (b"[[[[]]]]", 4), (b"1.5", 1)):
            most = BOMB_BYTES // (len(item) + 1) - 40
            for count in (most, min(most, 199000 // values)):  # too many values, and as many as are taken
                body = head + b",".join([item] * count) + b"]}}"
                answer = self.daemon.request("POST", "/v1/projects/k/demonstrations", body, JSON)
                self.assertIn(answer.status, (400, 422), (item, answer.body))
        self.assertLess(self.worth(before), 100)
        keys = b",".join(b'"%d":0' % i for i in range(70000))
        self.assertIn(self.daemon.request("POST", "/v1/projects/k/demonstrations", head + b"{" + keys + b"}]}}", JSON).status, (400, 422))
        self.assertLess(self.worth(before), 100)
        wait_until(lambda: self.daemon.request("GET", "/readyz").status == 200)


if __name__ == "__main__":
    tap.main()
