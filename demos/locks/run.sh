#!/bin/sh
# A program bound by a lock: orders.c under `sonde run -block -mutex`, which say who waits, and who makes
# them wait. run.sh BUILD
set -eu
here=$(realpath "$(dirname "$0")")
sonde=$(realpath "$1")/sonde
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cc -O2 -g -pthread -o orders "$here/orders.c"

echo "== sonde run -o cpu.pb.gz -block block.pb.gz -mutex mutex.pb.gz ./orders 100000"
"$sonde" run -o cpu.pb.gz -block block.pb.gz -mutex mutex.pb.gz -- ./orders 100000
echo
echo "== sonde pprof -peek=pthread_mutex_lock block.pb.gz: who waits"
"$sonde" pprof -peek='^pthread_mutex_lock$' block.pb.gz
echo "== sonde pprof -list=write_journal mutex.pb.gz: who makes them wait"
"$sonde" pprof -list='^write_journal$' mutex.pb.gz
echo "== sonde pprof -list=write_journal cpu.pb.gz: what is done with the lock held"
"$sonde" pprof -list='^write_journal$' cpu.pb.gz
echo "The checksum needs no lock: take it before, and only the line is written under the lock."
