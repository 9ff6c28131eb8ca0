# More time, and the three ways to give an assignment back. Ids differ from server to server.
amf project create kitchen && for t in cut pour wipe; do amf task add kitchen $t --instruction "$t it"; done
ask() { amf next kitchen --operator "$1" >asked; id=$(sed -n 's/^  assignment *//p' asked) fence=$(sed -n 's/^  fence *//p' asked); head -1 asked; }
ask anna
amf renew kitchen "$id" --fence "$fence" --lease-s 600 >renewed; sed 's/until .*Z;/until TIME;/; s/is [0-9]* now/is N now/' renewed
new=$(sed -n 's/.*fence is \([0-9]*\) now/\1/p' renewed); [ "$new" -gt "$fence" ] && echo risen
amf skip kitchen "$id" --fence "$new" --to others --reason 'no knife'
amf --json skip kitchen "$id" --fence "$new" 2>&1 | sed "s/$id/ID/"; amf release kitchen "$id" --fence "$new"; echo $?
ask boris; amf fail kitchen "$id" --fence "$fence"
ask carla >/dev/null; amf release kitchen "$id" --fence "$fence" --reason 'the shift ends' | sed 's/ [a-z]*;/ TASK;/'
amf skip kitchen "$id"; echo $?
amf skip kitchen "$id" --fence 1 --to nobody; echo $?
