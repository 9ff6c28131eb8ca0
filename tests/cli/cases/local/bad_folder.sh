amf demo upload kitchen none; echo $?
mkdir empty; touch empty/notes.txt; amf demo upload kitchen empty; echo $?
touch file; amf demo upload kitchen file; echo $?
