# An answer that says less than was promised is shown as far as it goes, or told; nothing crashes.
demo 1.safetensors pour 1 8
try() { stub fault hollow hollow hollow; amf "$@" >out 2>err; code=$?; test $code -lt 5 && echo "survived: $1 $2"; stub fault; }
try project create kitchen
try project list
try project show kitchen
try task list kitchen
try task show kitchen pour
try demo add kitchen 1.safetensors
try demo list kitchen
try demo show kitchen d
try demo get kitchen d
try next kitchen
try complete kitchen a --fence 1 --demo 1.safetensors
try ranking kitchen
try server status
