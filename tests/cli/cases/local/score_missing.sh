amf score none.json
