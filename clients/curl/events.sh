#!/usr/bin/env bash
# What happened after event AFTER, a line an event; then waits up to SECONDS for more. Ends with the number to go on from.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "PROJECT [AFTER [SECONDS]]" "$@"

AFTER=${2:-0}
while
  PAGE=$(amf GET "$V1/projects/$1/events?limit=500&after=$AFTER&wait_s=${3:-0}")
  jq -r '.events[] | "\(.seq) \(.type) \(.id // "")"' <<<"$PAGE"
  [ "$(jq '.events | length' <<<"$PAGE")" -gt 0 ]
do AFTER=$(jq '.events[-1].seq' <<<"$PAGE"); done
echo "after $AFTER"
