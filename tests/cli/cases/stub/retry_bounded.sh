# Four times in all, then it is told.
stub fault 503 503 503 503; amf project create kitchen; echo $?; stub log | wc -l
stub fault drop drop drop drop; amf project create kitchen; echo $?; stub log | wc -l
amf project create kitchen
