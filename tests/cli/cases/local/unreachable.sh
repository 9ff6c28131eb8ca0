amf project list --url http://127.0.0.1:1
