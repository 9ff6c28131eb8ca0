# A DELETE that may have arrived is not repeated: 404 would hide that it worked.
amf project create kitchen; stub log >/dev/null
stub fault drop-after; amf project delete kitchen; echo $?; stub log
