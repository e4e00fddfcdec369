#!/bin/sh
# What do recorded waits cost? run.sh BUILD builds the program and leaves bench-out/contention.md.
set -eu
ninja -C "$1" bench/contention/bench_contention_locks >/dev/null
exec python3 "$(dirname "$0")/run.py" "$@"
