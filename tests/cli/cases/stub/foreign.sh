# Other programs than amfd, and newer ones, at the other end.
stub fault 502-html; amf project list; echo $?
stub fault garbage; amf project list; echo $?
stub fault redirect; amf project list; echo $?
stub fault none 502-html; amf server status --json; echo $?
amf project create kitchen
stub fault extra; amf project show kitchen | grep -c future; true
