#!/bin/sh
# Runs a fuzzer of tests/fuzz for real: tools/fuzz.sh NAME [SECONDS]
# Builds with clang and libFuzzer in build-fuzz/, works in build-fuzz/corpus-NAME (seeded from the
# repository's corpus); a crash leaves its input in build-fuzz/.
set -eu
name=${1:?usage: tools/fuzz.sh NAME [SECONDS]}
seconds=${2:-60}
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build-fuzz
if [ ! -d "$build" ]; then
  CC=clang meson setup "$build" "$top" -Dtests=true -Db_sanitize=address,undefined -Db_lundef=false \
    -Dwerror=false -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
fi
if ! ninja -C "$build" "tests/fuzz/fuzz_$name" >"$build/fuzz_$name.log" 2>&1; then
  cat "$build/fuzz_$name.log" >&2
  echo "fuzz.sh: tests/fuzz/fuzz_$name was not built" >&2
  exit 1
fi
cd "$build"
# The entry point's object is built by the tests; only the main is exchanged for libFuzzer's.
object=$(find tests/fuzz/fuzz_"$name".p -name 'fuzz_*.o')
link=$(ninja -t commands "tests/fuzz/fuzz_$name" | tail -1 | sed 's/.* -Wl,--start-group//; s/^/-Wl,--start-group/')
mkdir -p "corpus-$name"
clang -fsanitize=fuzzer,address,undefined -o "libfuzzer_$name" "$object" $link
exec "./libfuzzer_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
  "corpus-$name" "$top/tests/fuzz/corpus/$name"
