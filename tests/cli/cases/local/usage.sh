# Each is refused before any server is looked for; the words are in .stderr.
try() { amf "$@"; echo "$?: $*"; }
try
try fly
try project
try project fly
try project show
try project show a b
try project list stray
try --colour project list
try project list --colour
try project list -x
try project list --json --json
try project list --json=yes
try project list --url
try demo delete kitchen demo-1
try next kitchen --json --quiet
try complete kitchen a1 --fence 1
try complete kitchen a1 --fence 1 --demo x.json --demonstration-id d
try complete kitchen a1 --demo x.json
try task add kitchen pour --instruction x --role chief
