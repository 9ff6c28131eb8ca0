# Units, defaults and repeats come from the option tables.
amf task add --help
amf next --help
