#!/bin/bash
# Completes as bash would, and looks at what comes: every command after "sonde ", flags after a
# command. check-completion.sh SOURCE_ROOT SONDE
set -eu
sonde=$(realpath "$2")
PATH=$(dirname "$sonde"):$PATH
source "$1/completions/sonde.bash"

complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_sonde 2>/dev/null
	printf '%s\n' "${COMPREPLY[@]-}"
}

commands=$("$sonde" help | awk '/^commands:/ {on = 1; next} on && /^  [a-z]/ {print $1}')
[ -n "$commands" ]
for command in $commands; do
	complete_words sonde "${command:0:2}" | grep -qx "$command" || { echo "sonde ${command:0:2}<TAB>: no $command"; exit 1; }
	flag=$("$sonde" "$command" -h 2>&1 | sed -n 's/^ *\(-[a-z_][a-z_0-9]*\).*/\1/p' | head -n 1)
	[ -z "$flag" ] || complete_words sonde "$command" "${flag:0:2}" | grep -qx -e "$flag" || {
		echo "sonde $command ${flag:0:2}<TAB>: no $flag"
		exit 1
	}
done
complete_words sonde run -- bas | grep -qx bash
for flag in $("$sonde" run -h 2>&1 | sed -n 's/^ *\(-[a-z]*\) [^ ].*/\1/p'); do
	complete_words sonde run "$flag" value bas | grep -qx bash || { echo "sonde run $flag value bas<TAB>: no bash"; exit 1; }
done
complete_words sonde help conv | grep -qx convert
[ "$("$sonde" help convert)" = "$("$sonde" convert -h)" ]
[ "$("$sonde" -version)" = "$("$sonde" version)" ]
! "$sonde" help nosuch 2>/dev/null
