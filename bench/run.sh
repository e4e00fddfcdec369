#!/bin/sh
# `make bench`: every study (bench/*/run.sh) and every benchmark (*_bench.c, by `sonde bench`).
# run.sh BUILD [FOLDER...] leaves its results in bench-out/; a study that lacks a peer says so.
set -eu
build=$(realpath "$1")
shift
root=$(realpath "$(dirname "$0")/..")
cd "$root"
mkdir -p bench-out
failed=0
[ $# -gt 0 ] || set -- bench/*/
for folder; do
	name=$(basename "$folder")
	if [ -x "bench/$name/run.sh" ]; then
		echo "== bench/$name"
		"bench/$name/run.sh" "$build" || failed=$((failed + 1))
	elif grep -qs 'sonde/bench\.h' "bench/$name"/*_bench.c; then
		echo "== bench/$name (sonde bench)"
		"$build/sonde" bench -benchmem "bench/$name" >"bench-out/$name.txt" || failed=$((failed + 1))
		cat "bench-out/$name.txt"
	fi
done
echo "results are in bench-out/"
[ "$failed" = 0 ] || { echo "$failed failed"; exit 1; }
