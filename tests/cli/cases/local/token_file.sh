amf project list --token-file none; echo $?
: >empty; amf project list --token-file empty; echo $?
mkdir folder; amf project list --token-file folder; echo $?
head -c 5000 /dev/zero | tr '\0' x >long; amf project list --token-file long; echo $?
