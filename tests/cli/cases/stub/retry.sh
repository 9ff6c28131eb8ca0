# The same request with the same key until it is through: after a 503, and after a lost answer, it is stored once.
amf project create kitchen && amf task add kitchen pour --instruction x
demo 1.safetensors pour 1 8
stub log >/dev/null
stub fault 503 503; amf demo add kitchen 1.safetensors; stub log
demo 2.safetensors pour 2 8
stub fault drop-after; amf demo add kitchen 2.safetensors; stub log
demo 3.safetensors pour 3 8
stub fault 503-after; amf demo add kitchen 3.safetensors; stub log
amf demo list kitchen | wc -l
