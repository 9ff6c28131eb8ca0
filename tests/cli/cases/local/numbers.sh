# A number is a whole word: no units, no blanks, no names, no other bases.
try() { amf "$@"; echo "$?: $*"; }
for weight in 1x nan inf 0x10 ' 1' '1 ' 1e999 '' --; do try task add kitchen pour --instruction x --weight "$weight"; done
for count in 1.5 1e3 99999999999999999999 ten; do try next kitchen --count "$count"; done
try task add kitchen pour --instruction x --vector 1,,2
try demo list kitchen --limit 0
try demo list kitchen --limit 501
try ranking kitchen --wait 31
try ranking kitchen --wait -1
