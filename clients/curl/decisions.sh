#!/usr/bin/env bash
# Which task was chosen when, for whom and why.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "PROJECT" "$@"

CURSOR=
while
  PAGE=$(amf GET "$V1/projects/$1/decisions?limit=500${CURSOR:+&cursor=$CURSOR}")
  jq -r '.decisions[] | "\(.id) \(.operator): \(.task), \(.rule), now \(.state)"' <<<"$PAGE"
  CURSOR=$(jq -r '.next_cursor // ""' <<<"$PAGE")
  [ -n "$CURSOR" ]
do :; done
