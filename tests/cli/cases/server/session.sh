# The main loop by hand. Ids differ from server to server, so they are read, not compared.
amf project create kitchen --title 'The kitchen' --set noise_std=0.25 --set kernel.kind=matern52
amf project show kitchen | grep -E '^(id|title|noise_std|kernel.kind) '
amf project set kitchen selection.lease_s=600 title='null'
amf project show kitchen | grep -E '^(title|selection.lease_s) '
amf task add kitchen pick-banana --instruction 'pick up the banana'
amf task add kitchen pour --instruction 'pour the coffee' --weight 2 --cost-s 90
amf task add kitchen pour --instruction 'pour the tea' --weight 2 --cost-s 90
amf task list kitchen
for seed in 1 2; do demo "$seed.safetensors" pick-banana "$seed" 8; done
demo 3.json pour 3 9
amf demo add kitchen 1.safetensors 2.safetensors 3.json | awk '{print $1, $3, $4, $5}'
amf demo add kitchen 1.safetensors | awk '{print $1, $3, $4, $5, $6}'
amf demo list kitchen | awk '{print $2, $3, $4, $5}'

amf next kitchen --operator anna --exclude pick-banana >asked
grep -c 'pour the tea' asked
grep -cE '^  why +.{20,}' asked
id=$(sed -n 's/^  assignment *//p' asked) fence=$(sed -n 's/^  fence *//p' asked)
amf next kitchen --operator anna --exclude pick-banana --quiet
demo 4.safetensors pour 4 10
amf complete kitchen "$id" --fence "$fence" --demo 4.safetensors | sed 's/demonstration [^ ]*/demonstration ID/'
amf task list kitchen | awk '{print $1, $2, $3}'
amf project show kitchen | grep '^scales '
amf project refit kitchen | grep -E '^(source.state_scale|noise_std|demonstrations|fit_due) '
amf project show kitchen | grep -E '^scales.(demonstrations|source.state_scale) '
amf ranking kitchen --wait 10 | sed -n 1p | awk '{print $1}'
amf ranking kitchen --wait 10 | grep -c '^>'
amf next kitchen --exclude pour --exclude pick-banana | grep -c '^nothing to do now: '

demo_id=$(amf demo list kitchen | awk 'NR == 2 {print $1}')
amf demo show kitchen "$demo_id" | grep -E '^(task|steps|success) '
amf demo delete kitchen "$demo_id" --reason 'the camera slipped' | sed "s/$demo_id/ID/"
amf demo list kitchen | wc -l
amf task add kitchen spare --instruction 'to be deleted'
amf task delete kitchen spare
amf project list | awk '{print $1}'
amf project delete kitchen
