#!/usr/bin/env bash
# A project and its tasks. A project that is there already is refused.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT KEY=INSTRUCTION..." "$@"
P=$1; shift

amf POST "$V1/projects" -H "$(new_key)" --json "$(jq -n --arg id "$P" '{id: $id}')" | jq -r '"project \(.id)"'
for task in "$@"; do
  amf PUT "$V1/projects/$P/tasks/${task%%=*}" --json "$(jq -n --arg said "${task#*=}" '{instruction: $said}')" |
    jq -r '"task \(.key): \(.instruction)"'
done
