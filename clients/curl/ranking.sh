#!/usr/bin/env bash
# What one more demonstration of each task is worth, once everything that is stored has been looked at.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "PROJECT" "$@"

amf GET "$V1/projects/$1/ranking?wait_s=10" |
  jq -r '"rule \(.rule), seen up to \(.seq), \(.age_s) s old", (.candidates[] | "\(.task): \(.gain * 100 | round / 100)"), "next: \(.choice)"'
