# bash completion for sonde: commands, then the flags that `sonde COMMAND -h` names, then files.
# The flags are asked of the command itself, so that this file cannot fall behind it.

_sonde() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-}
	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sonde_commands) help" -- "$cur")
		return
	fi
	if [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sonde_commands)" -- "$cur")
		return
	fi
	if [[ $command == run ]]; then
		_sonde_run "$cur" && return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sonde_flags "$command")" -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	compopt -o filenames 2>/dev/null || true
}

_sonde_commands() {
	sonde help 2>/dev/null | awk '/^commands:/ {on = 1; next} on && /^  [a-z]/ {print $1}'
}

_sonde_flags() {
	sonde "$1" -h 2>&1 | sed -n 's/^ *\(-[a-z_][a-z_0-9]*\).*/\1/p' | sort -u
}

# `sonde run` takes a program after its flags: complete it from PATH, and what follows as files.
_sonde_run() {
	local i word names
	names=$(sonde run -h 2>&1 | sed -n 's/^ *-\([a-z]*\) [^ ].*/\1/p' | paste -sd'|')
	local with_value="^-($names)\$"
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word =~ $with_value ]] && ((i++)) && continue
		[[ $word == -* && $word != -- ]] && continue
		[[ $word == -- ]] && break
		return 1
	done
	[[ $1 == -* && ${COMP_WORDS[COMP_CWORD - 1]} != -- ]] && return 1
	[[ ${COMP_WORDS[COMP_CWORD - 1]} =~ $with_value ]] && return 1
	mapfile -t COMPREPLY < <(compgen -c -- "$1"; compgen -f -- "$1")
	compopt -o filenames 2>/dev/null || true
}

complete -F _sonde sonde
