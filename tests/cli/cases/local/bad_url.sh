for url in 127.0.0.1:7667 ftp://127.0.0.1 http:// 'http://a b' 'http://a?b' 'http:///x'; do
  amf project list --url "$url"; echo "$?: $url"
done
AMF_TOKEN=$'a\nb' amf project list --url http://127.0.0.1:1; echo $?
