# A folder goes up in order; what is refused is named and does not stop the rest; a second run changes nothing.
amf project create kitchen && amf task add kitchen pour --instruction x
mkdir -p set/b set/a set/.hidden
demo set/b/2.safetensors pour 2 8
demo set/a/1.safetensors pour 1 9
demo set/a/3.json pour 3 10
demo set/.hidden/4.safetensors pour 4 8
demo set/unknown.safetensors fly 5 8
demo set/broken.safetensors pour 6 8 truncated
echo '{"tasks": []}' >set/about.json
touch set/README.md
amf demo upload kitchen set; echo $?
amf demo list kitchen | awk '{print $2, $3}'
amf demo upload kitchen set/ 2>/dev/null; echo $?
rm set/unknown.safetensors set/broken.safetensors
demo set/a/0.safetensors pour 7 7
amf demo upload kitchen set 2>/dev/null; echo $?
