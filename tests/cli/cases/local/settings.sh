# Settings are checked against the same table as on the server, before anything is sent.
try() { amf project set kitchen "$@" --url http://127.0.0.1:1; echo "$?: $*"; }
try nonsense=1
try kernel.nonsense=1
try kernel
try =1
try created_at=now
try noise_std=-1
try noise_std=0.3x
try noise_std=
try kernel.kind=cubic
try criterion.clip=[1]x
try 'noise_std=0.5,"title":"smuggled"'
try 'kernel.variance=2},"title":"smuggled","kernel":{"variance":2'
try selection.budget=1.5
