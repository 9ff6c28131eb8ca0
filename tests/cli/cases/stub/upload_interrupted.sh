# The server goes away in the middle; the same command again goes on where it stopped.
amf project create kitchen && amf task add kitchen pour --instruction x
mkdir set; for seed in 1 2 3 4; do demo set/$seed.safetensors pour $seed 8; done
stub fault none none drop-after drop drop drop drop
amf demo upload kitchen set; echo $?
amf demo upload kitchen set; echo $?
amf demo upload none set; echo $?
