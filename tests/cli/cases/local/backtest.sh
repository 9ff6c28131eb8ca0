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
small=(backtest set --pretrain 1,0 --held-out 2 --rounds 4 --seeds 2 --rules criterion,uniform,oracle)
amf "${small[@]}" --json --workers 1 >one.json
amf "${small[@]}" --json --workers 2 >two.json
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
