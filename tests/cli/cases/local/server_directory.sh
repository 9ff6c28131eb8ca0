# What amfd does to a directory; a sound one, and a purge, are in tests/api/test_backup.py.
amf server check; echo $?
amf server check none; echo $?
mkdir empty; amf server check empty --json; echo $?; ls empty
amf server purge none --yes; echo $?
echo 'no database' >empty/amf.db; amf server check empty; echo $?
amf server backup; echo $?
