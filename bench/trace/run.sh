#!/bin/sh
# What does an execution trace cost? run.sh BUILD builds the programs and leaves bench-out/trace.md.
set -eu
ninja -C "$1" bench/trace/bench_trace_pingpong bench/trace/bench_trace_regions >/dev/null
mkdir -p bench-out
python3 "$(dirname "$0")/run.py" "$@" | tee bench-out/trace.md
