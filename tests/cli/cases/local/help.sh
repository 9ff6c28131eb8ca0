amf --help
