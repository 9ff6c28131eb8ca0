#!/usr/bin/env bash
# The attempt did not work. It counts as one.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 4 "PROJECT ASSIGNMENT FENCE REASON" "$@"

amf POST "$V1/projects/$1/assignments/$2/fail" -H "$(key fail "$@")" \
  --json "$(jq -n --argjson fence "$3" --arg why "$4" '{fence: $fence, reason: $why}')" | jq -r '"\(.task) \(.state): \(.reason)"'
