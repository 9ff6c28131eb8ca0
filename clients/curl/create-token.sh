#!/usr/bin/env bash
# A token for a robot or a person, of one project, for so many days. The secret is told this once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 4 "NAME admin|operator|robot|reader PROJECT DAYS" "$@"

amf POST "$V1/tokens" -H "$(new_key)" \
  --json "$(jq -n --arg name "$1" --arg role "$2" --arg project "$3" --argjson days "$4" '{name: $name, role: $role, project: $project, expires_in_s: ($days * 86400)}')" |
  jq -r .token
