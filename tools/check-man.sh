#!/bin/sh
# Holds the manual pages: each command has one, each is clean to mandoc's linter, and each flag that
# `sonde COMMAND -h` names is named in the page. check-man.sh SOURCE_ROOT SONDE
set -eu
sonde=$(realpath "$2")
cd "$1"
if ! command -v mandoc >/dev/null; then
	echo "mandoc is not installed"
	exit 77
fi
bad=0
complain() {
	echo "$1"
	bad=$((bad + 1))
}

for page in man/*.[1-9]; do
	warnings=$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'referenced manual not found' || true)
	[ -z "$warnings" ] || complain "$warnings"
done

commands=$("$sonde" help | awk '/^commands:/ {on = 1; next} on && /^  [a-z]/ {print $1} on && /^$/ {exit}')
for command in $commands; do
	[ "$command" != version ] || continue
	page=man/sonde-$command.1
	if [ ! -f "$page" ]; then
		complain "$page: missing"
		continue
	fi
	text=$(mandoc -T utf8 "$page" | sed 's/.\x08//g')
	flags=$("$sonde" "$command" -h 2>&1 | sed -n 's/^ *\(-[a-z_][a-z_0-9]*\).*/\1/p' | sort -u)
	for flag in $flags; do
		printf '%s\n' "$text" | grep -q -e "[^a-z_]$flag\([^a-z_0-9]\|\$\)" ||
			complain "$page: $flag, which \`sonde $command -h\` names, is not there"
	done
done
[ "$bad" = 0 ]
