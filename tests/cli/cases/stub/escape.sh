# No text of a server reaches the terminal with its control characters.
amf project create kitchen && amf task add kitchen pick --instruction x
stub fault escape; amf next kitchen >out; grep -c '?' out
grep -cP '[\x00-\x08\x0e-\x1f\x7f]|\xc2[\x80-\x9f]' out; true
