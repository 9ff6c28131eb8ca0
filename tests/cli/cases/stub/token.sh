# The daemon's own token is found beside it, and is for this machine only.
mkdir -p "$HOME/.local/share/amf"
echo "$AMF_TOKEN" >"$HOME/.local/share/amf/admin.token"; echo "$AMF_URL" >"$HOME/.local/share/amf/listening"
env -u AMF_TOKEN -u AMF_URL amf project list; echo $?
env -u AMF_TOKEN amf project list --url "$AMF_URL/"; echo $?
env -u AMF_TOKEN http_proxy=http://127.0.0.1:1 amf project list; echo $?
stub log
