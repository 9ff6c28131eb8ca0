# --json is the server's answer, byte for byte (and a newline at its end).
same() { cmp <(get "$1"; echo) <(shift; amf "$@" --json) && echo "same: ${1//$id/ID}"; }
id=none
amf project create kitchen --json | grep -c '"id": *"kitchen"'
amf task add kitchen pour --instruction x --json | grep -c '"key": *"pour"'
demo 1.safetensors pour 1 8
amf demo add kitchen 1.safetensors --json | grep -c '"duplicate": *false'
id=$(amf demo list kitchen | awk 'NR == 2 {print $1}')
same /v1/projects project list
same /v1/projects/kitchen project show kitchen
same /v1/projects/kitchen/tasks task list kitchen
same /v1/projects/kitchen/tasks/pour task show kitchen pour
same /v1/projects/kitchen/demonstrations demo list kitchen
same "/v1/projects/kitchen/demonstrations/$id" demo get kitchen "$id"
same "/v1/projects/kitchen/demonstrations/$id" demo show kitchen "$id"
amf server status --json | python3 -c 'import json, sys; print(*json.load(sys.stdin))'
amf project delete kitchen --json
