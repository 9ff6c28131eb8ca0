#!/usr/bin/env bash
# What to demonstrate next, and why. The same operator asking again is given the same assignment until it has ended.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT OPERATOR [ROBOT]" "$@"

amf POST "$V1/projects/$1/assignments" -H "$(new_key)" --json "$(jq -n --arg who "$2" --arg robot "${3:-}" '{operator: $who, robot: (if $robot == "" then null else $robot end)}')" |
  jq -r 'if .assignments == [] then "nothing: \(.reason.detail)"
         else .assignments[0] | "\(.id) \(.fence) \(.task): \(.instruction)", .why end'
