"""Seeds for the fuzzers: from the test vectors corpus/decode (with the message's letter in front) and corpus/safetensors,
and corpus/archive.
"""
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent.parent / "proto" / "vectors"
sys.path.insert(0, str(HERE.parent / "support"))
from archive import pack  # noqa: E402

LINE = '{"seq":%d,"at":"2026-11-21T10:03:18.250Z","type":"%s","blob":%s,"body":%s}\n'
EVENTS = (LINE % (1, "project_created", "null", '{"id":"k"}') +
          LINE % (2, "demonstration_added", '"d0000000002"', '{"id":"d0000000002","task":"a"}')).encode()


def archive(events, *blobs, **head):
    said = {"format": 1, "project": "k", "seq": 2, "at": "2026-11-21T10:03:18.250Z", "version": "0", "leases": [],
            "events_bytes": len(events), "demonstrations": len(blobs), "demonstration_bytes": sum(map(len, blobs)), **head}
    return pack({"export.json": json.dumps(said).encode(), "events.jsonl": events,
                 **{f"demonstrations/d{i + 2:010}.safetensors": blob for i, blob in enumerate(blobs)}})


ARCHIVES = {
    "none": archive(b""), "one": archive(EVENTS, b"x" * 600), "empty": archive(EVENTS, b""),
    "two": archive(EVENTS, b"x", b"y" * 512), "lease": archive(EVENTS, leases=[{"id": "a", "remaining_s": 1.5}]),
    "newer": archive(b"", format=2), "counts": archive(EVENTS, b"x", demonstrations=2),
    "torn": archive(EVENTS, b"x")[:2600], "behind": archive(b"") + bytes(512), "line": EVENTS.splitlines()[1],
}
ANSWERS = {
    "asked": 'S{"assignments":[{"id":"1","task":"a","state":"open","fence":1,"rule":"criterion","gain":1.5,'
             '"margin":null,"why":"x"}],"seq":3,"revision":"r","age_s":0,"reason":null}',
    "nothing_to_do": 'S{"assignments":[],"seq":3,"age_s":0,"reason":{"code":"below_stop_gain","detail":"x"}}',
    "ranking": 'R{"seq":3,"measure":"entropy","rule":"criterion","criterion":{"warm_start":"auto","clip":[-12,0]},'
               '"candidates":[{"task":"a","gain":null,"scorable":false}],"timing":{"total_s":0.1}}',
    "opened": 'O{"assignment":{"id":"1","task":"a"},"expires_ms":1,"ranking_seq":2,"pick":0,"age_s":null}',
    "opened_with_basis": 'O{"assignment":{"id":"1","task":"a"},"basis":{"revision":"gp","blas_core":"x","measure":"entropy",'
                         '"exclude":["b"],"scores":{"tasks":["a","b"],"values":[1.5,-2],"total":9},"entropy":3.5}}',
    "task_of_a_newer_server": 'T{"key":"a","mood":{},"demonstrations":3,"success_rate":0.5}',
}

for entry in json.loads((VECTORS / "index.json").read_text(encoding="utf-8")):
    source = VECTORS / entry["path"]
    if "code" in entry or source.stat().st_size > 4096:
        continue
    if source.suffix == ".safetensors":
        shutil.copy(source, HERE / "corpus" / "safetensors" / source.name)
    else:
        target = HERE / "corpus" / "decode" / f"{entry['message']}_{source.stem}"
        target.write_bytes(entry["message"][0].encode() + source.read_bytes())
for name, text in ANSWERS.items():
    (HERE / "corpus" / "decode" / name).write_text(text, encoding="utf-8")
for name, content in ARCHIVES.items():
    (HERE / "corpus" / "archive" / name).write_bytes(content)
