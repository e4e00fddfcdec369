#!/bin/sh
# A leak and a lock in a program that nobody changed: Debian's redis-server. Memory grows because a client said
# MONITOR and does not read; threads of --io-threads wait because the main thread keeps them out. run.sh BUILD
set -eu
command -v redis-benchmark >/dev/null || { echo "needs redis-server and redis-tools: skipped"; exit 77; }
sonde=$(realpath "$1")/sonde
work=$(mktemp -d)
server=
load=
monitor=
trap 'kill $server $load $monitor 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

start() { # sonde run's options
	"$sonde" run "$@" --port 0 --unixsocket "$work/redis.sock" --dir "$work" --save '' >redis.log 2>sonde.log &
	server=$!
	until redis-cli -s redis.sock ping >/dev/null 2>&1; do
		kill -0 "$server" || { cat sonde.log redis.log; exit 1; }
		sleep 0.1
	done
}

stop() {
	redis-cli -s redis.sock shutdown nosave >/dev/null 2>&1 || true
	wait "$server"
	server=
}

echo "== sonde run -http=localhost:0 redis-server, under load, and its memory grows"
start -http=localhost:0 -- redis-server
url=$(sed -n 's/.*serving //p' sonde.log)
python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX)
s.connect("redis.sock")
s.send(b"MONITOR\r\n")
time.sleep(600)' &
monitor=$!
redis-benchmark -s redis.sock -q -n 1000000000 -r 1000 -c 20 -P 16 -t set >load.log 2>&1 &
load=$!
sleep 1
echo "== sonde pprof -top ${url}heap?seconds=2: what grew in two seconds"
"$sonde" pprof -top -cum -nodecount=14 "${url}heap?seconds=2" 2>/dev/null
echo
echo "== sonde pprof -peek=replicationFeedMonitors ${url}heap: on whose behalf"
"$sonde" pprof -peek='^replicationFeedMonitors$' "${url}heap" 2>/dev/null
echo "Replies for clients that said MONITOR, and do not read them; redis-cli client list agrees (omem):"
redis-cli -s redis.sock client list | sed -n '/cmd=monitor/s/.*\(omem=[0-9]*\).*\(cmd=[a-z]*\).*/\2 \1/p'
kill "$load" "$monitor"
wait "$load" "$monitor" 2>/dev/null || true
load= monitor=
stop

echo
echo "== sonde run -block -mutex redis-server --io-threads 2: is it held up by locks?"
start -o cpu.pb.gz -block block.pb.gz -mutex mutex.pb.gz -- redis-server --io-threads 2 --io-threads-do-reads yes
redis-benchmark -s redis.sock -q -n 20000 -r 1000 -c 20 -P 4 -t set >load.log 2>&1
redis-benchmark -s redis.sock -q -n 20000 -r 1000 -c 1 -t set >>load.log 2>&1
stop
cat sonde.log
echo "== sonde pprof -peek=pthread_mutex_lock block.pb.gz: who waits"
"$sonde" pprof -peek='^pthread_mutex_lock$' block.pb.gz
echo "== sonde pprof -peek=pthread_mutex_unlock mutex.pb.gz: who made them wait"
"$sonde" pprof -peek='^pthread_mutex_unlock$' mutex.pb.gz
echo "IOThreadMain waits for a lock that the main thread holds as long as there is too little to do for two."
