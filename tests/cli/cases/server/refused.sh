# One line each: code, place, detail, and what to do about it.
amf project show none; echo $?
amf project create kitchen; amf project create kitchen; echo $?
amf task add kitchen pour --instruction x
amf task show kitchen none; echo $?
demo 1.safetensors fly 1 8; amf demo add kitchen 1.safetensors; echo $?
demo 2.safetensors pour 2 8; amf demo add kitchen 2.safetensors >/dev/null
amf task delete kitchen pour; echo $?
amf demo show kitchen none; echo $?
amf complete kitchen none --fence 1 --demo 2.safetensors; echo $?
AMF_TOKEN=wrong amf project list; echo $?
env -u AMF_TOKEN amf project list; echo $?
amf project list --json --token-file <(sleep 0.2; echo wrong); echo $?
