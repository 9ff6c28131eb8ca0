# Two tasks that act in opposite ways, five recordings each; a file that is about something else is passed over.
python3 - <<'END'
import json, os
for task, sign in (("pull", -1), ("push", 1)):
    os.makedirs(f"set/{task}")
    for number in range(5):
        states = [[step / 4 + number / 20, number / 10] for step in range(4)]
        demo = {"task": task, "states": states, "actions": [[sign * state[0]] for state in states]}
        json.dump(demo, open(f"set/{task}/{number}.json", "w"))
json.dump({"tasks": []}, open("set/tasks.json", "w"))
END
small=(backtest set --held-out 2 --rounds 4 --seeds 2)
rules=(--pretrain 1,0 --rules criterion,uniform,oracle)
amf "${small[@]}" "${rules[@]}" --json --workers 1 >one.json
amf "${small[@]}" "${rules[@]}" --json --workers 2 >two.json
cmp one.json two.json && echo "same bytes"
python3 - <<'END'
import json
result = json.load(open("one.json"))
print(*result["rules"], *result["settings"]["tasks"])
for rule in result["rules"].values():
    assert len(rule["error"]["mean"]) == 5 and sum(rule["asked"]) == 4
    assert rule["error"]["mean"][4] < rule["error"]["mean"][0]
END
amf backtest set --pretrain 1,1 --held-out 1 --rounds 1 --seeds 1 --half even | cut -d' ' -f1
# A fixed judge: what is told does not depend on the settings, what is asked for may.
for noise in 0.1 2; do
    amf "${small[@]}" --json --judge fixed --pretrain 1,0 --rules uniform --noise $noise --task-correlation 0.9 --max-steps 3 |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["rules"]["uniform"])' >judged-$noise
done
cmp judged-0.1 judged-2 && echo "same judge"
# Scales that one task alone has frozen, and fitted ones: each tells other numbers.
for more in "" "--fit-after 1" "--state-scale marginal_likelihood --fit-after 1"; do
    # shellcheck disable=SC2086 # words
    amf "${small[@]}" --json --rules uniform --pretrain 1,1 $more |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["rules"]["uniform"]["error"]["auc"])'
done | sort -u | wc -l
