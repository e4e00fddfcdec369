/*
 * The command table, in the order `sonde help` shows it.
 */
#include "cli/cli.h"

const struct command cli_commands[] = {
	{"run", "record profiles of a program, or serve them while it runs", cmd_run},
	{"pprof", "read profiles: tables, graphs, flame graphs, a shell, a web page", cmd_pprof},
	{"top", "watch where a process spends its time and memory", cmd_top},
	{"bench", "find, build and run benchmarks", cmd_bench},
	{"benchstat", "summarize and compare benchmark results", cmd_benchstat},
	{"convert", "turn a profile of any format into another format", cmd_convert},
	{"trace", "show a Go execution trace as text, and check it", cmd_trace},
	{"version", "print the version", cmd_version},
	{0},
};
