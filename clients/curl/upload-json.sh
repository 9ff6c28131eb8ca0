#!/usr/bin/env bash
# Demonstrations as JSON: {"task", "states", "actions", ...}. What is held already is recognised by its content.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT FILE.json..." "$@"
P=$1; shift

for file in "$@"; do
  amf POST "$V1/projects/$P/demonstrations" -H "$(new_key)" -H 'Content-Type: application/json' --data-binary @"$file" |
    jq -r '"\(.id): \(.steps) steps\(if .duplicate then ", held already" else "" end)"'
done
