#!/usr/bin/env bash
# The same for a screen at the robot: the key of the task, nothing else.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT OPERATOR" "$@"

amf POST "$V1/projects/$1/assignments" -H "$(new_key)" -H 'Accept: text/plain' --json "$(jq -n --arg who "$2" '{operator: $who}')"
