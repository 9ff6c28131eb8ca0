# What comes back is what went in: the server recognises it.
amf project create kitchen && amf task add kitchen pour --instruction x
demo 1.safetensors pour 1 8
amf demo add kitchen 1.safetensors >/dev/null
id=$(amf demo list kitchen | awk 'NR == 2 {print $1}')
amf demo get kitchen "$id" | sed "s/$id/ID/; s/[0-9]* bytes/N bytes/"
amf demo add kitchen "$id.safetensors" | awk '{print $5, $6}'
echo precious >mine.safetensors
amf demo get kitchen "$id" --output mine.safetensors; echo $?
cat mine.safetensors
amf demo get kitchen "$id" --output mine.safetensors --force | sed 's/[0-9]* bytes/N bytes/'
amf demo add kitchen mine.safetensors | awk '{print $5, $6}'
amf demo get kitchen "$id" --output no/such/folder.safetensors; echo $?
ls | sed "s/$id/ID/"
