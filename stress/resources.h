/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what this kernel has in use: the same in each cycle, or something leaks */

#ifndef HF_RESOURCES_H
#define HF_RESOURCES_H

#include <jansson.h>
#include <stdint.h>

/* Free memory in KiB, caches dropped; -1: not known. */
int64_t resources_free_kib(void);

/* How many pages this kernel has moved elsewhere, ever; -1: not known. */
int64_t resources_moved_pages(void);

/*
 * {"mem_free_kib": n, ...}: new reference, without what this kernel does not show. Highest
 * domain ID: lowest ones are given out first, so one that is lost pushes it up. An AMD unit
 * is asked for those of @bdfs.
 */
json_t *resources_json(const char *const *bdfs, size_t count);

/*
 * What may be freed and not be free: KASAN keeps it for a while, up to 1/32 of all memory. There
 * kmemleak looks for leaks. 0 in a kernel without either.
 */
int64_t resources_withheld_kib(void);

/*
 * How many objects kmemleak finds unreferenced, with a line on the console for each, which the
 * lab takes for a kernel's warning. 0 without kmemleak. Takes some seconds with it.
 */
unsigned int resources_kmemleak(void);

/* Of one line of text, for the tests: the number behind @name; -1: another line. */
int64_t resources_number(const char *line, const char *name);
/* ... of intel/dmar_translation_struct, amd/devtbl: the domain ID; -1: no entry. */
int64_t resources_intel_did(const char *line);
int64_t resources_amd_did(const char *line);

#endif /* HF_RESOURCES_H */
