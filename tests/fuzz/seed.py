"""Seeds for the fuzzers from the test vectors: corpus/decode (with the message's letter in front), corpus/safetensors."""
import json
import pathlib
import shutil

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent.parent / "proto" / "vectors"
ANSWERS = {
    "asked": 'S{"assignments":[{"id":"1","task":"a","state":"open","fence":1,"rule":"criterion","gain":1.5,'
             '"margin":null,"why":"x"}],"seq":3,"revision":"r","age_s":0,"reason":null}',
    "nothing_to_do": 'S{"assignments":[],"seq":3,"age_s":0,"reason":{"code":"below_stop_gain","detail":"x"}}',
    "ranking": 'R{"seq":3,"measure":"entropy","rule":"criterion","criterion":{"warm_start":"auto","clip":[-12,0]},'
               '"candidates":[{"task":"a","gain":null,"scorable":false}],"timing":{"total_s":0.1}}',
    "opened": 'O{"assignment":{"id":"1","task":"a"},"expires_ms":1,"ranking_seq":2,"pick":0,"age_s":null}',
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
