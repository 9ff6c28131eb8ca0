#!/usr/bin/env bash
# How far the project has come, and what it cost.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "PROJECT" "$@"

amf GET "$V1/projects/$1/report" |
  jq -r '"\(.demonstrations) demonstrations, \(.failed) failed, \(.decisions) decisions, \(.minutes) minutes and \(.unknown_durations) of unknown length",
         (.tasks[] | "\(.task): \(.demonstrations)")'
