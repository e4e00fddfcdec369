#!/bin/sh
# docs/benchmarks.md's example from beginning to end, in a repository of its own: a slow function, its
# benchmark, the profile taken from the benchmark, the change, and the verdict.
# run.sh BUILD [OUT] leaves the profile, the flame graph and the comparison in OUT (demo-out).
# BENCHTIME and COUNT are those of `sonde bench`.
set -eu
here=$(realpath "$(dirname "$0")")
sonde=$(realpath "$1")/sonde
mkdir -p "${2:-demo-out}"
out=$(realpath "${2:-demo-out}")
benchtime=${BENCHTIME:-200ms} count=${COUNT:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/escape"
cd "$work/escape"
cp "$here"/escape.h "$here"/escape.c "$here"/escape_bench.c .
git init -q .
git add .
git -c user.name=demo -c user.email=demo@localhost commit -qm "escape strings"

echo "== sonde bench"
"$sonde" bench -benchtime="$benchtime"
echo
echo "== sonde bench -bench=Long -cpuprofile=cpu.pb.gz; sonde pprof -top; -list"
"$sonde" bench -bench=Long -cpuprofile="$out/escape.pb.gz" >/dev/null
"$sonde" pprof -top -nodecount=6 "$out/escape.pb.gz"
"$sonde" pprof -list='^escape$' "$out/escape.pb.gz"
"$sonde" pprof -flame -output="$out/escape-flame.html" "$out/escape.pb.gz"
cp "$here/escape_after.c" escape.c
echo
echo "== after the change: sonde bench -base=HEAD"
"$sonde" bench -base=HEAD -benchtime="$benchtime" -count="$count"
"$sonde" bench -base=HEAD -benchtime="$benchtime" -count="$count" -format=html >"$out/escape-vs.html"
echo "Look at: $out/escape-flame.html and $out/escape-vs.html"
