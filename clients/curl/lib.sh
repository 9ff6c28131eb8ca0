# shellcheck shell=bash disable=SC2034
# Read by every example; not run by itself. Needs AMF_URL and AMF_TOKEN, curl and jq.
: "${AMF_URL:?the address of amfd, such as http://127.0.0.1:7667}" "${AMF_TOKEN:?the token, such as that of DIR/admin.token}"
V1=$AMF_URL/v1
ANSWER=$(mktemp) && trap 'rm -f "$ANSWER"' EXIT

# usage N "ARGUMENTS" "$@": ends with the usage line unless there are N arguments at least.
usage() {
  local wanted=$1 words=$2; shift 2
  [ $# -ge "$wanted" ] || { echo "usage: $(basename "$0") $words" >&2; exit 2; }
}

# amf METHOD URL [curl arguments]: the answer on standard output; what the server refuses as its own sentence, and status 1.
# The token goes through a pipe, not through the arguments, which everybody on the machine can read.
# Tried again when the connection is lost or the server answers 503; the Idempotency-Key makes that harmless.
amf() {
  local method=$1 url=$2 status; shift 2
  status=$(curl -sS --retry 3 --retry-all-errors -X "$method" -H @<(printf 'Authorization: Bearer %s' "$AMF_TOKEN") \
    -o "$ANSWER" -w '%{http_code}' "$@" "$url") || return 1
  case $status in
    2*) cat "$ANSWER" ;;
    *) jq -r '"\(.code)\(if (.at // "") != "" then " at \(.at)" else "" end): \(.detail)"' "$ANSWER" >&2; return 1 ;;
  esac
}

# A new key for what is wished for now: curl's own repeats carry it.
new_key() { printf 'Idempotency-Key: %s' "$(cat /proc/sys/kernel/random/uuid)"; }

# A key made of what is said, for what can happen once only: the same line again gets the first answer again.
key() { printf 'Idempotency-Key: %s' "$(printf '%s\n' "$@" | sha256sum | cut -c1-32)"; }
