#!/bin/sh
# Makes an archive of two objects: the library LIB with what it needs of BASE, linked into one with
# hidden names made local, and ENTRY's own.  prelink.sh CC OUT DIR ROOT LIB BASE ENTRY
set -eu
cc=$1 out=$2 dir=$3 root=$4 lib=$5 base=$6 entry=$7
mkdir -p "$dir"
"$cc" -nostdlib -r -o "$dir/whole.o" -Wl,-u,"$root" -Wl,--whole-archive "$lib" -Wl,--no-whole-archive "$base"
"${OBJCOPY:-objcopy}" --localize-hidden "$dir/whole.o" "$dir/sonde-bench.o"
objects=$("${AR:-ar}" p "$entry" >"$dir/entry.o" && echo "$dir/entry.o")
rm -f "$out"
"${AR:-ar}" rcs "$out" "$dir/sonde-bench.o" "$objects"
