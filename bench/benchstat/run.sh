#!/bin/sh
# sonde benchstat beside Go's, see run.py. run.sh BUILD
set -eu
here=$(dirname "$0")
mkdir -p bench-out
"$here/run.py" "$1" | tee bench-out/benchstat.md
