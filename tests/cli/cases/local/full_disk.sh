# Output that got lost is no success.
amf --help >/dev/full
