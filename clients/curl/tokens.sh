#!/usr/bin/env bash
# Who may use the server, without secrets.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

amf GET "$V1/tokens?limit=500" | jq -r '.tokens[] | "\(.name): \(.role) of \(.project // "all projects"), \(.state)"'
