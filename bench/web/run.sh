#!/bin/sh
# sonde pprof -http beside go tool pprof -http; see run.py. run.sh BUILD
set -eu
ninja -C "$1" bench/report/make_profile >/dev/null
python3 "$(dirname "$0")/run.py" "$1" | tee bench-out/web.md
