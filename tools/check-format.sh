#!/bin/sh
# Says which C files clang-format would lay out otherwise, and fails if any. `make format` mends them.
set -eu
cd "${1:-.}"
if ! command -v clang-format >/dev/null; then
	echo "clang-format is not installed"
	exit 77
fi
files=$(find src include tests bench demos -name '*.[ch]' ! -path '*/corpus/*' | LC_ALL=C sort)
# shellcheck disable=SC2086
clang-format --dry-run --Werror $files
