# A whole project to a file and back. Bytes and seqs differ from server to server.
plain() { sed -E 's/[0-9]+ bytes/N bytes/; s/[0-9]+ events/N events/'; }
amf project create kitchen --title 'The kitchen'; amf task add kitchen pour --instruction x
for seed in 1 2 3; do demo "$seed.safetensors" pour "$seed" 8; done
amf demo add kitchen [123].safetensors >/dev/null; rm [123].safetensors
amf project export kitchen --output kitchen.tar | plain
tar tf kitchen.tar | sed -E 's/d[0-9]{10}/ID/'
amf project export kitchen | tar xf - && sha256sum --quiet -c SHA256SUMS && echo sums are right
rm -r demonstrations ./*.json ./*.jsonl SHA256SUMS
amf project export kitchen --json --output other.tar | grep -o '"format":1,"project":"kitchen"'; rm other.tar

amf project import copy kitchen.tar | plain
amf project show copy | grep -E '^(id|title) '
amf project import copy kitchen.tar; echo $?
amf project import third kitchen.tar --json | grep -o '"id":"third"'
head -c 1500 kitchen.tar >torn.tar; amf project import torn torn.tar; echo $?
echo precious >torn.tar
amf project export kitchen --output torn.tar; echo $?; cat torn.tar
amf project export kitchen --output torn.tar --force | plain
amf project export none --output none.tar; echo $?
amf project export kitchen --json; echo $?
tty 80 amf project export kitchen; echo $?
amf project import x none.tar; echo $?
: >empty.tar; amf project import x empty.tar; echo $?
amf project import x .; echo $?
amf project show torn 2>/dev/null || ls
