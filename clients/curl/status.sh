#!/usr/bin/env bash
# Ready or why not, and the projects: for a dashboard or cron. Status 1 when the server is not ready.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

STATUS=$(amf GET "$V1/status?limit=500")
jq -r '"\(if .ready then "ready" else "not ready: \(.reason)" end)",
       (.projects[] | "\(.id): \(.demonstrations) demonstrations, \(.open_assignments) open assignments")' <<<"$STATUS"
jq -e .ready <<<"$STATUS" >/dev/null
