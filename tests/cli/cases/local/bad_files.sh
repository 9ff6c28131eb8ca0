# Every one is refused on this machine, so no server is needed to be told.
try() { amf demo add kitchen "$@" --url http://127.0.0.1:1; echo "$?: $*"; }
for flaw in truncated nan no-actions no-task unequal empty garbage huge-header flat; do
  demo "$flaw.safetensors" pour 1 8 "$flaw"
  try "$flaw.safetensors"
done
for flaw in truncated nan no-actions no-task unequal empty extra-field; do
  demo "$flaw.json" pour 1 8 "$flaw"
  try "$flaw.json"
done
echo '[]' >list.json; try list.json
echo '{"task":"pour","task":"pour"}' >twice.json; try twice.json
printf '[%.0s' {1..5000} >deep.json; try deep.json
: >nothing.json; try nothing.json
: >nothing.safetensors; try nothing.safetensors
mkfifo pipe.json; try pipe.json
mkdir folder.json; try folder.json
try missing.json
touch notes.txt; try notes.txt
