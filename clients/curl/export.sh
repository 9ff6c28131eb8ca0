#!/usr/bin/env bash
# A whole project as one tar file, with checksums inside. A file of that name is replaced once the new one is whole.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT FILE.tar" "$@"

rm "$ANSWER" && ANSWER=$2.part
amf GET "$V1/projects/$1/export" >/dev/null
tar xOf "$ANSWER" SHA256SUMS >/dev/null
mv "$ANSWER" "$2"
echo "$1 is in $2"
