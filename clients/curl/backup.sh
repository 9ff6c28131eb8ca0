#!/usr/bin/env bash
# A copy of everything on the server, compared with the server's SHA-256. For administrators.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 1 "FILE.db" "$@"

umask 077
rm "$ANSWER" && ANSWER=$1.part
amf GET "$V1/backup" -D "$1.head" >/dev/null
SAID=$(sed -n 's/^[Rr]epr-[Dd]igest: sha-256=:\(.*\):.*/\1/p' "$1.head" | base64 -d | od -An -v -tx1 | tr -d ' \n')
rm "$1.head"
sha256sum --quiet -c <<<"$SAID  $ANSWER"
mv "$ANSWER" "$1"
echo "everything is in $1"
