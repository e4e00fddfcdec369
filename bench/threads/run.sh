#!/bin/sh
# What does it take to ask where all threads are? run.sh BUILD leaves bench-out/threads.md.
set -eu
ninja -C "$1" bench/threads/bench_threads_parked sonde >/dev/null
exec python3 "$(dirname "$0")/run.py" "$@"
