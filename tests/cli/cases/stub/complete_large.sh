# A demonstration too long for JSON goes ahead as safetensors; the assignment then names it.
amf project create kitchen && amf task add kitchen pour --instruction x
amf next kitchen >/dev/null; demo 1.safetensors pour 1 8; stub log >/dev/null
stub fault 413; amf complete kitchen assignment-1 --fence 1 --demo 1.safetensors; echo $?
stub log | sed 's/[0-9]* bytes/N bytes/; s/{"fence":1,"demonstration":.*/CARRIED/'
