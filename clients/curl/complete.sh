#!/usr/bin/env bash
# Hands a recording in and ends the assignment with it. The recording is stored first, so it is safe whatever becomes of the assignment.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 4 "PROJECT ASSIGNMENT FENCE FILE.safetensors" "$@"
P=$V1/projects/$1

DEMONSTRATION=$(amf POST "$P/demonstrations" -H "$(new_key)" -H 'Content-Type: application/vnd.safetensors' --data-binary @"$4" | jq -r .id)
amf POST "$P/assignments/$2/complete" -H "$(key complete "$1" "$2" "$DEMONSTRATION")" \
  --json "$(jq -n --argjson fence "$3" --arg id "$DEMONSTRATION" '{fence: $fence, demonstration_id: $id}')" |
  jq -r '"\(.demonstration.id) \(if .credited then "credited" else "kept, not credited: \(.reason)" end)"'
