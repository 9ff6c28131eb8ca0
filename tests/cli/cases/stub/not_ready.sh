stub fault none 503; amf server status; echo $?
