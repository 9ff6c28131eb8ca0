# An exported project is read as a folder of its demonstrations is; what was retracted is not.
mkdir folder
amf project create lab
for task in a b; do
    amf task add lab "$task" --instruction x >/dev/null
    for seed in $(seq 1 14); do demo "folder/$task-$((seed + 10)).safetensors" "$task" "$seed" 8; done
done
amf demo upload lab folder >/dev/null
demo taken_back.safetensors a 99 8
id=$(amf demo add lab taken_back.safetensors | awk '{print $2}')
amf demo delete lab "$id" --reason 'the camera slipped' >/dev/null
run() { amf backtest "$1" --pretrain 1,1 --rounds 3 --seeds 2 --held-out 3 --rules criterion,uniform --json; }
run folder >of-folder
amf project export lab --output lab.tar >/dev/null
run lab.tar >of-export; cmp of-folder of-export && echo the same
head -c 5000 lab.tar >torn.tar
run torn.tar; echo $?
