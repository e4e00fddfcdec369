#!/bin/sh
# A leak, found: notes.c serves under `sonde run -http`, its client asks, and the heap profile says what is
# still in use, what grew in two seconds, and what is lost for good. run.sh BUILD
set -eu
here=$(realpath "$(dirname "$0")")
sonde=$(realpath "$1")/sonde
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
cc -O2 -g -o notes "$here/notes.c"

echo "== sonde run -http=localhost:0 ./notes notes.sock"
"$sonde" run -http=localhost:0 -- ./notes notes.sock 2>served &
server=$!
until url=$(sed -n 's/.*serving //p' served) && [ -n "$url" ] && [ -S notes.sock ]; do sleep 0.1; done
./notes notes.sock 40000

echo "== sonde pprof -top ${url}heap: what is in use"
"$sonde" pprof -top "${url}heap" 2>/dev/null
echo
echo "== the same, ?seconds=2: what grew while the client asked again"
./notes notes.sock 60000 &
client=$!
"$sonde" pprof -top "${url}heap?seconds=2" 2>/dev/null
wait "$client"
echo
echo "== ?leak=1: what no pointer leads to any more"
"$sonde" pprof -top "${url}heap?leak=1" 2>/dev/null
echo
echo "== sonde pprof -list=put: where"
"$sonde" pprof -list='^put$' "${url}heap" 2>/dev/null
echo "put() sets a new text and forgets the old one: free() it first."
