# A bar on the terminal while a folder goes up; it is gone from the line at the end.
amf project create kitchen && amf task add kitchen pour --instruction x
mkdir set; for seed in 1 2 3; do demo set/$seed.safetensors pour $seed 8; done
tty 80 amf demo upload kitchen set | tr '\r' '\n' | sed 's/\x1b/ESC/g' | grep -E '^(\[ .*0 of 3|ESC\[K3 new)'
