amf demo --help
