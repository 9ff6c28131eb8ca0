# What goes over the wire: method, path, key, body.
amf project create kitchen --title Küche --set kernel.variance=2 --set 'criterion.clip=[-12,0]' --set selection.warm_start=auto
amf project set kitchen kernel.state_scale=median kernel.task_scale=0.5 noise_relative=null
amf task add kitchen pour --instruction 'say "go"' --vector 1,2.5,-3e-2 --requires gripper --requires camera
amf task show kitchen 'odd key/%?' ; echo $?
demo 1.safetensors pour 1 8
amf demo add kitchen 1.safetensors >/dev/null
amf demo add kitchen 1.safetensors --failed --role rollout --operator anna >/dev/null
amf demo list kitchen --limit 1 --cursor 1 >/dev/null
amf demo delete kitchen demo-2 --reason 'slipped'
amf ranking kitchen --wait 2.5 >/dev/null
amf next kitchen --operator anna --robot r1 --capability gripper --exclude a --exclude b --count 2 --lease-s 60 >/dev/null
amf next kitchen --idempotency-key mine >/dev/null
amf complete kitchen assignment-2 --fence 2 --demonstration-id demo-1
amf task delete kitchen pour; echo $?
amf server status
stub log
