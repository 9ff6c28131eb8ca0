"""Writes valid/, invalid/ and index.json. Run it in this folder after changing it; commit what it wrote.

Every file is named after the reason it is here. index.json says for each what a reader must make of it: for
an invalid one the error's code and place, for a valid demonstration its hash. The hash and the bytes of the
safetensors files are computed here from their definitions (wire.h, the format's own page), not with the code under test.
"""
import hashlib
import json
import pathlib
import shutil
import struct

HERE = pathlib.Path(__file__).parent
STATES = [[0.25, -1.5], [0.5, -1.25], [0.75, -0.0]]
ACTIONS = [[0.1], [0.2], [0.30000000000000004]]
index = []


def put(path, data, **expected):
    target = HERE / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data if isinstance(data, bytes) else data.encode())
    index.append({"path": path, "message": target.parent.name, **expected})


def text(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def demonstration(**changes):
    value = {"task": "pour", "states": STATES, "actions": ACTIONS}
    value.update(changes)
    return {name: member for name, member in value.items() if member is not ...}


def matrix_bytes(matrix):
    cells = [x if x else 0.0 for row in matrix for x in row]
    return struct.pack(f"<QQ{len(cells)}d", len(matrix), len(matrix[0]), *cells)


def sha256(task="pour", success=True, role="demonstration", states=STATES, actions=ACTIONS):
    data = b"amf demonstration 1\n"
    data += struct.pack("<Q", len(task.encode())) + task.encode() + bytes([success])
    data += struct.pack("<Q", len(role)) + role.encode()
    return hashlib.sha256(data + matrix_bytes(states) + matrix_bytes(actions)).hexdigest()


# ---- safetensors ----
LETTERS = {"F64": "d", "F32": "f", "F16": "e"}


def tensor(matrix, dtype="F64"):
    cells = [x for row in matrix for x in row]
    shape = [len(matrix), len(matrix[0]) if matrix else 0]
    return dtype, shape, struct.pack(f"<{len(cells)}{LETTERS[dtype]}", *cells)


def header_of(tensors, metadata=None):
    header, at = {}, 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    return header


def raw(header, data=b""):
    header = header if isinstance(header, bytes) else text(header).encode()
    return struct.pack("<Q", len(header)) + header + data


def file(tensors, metadata=None):
    return raw(header_of(tensors, metadata), b"".join(data for _, _, data in tensors.values()))


def trajectory(dtype="F64", states=STATES, actions=ACTIONS):
    return {"states": tensor(states, dtype), "actions": tensor(actions, dtype)}


def valid():
    put("valid/project/only_an_id.json", '{"id":"kitchen"}')
    put("valid/project/every_length_scale.json", text(
        {"id": "k", "state_dim": 2, "kernel": {"state_scale": [0.5, 2], "task_scale": "marginal_likelihood"}}))
    put("valid/project/task_graph.json", text({"id": "k", "kernel": {"task": "graph", "graph": {
        "nodes": ["a", "b", "c"], "edges": [[0, 1, 1], [1, 2, 0.5]], "lambda": 0.4}}}))
    put("valid/project/clip_of_the_paper.json", text(
        {"id": "k", "criterion": {"clip": [-12, 0], "clip_scope": "step"}}))
    put("valid/project/warm_start_as_a_number.json", text({"id": "k", "selection": {"warm_start": 1}}))
    put("valid/task/only_a_key.json", '{"key":"pick-banana"}')
    put("valid/task/everything.json", text(
        {"key": "pick-banana", "instruction": "nimm die gr\u00fcne \U0001f34c", "vector": [1, -2.5], "weight": 0,
         "cost_s": 12.5, "role": "candidate", "requires": ["gripper"], "min_demonstrations": 1,
         "max_demonstrations": 1}))
    put("valid/ask/nothing_said.json", "{}")
    put("valid/ask/a_batch.json", text({"operator": "Anna M\u00fcller", "exclude": ["a", "b"], "count": 64}))
    put("valid/complete/carried.json", text({"fence": 1, "demonstration": demonstration()}))
    put("valid/renew/of_the_project.json", text({"fence": 9}))
    put("valid/skip/for_all.json", text({"fence": 9, "to": "never", "reason": "the cupboard fell off the wall"}))
    put("valid/end/without_a_word.json", text({"fence": 9}))
    put("valid/complete/stored_before.json", text({"fence": 7, "demonstration_id": "0192-ab"}))
    put("valid/demonstration/minimal.json", text(demonstration()), sha256=sha256())
    put("valid/demonstration/failed_rollout.json", text(demonstration(success=False, role="rollout")),
        sha256=sha256(success=False, role="rollout"))
    put("valid/demonstration/one_step.json", text(demonstration(states=[[1]], actions=[[2]])),
        sha256=sha256(states=[[1]], actions=[[2]]))
    put("valid/demonstration/numbers_at_the_edge.json",
        '{"task":"pour","states":[[1e6,-1000000,5e-324,-0,-0.0,1e-400]],"actions":[[1]]}',
        sha256=sha256(states=[[1e6, -1e6, 5e-324, 0, 0, 0]], actions=[[1]]))
    put("valid/demonstration/metadata_kept.json", text(demonstration(
        metadata={"camera": {"fps": 30, "gain": 0.1}, "tags": ["a", None, True]}, operator="anna",
        robot="franka-1", duration_s=22.4, source="shift 3", assignment="0192-ab")), sha256=sha256())
    put("valid/demonstration/null_is_unknown.json", text(demonstration(
        operator=None, robot=None, duration_s=None, source=None, assignment=None)), sha256=sha256())
    for dtype in LETTERS:
        rounded = [[struct.unpack("<" + LETTERS[dtype], struct.pack("<" + LETTERS[dtype], x))[0]
                    for x in row] for row in ACTIONS]
        put(f"valid/demonstration/{dtype}.safetensors", file(trajectory(dtype), {"task": "pour"}),
            sha256=sha256(actions=rounded))
    put("valid/demonstration/padded_header.safetensors", raw(
        text(header_of(trajectory(), {"task": "pour"})).encode() + b" " * 13,
        b"".join(data for _, _, data in trajectory().values())), sha256=sha256())
    swapped = {name: trajectory()[name] for name in ("actions", "states")}
    header = header_of(swapped, {"task": "pour"})
    put("valid/demonstration/offsets_out_of_header_order.safetensors", raw(
        {name: header[name] for name in ("states", "__metadata__", "actions")},
        b"".join(data for _, _, data in swapped.values())), sha256=sha256())
    put("valid/demonstration/metadata_of_others.safetensors", file(
        trajectory(), {"task": "pour", "success": "false", "format": "pt", "id": "x",
                       "metadata": '{"camera": 1}', "duration_s": "22.4"}), sha256=sha256(success=False))


def invalid_project():
    def bad(name, code, at, value):
        put(f"invalid/project/{name}.json", value if isinstance(value, str) else text(value), code=code, at=at)

    def field(name, at, changes, code="invalid_field"):
        bad(name, code, at, {"id": "k", **changes})

    bad("no_id", "missing_field", "/id", {})
    bad("id_null", "invalid_field", "/id", {"id": None})
    for name, key in {"empty": "", "65_characters": "a" * 65, "path": "../etc", "space": "a b",
                      "dash_first": "-a", "emoji": "\U0001f34c", "slash": "a/b"}.items():
        bad(f"id_{name}", "invalid_field", "/id", {"id": key})
    field("unknown_field", "/is_admin", {"is_admin": True}, "unknown_field")
    field("unknown_field_inside", "/kernel/lengthscale", {"kernel": {"lengthscale": 1}}, "unknown_field")
    field("unknown_field_with_slash_and_tilde", "/a~1b~0c", {"a/b~c": 1}, "unknown_field")
    field("servers_field", "/created_at", {"created_at": "2026-01-01T00:00:00Z"}, "unknown_field")
    field("servers_seq", "/seq", {"seq": 1}, "unknown_field")
    field("noise_zero", "/noise_std", {"noise_std": 0})
    field("noise_string", "/noise_std", {"noise_std": "NaN"})
    field("noise_null", "/noise_std", {"noise_std": None})
    field("variance_negative", "/kernel/variance", {"kernel": {"variance": -1}})
    field("correlation_over_one", "/kernel/task_correlation", {"kernel": {"task_correlation": 1.5}})
    field("kernel_unknown", "/kernel/kind", {"kernel": {"kind": "cubic"}})
    field("kernel_list", "/kernel", {"kernel": []})
    field("scale_zero", "/kernel/state_scale", {"kernel": {"state_scale": 0}})
    field("scale_word", "/kernel/state_scale", {"kernel": {"state_scale": "mean"}})
    field("scale_empty", "/kernel/state_scale", {"kernel": {"state_scale": []}})
    field("scale_negative_in_list", "/kernel/state_scale/1", {"kernel": {"state_scale": [1, -1]}})
    field("scale_other_dimension", "/kernel/state_scale", {"state_dim": 3, "kernel": {"state_scale": [1, 1]}})
    field("graph_missing", "/kernel/graph", {"kernel": {"task": "graph"}}, "missing_field")
    graph = {"nodes": ["a", "b"], "edges": [[0, 1, 1]]}
    field("graph_unasked", "/kernel/graph", {"kernel": {"graph": graph}})

    def graph_field(name, at, code="invalid_field", **changes):
        value = {key: item for key, item in {**graph, **changes}.items() if item is not ...}
        field(name, at, {"kernel": {"task": "graph", "graph": value}}, code)

    graph_field("graph_without_nodes", "/kernel/graph/nodes", "missing_field", nodes=...)
    graph_field("graph_of_nothing", "/kernel/graph/nodes", nodes=[], edges=[])
    graph_field("graph_node_twice", "/kernel/graph/nodes/1", nodes=["a", "a"])
    graph_field("graph_node_no_key", "/kernel/graph/nodes/0", nodes=["", "b"])
    graph_field("graph_edge_beyond", "/kernel/graph/edges/0/1", edges=[[0, 2, 1]])
    graph_field("graph_edge_between", "/kernel/graph/edges/0/0", edges=[[0.5, 1, 1]])
    graph_field("graph_edge_to_itself", "/kernel/graph/edges/0", edges=[[1, 1, 1]])
    graph_field("graph_edge_without_weight", "/kernel/graph/edges/0", edges=[[0, 1, 0]])
    graph_field("graph_edge_of_two", "/kernel/graph/edges", edges=[[0, 1]])
    graph_field("graph_lambda_one", "/kernel/graph/lambda", **{"lambda": 1})
    field("clip_reversed", "/criterion/clip", {"criterion": {"clip": [0, -12]}})
    field("clip_of_one", "/criterion/clip", {"criterion": {"clip": [0]}})
    field("clip_of_three", "/criterion/clip", {"criterion": {"clip": [0, 1, 2]}})
    field("measure_unknown", "/criterion/measure", {"criterion": {"measure": "entropie"}})
    field("weights_with_dash", "/criterion/weights", {"criterion": {"weights": "own-task"}})
    field("floor_one", "/criterion/weight_floor", {"criterion": {"weight_floor": 1}})
    field("ess_target_below_one", "/criterion/ess_target", {"criterion": {"ess_target": 0.5}})
    field("max_steps_zero", "/criterion/max_steps", {"criterion": {"max_steps": 0}})
    field("max_steps_4097", "/criterion/max_steps", {"criterion": {"max_steps": 4097}})
    field("max_steps_real", "/criterion/max_steps", {"criterion": {"max_steps": 16.0}})
    field("rule_of_answers", "/selection/rule", {"selection": {"rule": "warm_start"}})
    field("explore_share_negative", "/selection/explore_share", {"selection": {"explore_share": -0.1}})
    field("warm_start_word", "/selection/warm_start", {"selection": {"warm_start": "never"}})
    field("seed_beyond_2_53", "/selection/seed", {"selection": {"seed": 2**53}})
    field("state_dim_zero", "/state_dim", {"state_dim": 0})
    field("state_dim_4097", "/state_dim", {"state_dim": 4097})
    field("title_too_long", "/title", {"title": "x" * 4097})
    field("standardize_number", "/standardize", {"standardize": 1})


def invalid_json():
    # where there should be a number, the pointer says which
    places = dict.fromkeys(("nan", "infinity", "minus_infinity", "overflow", "minus_overflow"), "/noise_std")
    places["integer_beyond_64_bits"] = "/selection/seed"

    def bad(name, value):
        put(f"invalid/project/{name}.json", value, code="malformed_json", at=places.get(name, ""))

    for name, value in {
        "empty_body": "", "only_spaces": "  \n", "top_null": "null", "top_list": "[]", "top_string": '"x"',
        "top_number": "1", "trailing_garbage": '{"id":"k"} x', "two_objects": '{"id":"k"}{}',
        "truncated": '{"id":"k"', "trailing_comma": '{"id":"k",}', "single_quotes": "{'id':'k'}",
        "comment": '{"id":"k"/**/}', "nan": '{"id":"k","noise_std":NaN}',
        "infinity": '{"id":"k","noise_std":Infinity}', "minus_infinity": '{"id":"k","noise_std":-Infinity}',
        "overflow": '{"id":"k","noise_std":1e400}', "minus_overflow": '{"id":"k","noise_std":-1e400}',
        "integer_beyond_64_bits": '{"id":"k","selection":{"seed":9223372036854775808}}',
        "number_of_1100_digits": '{"id":"k","noise_std":0.' + "1" * 1100 + "}",
        "leading_zero": '{"id":"k","noise_std":01}', "plus": '{"id":"k","noise_std":+1}',
        "duplicate": '{"id":"k","id":"k"}', "duplicate_by_escape": '{"id":"k","\\u0069d":"k"}',
        "nul_escape": '{"id":"k\\u0000"}', "nul_byte": '{"id":"k\0"}', "nul_behind_a_number": '{"id":"k","noise_std":1\0}', "lone_surrogate": '{"id":"k\\ud800"}',
        "bom": "\ufeff{}", "newline_in_string": '{"title":"a\nb"}', "nul_behind_a_word": '{"id":"k","title":null\0}',
        "depth_33": '{"id":' + "[" * 32 + "]" * 32 + "}", "unclosed_lists": "[" * 5000,
    }.items():
        bad(name, value)
    bad("overlong_utf8", b'{"id":"\xc0\xaf"}')
    bad("latin1", b'{"title":"\xfc"}')
    bad("utf16", '{"id":"k"}'.encode("utf-16-le"))


def invalid_other():
    def bad(message, name, code, at, value):
        put(f"invalid/{message}/{name}.json", value if isinstance(value, str) else text(value), code=code, at=at)

    bad("task", "no_key", "missing_field", "/key", {})
    bad("task", "count_of_the_server", "unknown_field", "/demonstrations", {"key": "a", "demonstrations": 3})
    bad("task", "cost_zero", "invalid_field", "/cost_s", {"key": "a", "cost_s": 0})
    bad("task", "weight_negative", "invalid_field", "/weight", {"key": "a", "weight": -1})
    bad("task", "vector_with_null", "invalid_field", "/vector/1", {"key": "a", "vector": [1, None]})
    bad("task", "requires_no_key", "invalid_field", "/requires/0", {"key": "a", "requires": ["a b"]})
    bad("task", "maximum_under_minimum", "invalid_field", "/max_demonstrations",
        {"key": "a", "min_demonstrations": 3, "max_demonstrations": 2})
    bad("ask", "count_zero", "invalid_field", "/count", {"count": 0})
    bad("ask", "count_65", "invalid_field", "/count", {"count": 65})
    bad("ask", "lease_zero", "invalid_field", "/lease_s", {"lease_s": 0})
    bad("ask", "lease_string", "invalid_field", "/lease_s", {"lease_s": "60"})
    bad("ask", "lease_huge", "invalid_field", "/lease_s", {"lease_s": 1e18})
    bad("ask", "operator_empty", "invalid_field", "/operator", {"operator": ""})
    bad("ask", "exclude_number", "invalid_field", "/exclude/1", {"exclude": ["a", 1]})
    bad("complete", "no_fence", "missing_field", "/fence", {"demonstration_id": "x"})
    bad("complete", "fence_zero", "invalid_field", "/fence", {"fence": 0})
    bad("complete", "nothing_carried", "missing_field", "/demonstration", {"fence": 1})
    bad("complete", "both", "invalid_field", "/demonstration_id",
        {"fence": 1, "demonstration_id": "x", "demonstration": demonstration()})
    bad("complete", "carried_id", "unknown_field", "/demonstration/id",
        {"fence": 1, "demonstration": demonstration(id="x")})
    bad("complete", "carried_empty", "empty_trajectory", "/demonstration/states",
        {"fence": 1, "demonstration": demonstration(states=[], actions=[])})
    bad("complete", "carried_ragged", "invalid_field", "/demonstration/states/1",
        {"fence": 1, "demonstration": demonstration(states=[[1, 2], [1]])})
    bad("renew", "no_fence", "missing_field", "/fence", {"lease_s": 60})
    bad("renew", "lease_beyond_a_week", "invalid_field", "/lease_s", {"fence": 1, "lease_s": 604801})
    bad("skip", "to_somebody", "invalid_field", "/to", {"fence": 1, "to": "boris"})
    bad("skip", "fence_text", "invalid_field", "/fence", {"fence": "1"})
    bad("end", "to_whom", "unknown_field", "/to", {"fence": 1, "to": "me"})
    bad("end", "reason_number", "invalid_field", "/reason", {"fence": 1, "reason": 5})


def invalid_demonstration():
    def bad(name, code, at, **changes):
        put(f"invalid/demonstration/{name}.json", text(demonstration(**changes)), code=code, at=at)

    bad("no_task", "missing_field", "/task", task=...)
    bad("task_too_long", "invalid_field", "/task", task="a" * 1000)
    bad("task_of_sql", "invalid_field", "/task", task="'; DROP")
    bad("no_states", "missing_field", "/states", states=...)
    bad("no_actions", "missing_field", "/actions", actions=...)
    bad("no_steps", "empty_trajectory", "/states", states=[], actions=[])
    bad("fewer_actions", "invalid_field", "/actions", actions=ACTIONS[:2])
    bad("ragged", "invalid_field", "/states/2", states=[[1, 2], [1, 2], [1, 2, 3]])
    bad("row_is_a_number", "invalid_field", "/states/1", states=[[1, 2], 3, [1, 2]])
    bad("rows_are_empty", "invalid_field", "/actions/0", actions=[[], [], []])
    bad("row_of_4097", "invalid_field", "/states/0", states=[[0] * 4097])
    bad("states_object", "invalid_field", "/states", states={})
    bad("number_null", "invalid_field", "/states/0/1", states=[[1, None], [1, 2], [1, 2]])
    bad("number_string", "invalid_field", "/states/2/0", states=[[1, 2], [1, 2], ["NaN", 2]])
    bad("number_too_large", "invalid_field", "/states/1/1", states=[[1, 2], [1, 1e9], [1, 2]])
    bad("number_beyond_float32", "invalid_field", "/actions/0/0", actions=[[1e39], [1], [1]])
    bad("success_string", "invalid_field", "/success", success="true")
    bad("success_null", "invalid_field", "/success", success=None)
    bad("role_unknown", "invalid_field", "/role", role="expert")
    bad("duration_negative", "invalid_field", "/duration_s", duration_s=-1)
    bad("metadata_list", "invalid_field", "/metadata", metadata=[])
    bad("metadata_too_large", "invalid_field", "/metadata", metadata={"x": "y" * 65536})
    deep = {}
    for _ in range(16):
        deep = {"x": deep}
    bad("metadata_too_deep", "invalid_field", "/metadata", metadata=deep)
    bad("servers_hash", "unknown_field", "/sha256", sha256="0" * 64)


def invalid_tensors():
    def bad(name, code, at, data):
        put(f"invalid/demonstration/{name}.safetensors", data, code=code, at=at)

    def content(name, code, at, tensors=None, **metadata):
        bad(name, code, at, file(tensors or trajectory(), {"task": "pour", **metadata}))

    good = file(trajectory(), {"task": "pour"})
    bad("truncated_by_one", "malformed_tensors", "tensor actions", good[:-1])
    bad("one_byte_more", "malformed_tensors", "header", good + b"\0")
    bad("zip_behind", "malformed_tensors", "header", good + b"PK\x03\x04" + bytes(15))
    bad("truncated_in_header", "malformed_tensors", "header", good[:40])
    bad("length_only", "malformed_tensors", "header", good[:8])
    bad("gzip", "malformed_tensors", "header", b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(20))
    bad("no_metadata_task", "missing_field", "metadata task", file(trajectory()))
    content("success_word", "invalid_field", "metadata success", success="yes")
    content("role_unknown", "invalid_field", "metadata role", role="expert")
    content("duration_nan", "invalid_field", "metadata duration_s", duration_s="nan")
    content("duration_with_unit", "invalid_field", "metadata duration_s", duration_s="22 s")
    content("metadata_not_json", "invalid_field", "metadata metadata", metadata="{")
    content("metadata_key_twice", "invalid_field", "metadata camera", metadata='{"camera":1}', camera="2")
    content("metadata_of_others_too_large", "invalid_field", "metadata metadata", notes="x" * 66000)
    extra = {**trajectory(), "images": tensor([[1.0]])}
    content("other_tensor", "invalid_tensor", "tensor images", extra)
    content("no_actions", "missing_field", "tensor actions", {"states": tensor(STATES)})
    content("fewer_actions", "invalid_field", "tensor actions", trajectory(actions=ACTIONS[:2]))
    content("no_steps", "empty_trajectory", "tensor states", trajectory(states=[], actions=[]))
    content("nan", "not_finite", "tensor states", trajectory(states=[[1, float("nan")]] * 3))
    content("infinite_f16", "not_finite", "tensor actions",
            {"states": tensor(STATES), "actions": ("F16", [3, 1], b"\0\0\0\0\0\x7c")})
    content("too_large", "invalid_tensor", "tensor states", trajectory(states=[[1, 1e7]] * 3))
    content("rank_one", "invalid_tensor", "tensor states",
            {"states": ("F64", [3], bytes(24)), "actions": tensor(ACTIONS)})
    content("integers", "invalid_tensor", "tensor states",
            {"states": ("I64", [3, 2], bytes(48)), "actions": tensor(ACTIONS)})
    content("rows_of_nothing", "invalid_tensor", "tensor states",
            {"states": ("F64", [2**48, 0], b""), "actions": tensor(ACTIONS)})


def main():
    for folder in ("valid", "invalid"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    valid()
    invalid_project()
    invalid_json()
    invalid_other()
    invalid_demonstration()
    invalid_tensors()
    lines = ",\n".join(text(entry) for entry in index)
    (HERE / "index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


main()
