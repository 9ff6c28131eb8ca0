# The shape of the JSON, whatever the numbers; and the same bytes with one thread and with two.
small=(experiment integrator --pretrain-tasks 6 --rounds 3 --seeds 2)
amf "${small[@]}" --json --workers 1 >one.json
amf "${small[@]}" --json --workers 2 >two.json
cmp one.json two.json && echo "same bytes"
python3 - <<'END'
import json
result = json.load(open("one.json"))
print(*result, "|", *result["rules"])
for name, rule in result["rules"].items():
    curve = rule["return"]
    assert len(curve["mean"]) == len(curve["low"]) == len(curve["high"]) == 4
    assert all(low <= mean <= high for low, mean, high in zip(curve["low"], curve["mean"], curve["high"]))
    assert abs(curve["auc"] - sum(curve["mean"][1:]) / 3) < 1e-5
    assert sum(rule["asked"]) == 3 and len(rule["asked"]) == 12
    print(name, *rule, "|", *curve)
print({key: result["settings"][key] for key in ("rounds", "seeds", "weights", "kernel", "task_space", "horizon")})
END
# Who only assumes another noise is scored by the policy that knows it: what is told of uniform choice stays the same.
amf "${small[@]}" --json --assumed-noise 0.4 >assumed.json
python3 - <<'END'
import json
known, assumed = (json.load(open(name))["rules"] for name in ("one.json", "assumed.json"))
print(known["uniform"]["return"]["seeds"] == assumed["uniform"]["return"]["seeds"],
      known["criterion"]["gain"] == assumed["criterion"]["gain"])
END
# Everything at once that a run may be asked for, as a table.
amf experiment integrator --rounds 2 --seeds 1 --task-space circle --batch 2 --weights raw --clip=-12,0 --measure variance \
    --kernel matern52 --horizon 3 --occupancy new --warm-start 1 --rules criterion,round_robin | cut -d' ' -f1
# Progress on a terminal, and nowhere else (.stderr is empty).
tty 80 amf experiment integrator --rounds 2 --seeds 1 --rules uniform | tr '\r' '\n' | grep -o '2 of 2'
