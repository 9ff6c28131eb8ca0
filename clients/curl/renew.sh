#!/usr/bin/env bash
# More time for an assignment. It has a new fence from then on.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 4 "PROJECT ASSIGNMENT FENCE SECONDS" "$@"

amf POST "$V1/projects/$1/assignments/$2/renew" -H "$(new_key)" --json "{\"fence\": $3, \"lease_s\": $4}" |
  jq -r '"\(.id) \(.fence) until \(.expires_at)"'
