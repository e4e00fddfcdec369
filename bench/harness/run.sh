#!/bin/sh
# How true are the harness's numbers? run.sh BUILD runs the study and leaves bench-out/harness.md.
set -eu
exec python3 "$(dirname "$0")/run.py" "$@"
