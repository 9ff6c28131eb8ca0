# A list is whole, however the server cuts it.
amf project create kitchen && amf task add kitchen pour --instruction x
for seed in 1 2 3 4 5; do demo $seed.json pour $seed 8; done
amf demo add kitchen ?.json >/dev/null; stub log >/dev/null
amf demo list kitchen | awk '{print $1}'; stub log
amf demo list kitchen --limit 1 --json | grep -o '"next_cursor":.*'
