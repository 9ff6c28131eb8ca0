#!/usr/bin/env bash
# Not this task: me (another one first), others (somebody else may), never (nobody, until the task is updated).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 5 "PROJECT ASSIGNMENT FENCE me|others|never REASON" "$@"

amf POST "$V1/projects/$1/assignments/$2/skip" -H "$(key skip "$@")" \
  --json "$(jq -n --argjson fence "$3" --arg to "$4" --arg why "$5" '{fence: $fence, to: $to, reason: $why}')" |
  jq -r '"\(.task) \(.state), \(.to): \(.reason)"'
