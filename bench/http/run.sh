#!/bin/sh
# The study of this folder: see run.py. run.sh BUILD
set -eu
ninja -C "$1" bench/http/bench_http_blocks sonde libsonde.so libsonde-http.so >/dev/null
python3 "$(dirname "$0")/run.py" "$1" | tee bench-out/http.md
