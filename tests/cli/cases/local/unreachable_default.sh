# Where the address came from is said, so that a person knows what to change.
mkdir -p "$HOME/.local/share/amf"
echo 'http://127.0.0.1:1' >"$HOME/.local/share/amf/listening"
amf server status; echo $?
AMF_URL=http://127.0.0.1:2 amf server status; echo $?
AMF_URL=http://127.0.0.1:2 amf server status --url http://127.0.0.1:3; echo $?
XDG_DATA_HOME=$HOME/elsewhere; export XDG_DATA_HOME
mkdir -p "$XDG_DATA_HOME/amf"
echo 'http://127.0.0.1:4' >"$XDG_DATA_HOME/amf/listening"
amf server status; echo $?
