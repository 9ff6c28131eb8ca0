# A late demonstration is kept, and that it does not count is said.
amf project create kitchen && amf task add kitchen pour --instruction x
amf next kitchen >/dev/null; demo 1.safetensors pour 1 8
amf complete kitchen assignment-1 --fence 9 --demo 1.safetensors; echo $?
demo 2.safetensors fly 2 8
amf complete kitchen assignment-1 --fence 1 --demo 2.safetensors; echo $?
