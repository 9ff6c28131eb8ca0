# On a terminal: its width, colour for the choice, and none of it when told not to.
amf project create kitchen
for task in pick-banana pour; do amf task add kitchen $task --instruction x >/dev/null; done
demo 1.safetensors pour 1 8; amf demo add kitchen 1.safetensors >/dev/null
tty 60 amf ranking kitchen | sed 's/\x1b/ESC/g'
NO_COLOR=1 tty 100 amf ranking kitchen | sed 's/\x1b/ESC/g'
TERM=dumb tty 60 amf ranking kitchen | grep -c $'\033'; true
