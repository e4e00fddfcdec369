#!/bin/sh
# The main job on a real program: redis-server, as Debian ships it (stripped, -O2, no frame pointers),
# under redis-benchmark's load. demo.sh BUILD leaves a profile and a flame graph in demo-out/.
set -eu
build=$1
out=demo-out
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -p "$out"
rm -f "$out"/cpu.pb.gz "$out"/flame.html

cli() { redis-cli -s "$work/redis.sock" "$@"; }

echo "== redis-server under \`sonde run\`, loaded by redis-benchmark"
"$build/sonde" run -hz 1000 -o "$out/cpu.pb.gz" -- \
	redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$work" --save '' --daemonize no >"$work/log" &
server=$!
tries=0
until cli ping >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || { echo "redis-server did not come up:"; cat "$work/log"; exit 1; }
	sleep 0.1
done
redis-benchmark -s "$work/redis.sock" -q -n 200000 -r 100000 -P 32 -t set,get,incr,lpush,sadd,hset,zadd
redis-benchmark -s "$work/redis.sock" -q -n 20000 -P 8 -t lrange_100,mset
cli shutdown nosave >/dev/null 2>&1 || true
wait "$server" || { echo "the profiled redis-server failed:"; cat "$work/log"; exit 1; }
server=

echo
echo "== sonde pprof -top"
"$build/sonde" pprof -top -nodecount=15 "$out/cpu.pb.gz"
"$build/sonde" pprof -flame -output="$out/flame.html" "$out/cpu.pb.gz"
echo
echo "Look at: $out/flame.html in a browser (click a frame to zoom, / to search, ? for the keys);" \
	"$out/cpu.pb.gz opens in \`$build/sonde pprof\` and in \`go tool pprof\`."
