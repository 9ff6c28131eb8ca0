# Tokens by hand. Secrets and times differ from run to run, so they are measured, not compared.
amf project create kitchen
amf token create franka-1 --role robot --project kitchen --expires 30d | sed -E 's/^amf_t[0-9]{10}_[A-Za-z0-9_-]{49}$/SECRET/'
amf token create dash --role reader --output dash.token
stat -c %a dash.token
grep -cE '^amf_t[0-9]{10}_[A-Za-z0-9_-]{49}$' dash.token
amf token list | awk '$2 != "admin" {print $2, $3, $4, $5}'
amf token create dash --role reader --output other.token
echo "$?: the name is taken"
ls other.token 2>/dev/null
amf token create late --role reader --output dash.token
echo "$?: the file is there"
amf token create third --role operator --json | jq -c '[.name, .role, .project, .expires_at, (.token | length)]'
amf token revoke dash
amf token revoke "$(amf token list --json | jq -r '.tokens[] | select(.name == "third").id')" | sed 's/t0[0-9]*/ID/'
amf token revoke nobody
echo "$?: no such token"
amf token list | awk '$2 != "admin" {print $2}'
for expires in 30 d 3y -1d 1.5h; do
  amf token create x --role reader "--expires=$expires"
  echo "$?: --expires $expires"
done
amf token create x --role reader --json --output x.token
echo "$?: one or the other"
