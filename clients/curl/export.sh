#!/usr/bin/env bash
# A whole project as one tar file, with checksums inside. A file of that name is replaced once the new one is whole.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
usage 2 "PROJECT FILE.tar" "$@"

amf GET "$V1/projects/$1/export" >"$2.part"
tar xOf "$2.part" SHA256SUMS >/dev/null
mv "$2.part" "$2"
echo "$1 is in $2"
