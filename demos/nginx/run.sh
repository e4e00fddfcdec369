#!/bin/sh
# The same to Debian's nginx: memory that grows because clients never end their headers, a lock between its threads,
# and an event loop that waits for its own log. run.sh BUILD
set -eu
command -v nginx >/dev/null || { echo "needs nginx: skipped"; exit 77; }
sonde=$(realpath "$1")/sonde
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
server=
reader=
trap 'kill $server $reader 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir -p html/logged
head -c 300000 /dev/zero | tr '\0' x >html/page.html
echo hello >html/logged/page.html
cat >nginx.conf <<EOF
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
thread_pool default threads=2;
events {}
http {
	aio threads;
	access_log off;
	client_body_temp_path tmp;
	server {
		listen unix:$work/nginx.sock;
		root html;
		location /logged {
			access_log log.fifo;
		}
	}
}
EOF
mkfifo log.fifo
python3 "$here/clients.py" slow-reader log.fifo &
reader=$!

echo "== sonde run -http=localhost:0 -block block.pb.gz -mutex mutex.pb.gz nginx"
"$sonde" run -http=localhost:0 -o cpu.pb.gz -block block.pb.gz -mutex mutex.pb.gz -- nginx -e error.log -p "$work" -c nginx.conf \
	2>sonde.log &
server=$!
until url=$(sed -n 's/.*serving //p' sonde.log) && [ -n "$url" ] && [ -S nginx.sock ]; do
	kill -0 "$server" || { cat sonde.log error.log; exit 1; }
	sleep 0.1
done
echo "== sonde pprof -top ${url}heap?seconds=2: what grows while clients send half a header"
python3 "$here/clients.py" half-headers nginx.sock &
half=$!
"$sonde" pprof -top -cum -nodecount=14 "${url}heap?seconds=2" 2>/dev/null
wait "$half"
echo "Buffers for headers, until client_header_timeout, a minute, ends them."

echo
echo "== 4 clients fetch pages"
python3 "$here/clients.py" fetch nginx.sock /page.html 300
python3 "$here/clients.py" fetch nginx.sock /logged/page.html 100
kill -TERM "$(cat nginx.pid)"
wait "$server"
server=
cat sonde.log
echo "== sonde pprof -peek=ngx_thread_mutex_unlock mutex.pb.gz: who makes others wait for a lock"
"$sonde" pprof -peek='^ngx_thread_mutex_unlock$' mutex.pb.gz
echo "Threads of the pool take their tasks from one queue: its lock."
echo
echo "== sonde pprof -peek=^write\$ block.pb.gz: what the event loop waits for, but for events"
"$sonde" pprof -peek='^write$' block.pb.gz
"$sonde" pprof -traces -focus='^write$' block.pb.gz | sed -n '/^-/,$p'
echo "ngx_http_free_request writes the access log, and waits for who reads it: access_log with buffer= and flush=, or a file."
