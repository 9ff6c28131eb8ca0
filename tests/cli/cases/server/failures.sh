# Where targets count by how often the policy fails, a ranking says what they count.
amf project create kitchen --set criterion.target=failure | sed -n 1p
amf task add kitchen pour --instruction x >/dev/null
amf task add kitchen pick --instruction x --weight 3 >/dev/null
amf ranking kitchen --wait 10 | grep counts
