# What is said on the command line goes over what the file says, in both formats.
amf project create kitchen && amf task add kitchen pour --instruction x && amf task add kitchen pick --instruction x
demo 1.safetensors pour 1 8
demo 2.json pour 2 8
demo 3.safetensors - 3 8 no-task
demo 4.json - 4 8 no-task
for file in 1.safetensors 2.json 3.safetensors 4.json; do
  amf demo add kitchen $file --task pick --role pretraining --operator boris --robot r2 | awk '{print $1, $5}'
done
amf demo add kitchen 1.safetensors --failed | awk '{print $5}'
amf demo list kitchen | awk 'NR > 1 {print $2, $4, $5, $6}'
