/*
 * table_dump FILE: the compact table of an ELF file as text, a row a line, in the words of
 * `readelf --debug-dump=frames-interp`, which the test compares it with.
 * table_dump -stats FILE...: a line a file, and totals.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "elf_file.h"
#include "unwind/table.h"

static const struct machine *machine_of(unsigned elf)
{
	if (elf == EM_X86_64)
		return &machine_x86_64;
	return elf == EM_AARCH64 ? &machine_aarch64 : NULL;
}

static int build(const struct elf_file *file, struct table **ret)
{
	const struct machine *machine = machine_of(file->machine);
	if (!machine)
		return -1;
	return table_compile(machine, &file->eh_frame, file->code, file->code_end, ret);
}

static void print_slot(const char *name, int slot)
{
	if (slot)
		printf(" %s=c%+d", name, slot * 8);
	else
		printf(" %s=u", name);
}

static void print_row(const struct machine *machine, const struct table *table, uint32_t i)
{
	static const char *const kinds[] = {
		"none", "sp", "fp", "deref", "plt", "signal", "end", "side"};
	uint32_t rule = table->rules[i];
	enum rule_kind kind = rule_kind(rule);
	printf("%" PRIx64 " %s", table->base + table->pcs[i], kinds[kind]);
	if (kind == RULE_SP || kind == RULE_FP) {
		printf("+%u", rule_cfa(rule) * 8);
		print_slot("fp", rule_fp(rule));
		print_slot("ra", rule_ra(rule));
		const struct saved_regs *saved = &table->saved_regs[table->saved[i]];
		for (unsigned r = 0; r < machine->saved_n; r++) {
			char name[8];
			snprintf(name, sizeof(name), "r%u", machine->saved[r]);
			print_slot(name, saved->slot[r]);
		}
	}
	printf("\n");
}

static int dump(const char *path)
{
	struct elf_file file;
	struct table *table;
	if (!elf_file_open(&file, path) || build(&file, &table) != 0)
		return 1;
	for (uint32_t i = 0; i < table->rows; i++)
		print_row(machine_of(file.machine), table, i);
	table_free(table);
	elf_file_close(&file);
	return 0;
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int stats(char **paths)
{
	uint64_t files = 0, fdes = 0, rows = 0, bad = 0, side = 0, bytes = 0, failed = 0;
	double start = seconds();
	for (; *paths; paths++) {
		struct elf_file file;
		struct table *t;
		if (!elf_file_open(&file, *paths))
			continue;
		int rc = build(&file, &t);
		if (rc == 0) {
			files++;
			fdes += t->fdes;
			rows += t->rows;
			bad += t->bad;
			side += t->side_rows;
			bytes += t->bytes;
			if (t->bad)
				printf("bad %u %s\n", t->bad, *paths);
			table_free(t);
		} else {
			failed++;
		}
		elf_file_close(&file);
	}
	printf("files %" PRIu64 " failed %" PRIu64 " fdes %" PRIu64 " rows %" PRIu64
	       " side %" PRIu64 " bad %" PRIu64 " bytes %" PRIu64 " seconds %.3f\n",
		files, failed, fdes, rows, side, bad, bytes, seconds() - start);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "-stats"))
		return stats(argv + 2);
	if (argc == 2)
		return dump(argv[1]);
	fprintf(stderr, "usage: table_dump FILE | table_dump -stats FILE...\n");
	return 2;
}
