#!/usr/bin/env bash
# A new project of such a file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT FILE.tar" "$@"

amf POST "$V1/projects/$1/import" -H "$(new_key)" -H 'Content-Type: application/octet-stream' -T "$2" |
  jq -r '"project \(.id), up to event \(.seq)"'
