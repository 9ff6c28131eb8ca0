# Into a pipe go neither colours nor progress.
amf project create kitchen && amf task add kitchen pour --instruction x
mkdir set; for seed in 1 2 3; do demo set/$seed.safetensors pour $seed 8; done
{ amf demo upload kitchen set; amf ranking kitchen --wait 10; amf next kitchen; } >out 2>err
grep -c $'\033' out err
wc -c <err
grep new out
