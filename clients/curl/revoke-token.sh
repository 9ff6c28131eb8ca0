#!/usr/bin/env bash
# Ends a token at its next request.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "NAME" "$@"

ID=$(amf GET "$V1/tokens?limit=500" | jq -er --arg name "$1" '.tokens[] | select(.name == $name).id') || { echo "there is no token $1" >&2; exit 1; }
amf DELETE "$V1/tokens/$ID"
echo "revoked $1"
