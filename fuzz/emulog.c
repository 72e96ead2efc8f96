// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: lines of the emulator's log */

/* Input: lines. */

#include "../lab/emulog.c"

#include "fuzz.h"

#define TIME "2026-11-21T12:24:12.946190Z "

static const struct lab_device devices[] = {
	{ "0000:01:00.0", "0000:00:03.0" }, { "0000:05:00.0", "0000:00:06.0" },
};
static const struct emulog_watch watch = { .devices = devices, .count = 2 };

/* A time before it says nothing of the kind of a line that has none. */
static void check_kind(const char *line, enum emulog_kind kind)
{
	char *with = malloc(sizeof(TIME) + strlen(line));

	strcpy(with, TIME);
	strcat(with, line);
	if (*line && strchr("pvaI", *line))
		MUST(emulog_classify(&watch, with) == kind);
	free(with);
}

FUZZ()
{
	struct fuzz f = { data, size };
	struct emulog_counts c = { 0 };
	json_t *counts;

	while (f.left) {
		char *line = fuzz_line(&f);
		enum emulog_kind kind = emulog_classify(&watch, line);

		check_kind(line, kind);
		c.n[kind]++;
		free(line);
	}
	emulog_settle(&c, 1, size & 1);
	counts = emulog_json(&c);
	MUST(json_object_size(counts) == EMU_KINDS - EMU_MACHINE_RESET - 1);
	json_decref(counts);
	return 0;
}
