# The table fits the width there is: 80 columns in a pipe.
amf project create kitchen
for task in pick-banana pour a-task-with-quite-a-long-name; do amf task add kitchen $task --instruction x >/dev/null; done
for seed in 1 2 3; do demo $seed.safetensors pour $seed 8; amf demo add kitchen $seed.safetensors >/dev/null; done
amf next kitchen --operator anna --exclude a-task-with-quite-a-long-name >/dev/null
amf ranking kitchen
LC_ALL=C.UTF-8 amf ranking kitchen
amf ranking kitchen | awk '{print length($0) <= 80}' | sort -u
