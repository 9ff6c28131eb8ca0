amf server status | awk '{print $1}'
env -u AMF_TOKEN amf server status | grep -v '^url\|^version'; echo $?
amf project create kitchen
amf server status | grep -A1 '^project ' | awk '{print $1, $2, $3, $4}'
amf server status --json | jq -c '.status | {ready, reason, latched, draining, projects: [.projects[] | {id, seq, demonstrations, open_assignments}]}'
