#!/usr/bin/env bash
# Gives an assignment back, as if it had never been asked for.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 4 "PROJECT ASSIGNMENT FENCE REASON" "$@"

amf POST "$V1/projects/$1/assignments/$2/release" -H "$(key release "$@")" \
  --json "$(jq -n --argjson fence "$3" --arg why "$4" '{fence: $fence, reason: $why}')" | jq -r '"\(.task) \(.state): \(.reason)"'
