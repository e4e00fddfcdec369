#!/bin/sh
# The second machine: builds sig, unwind and self_walk for aarch64 with the cross compiler, with and
# without frame pointers, and runs them under qemu-user. test_aarch64.sh SOURCE_ROOT
set -eu
root=$1
cc=aarch64-linux-gnu-gcc
for tool in $cc qemu-aarch64; do
	if ! command -v $tool >/dev/null; then
		echo "1..0 # SKIP $tool is not installed"
		exit 0
	fi
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo 1..6
for flags in -fomit-frame-pointer -fno-omit-frame-pointer; do
	# shellcheck disable=SC2086
	$cc -std=gnu17 -D_GNU_SOURCE -O2 -g $flags -fno-optimize-sibling-calls -I"$root/src" \
		-o "$dir/self_walk" "$root/tests/unit/unwind/self_walk.c" "$root"/src/sig/*.c \
		"$root"/src/unwind/*.c "$root"/src/unwind/arch/*/*.c -lpthread
	qemu-aarch64 -L /usr/aarch64-linux-gnu "$dir/self_walk" || true
done
