#!/usr/bin/env bash
# Demonstrations as safetensors: tensors states and actions, the task in the metadata. Prints an id for each.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT FILE.safetensors..." "$@"
P=$1; shift

for file in "$@"; do
  amf POST "$V1/projects/$P/demonstrations" -H "$(new_key)" -H 'Content-Type: application/vnd.safetensors' --data-binary @"$file" |
    jq -r '"\(.id): \(.steps) steps\(if .duplicate then ", held already" else "" end)"'
done
