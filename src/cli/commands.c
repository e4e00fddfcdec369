/*
 * The command table, in the order `sonde help` shows it.
 */
#include "cli/cli.h"

const struct command cli_commands[] = {
	{"version", "print the version", cmd_version},
	{0},
};
