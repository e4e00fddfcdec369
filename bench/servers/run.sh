#!/bin/sh
# Do servers nobody here wrote hold out under load with every profiler on, and at what throughput?
# run.sh BUILD [SECONDS [ROUNDS]] leaves bench-out/servers.md.
set -eu
exec python3 "$(dirname "$0")/run.py" "$@"
