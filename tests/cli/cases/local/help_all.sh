# Every command of the list has help of its own, and `--help` wins over what else is wrong.
amf --help | sed -n 's/^  amf \([a-z]*\) \([a-z]*\).*/\1 \2/p' | while read -r noun verb; do
  amf $noun $verb --help | grep -c '^Exit codes:' | sed "s/^/$noun $verb: /"
done
amf task add --help >/dev/null && echo "missing arguments do not matter"
