amf server status | awk '{print $1}'
env -u AMF_TOKEN amf server status >/dev/null; echo $?
