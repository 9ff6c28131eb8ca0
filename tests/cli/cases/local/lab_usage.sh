# Wrong options and wrong folders are named; nothing is run.
try() { amf "$@"; echo "$?: $*"; }
try experiment
try experiment flight
try experiment integrator --pretrain-tasks 13
try experiment integrator --pretrain-tasks 0
try experiment integrator --rules criterion,guess
try experiment integrator --rules criterion,criterion
try experiment integrator --rules ''
try experiment integrator --weights heavy
try experiment integrator --measure prior_entropy
try experiment integrator --clip 0,-12
try experiment integrator --rounds 2 --batch 3
try experiment integrator --rules oracle --batch 2
try experiment integrator --kernel random_walk --task-space circle
try experiment integrator --noise 0
try experiment integrator --assumed-noise 0.2 --task-space circle
try backtest
try backtest nowhere
mkdir empty
try backtest empty
mkdir set
for task in pull push; do
    for number in 1 2 3; do
        echo "{\"task\": \"$task\", \"states\": [[$number], [0]], \"actions\": [[1], [$number]]}" >set/$task-$number.json
    done
done
try backtest set --pretrain 1,1,1 --held-out 1
try backtest set --pretrain 1,1.5 --held-out 1
try backtest set --pretrain 3,0 --held-out 1 --rounds 1
try backtest set --pretrain 1,1 --held-out 1 --rounds 3
echo '{"task": "push", "states": [[1, 2]], "actions": [[1]]}' >set/wide.json
try backtest set --pretrain 1,1 --held-out 1
rm set/wide.json
echo '{"task": "push", "states": [[1]], "actions": [[1], [2]]}' >set/broken.json
try backtest set --pretrain 1,1 --held-out 1
