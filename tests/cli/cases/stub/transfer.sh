# A download that is torn or altered leaves no file; an upload over a bad line is sent again with the same key.
amf project create kitchen; amf task add kitchen pour --instruction x
for seed in 1 2 3; do demo "$seed.safetensors" pour "$seed" 4000; done
amf demo add kitchen [123].safetensors >/dev/null; rm [123].safetensors
stub fault torn; amf project export kitchen --output k.tar; echo $?
stub fault altered; amf project export kitchen --output k.tar; echo $?
stub fault altered; amf project export kitchen >piped; echo $?
stub fault 502-html 503; amf project export kitchen --output k.tar; echo $?
stub fault 503 drop; amf project export kitchen --output k.tar | sed -E 's/[0-9]+ bytes/N bytes/'
stub log >/dev/null
stub fault 503-after drop-after; amf project import copy k.tar
stub log | sed -E 's/[0-9]{4,} bytes/N bytes/'
amf project export kitchen --output /dev/full/k.tar; echo $?
amf project export kitchen >/dev/full; echo $?
ls
