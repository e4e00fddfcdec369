#!/bin/sh
# sonde pprof beside go tool pprof; see run.py. run.sh BUILD
set -eu
ninja -C "$1" bench/report/make_profile >/dev/null
python3 "$(dirname "$0")/run.py" "$1" | tee bench-out/report.md
