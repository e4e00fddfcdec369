/*
 * base: what every other layer stands on.
 *
 * The front header of the layer: include this one, not its parts. Nothing in base does I/O, prints,
 * exits, or reads the environment. Everything is single-threaded per object: two threads may use
 * two objects at once, not one object together.
 *
 * Memory comes from the calling thread's heap (mem.h): malloc in the sonde command, a private mmap
 * arena inside a program that is being measured.
 */
#ifndef SONDE_BASE_H
#define SONDE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define array_len(a)	  (sizeof(a) / sizeof((a)[0]))
#define attr_printf(f, a) __attribute__((format(printf, f, a)))
#define must_check	  __attribute__((warn_unused_result))

#include "base/err.h"
#include "base/mem.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "base/hash.h"
#include "base/strtab.h"
#include "base/utf8.h"
#include "base/wire.h"
#include "base/gzip.h"
#include "base/unzstd.h"
#include "base/regex.h"
#include "base/goflag.h"
#include "base/html.h"
#include "base/json.h"
#include "base/library.h"
#include "base/path.h"

#endif
