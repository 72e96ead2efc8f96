// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: a send log, and a receiver's list that is judged by it */

/*
 * Input: number of records, number of patches, the first sequence, the limits; patches of
 * the log; then the list as text.
 */

#include "../lab/frames_log.c"

#include <sys/mman.h>

#include "../lab/frames_match.h"
#include "fuzz.h"

#define RECORDS 32

struct log {
	struct frames_log_head head;
	struct frames_sent sent[RECORDS];
};

/* A descriptor of a log. */
static int make_log(struct fuzz *f, struct frames_limits *limits)
{
	static struct log log;
	size_t count = fuzz_number(f, 1) % (RECORDS + 1), patches = fuzz_number(f, 1) % 8;
	uint64_t first = fuzz_number(f, 8);
	int fd = memfd_create("log", MFD_CLOEXEC);
	size_t size = sizeof(log.head) + count * sizeof(log.sent[0]);

	limits->from = fuzz_number(f, 1) ? first + 2 : 0;
	limits->to = fuzz_number(f, 1) ? first + 9 : UINT64_MAX;
	limits->settled_ns = fuzz_number(f, 2);
	limits->late_ns = fuzz_number(f, 1);
	log.head = (struct frames_log_head){
		.magic = FRAMES_LOG_MAGIC, .record_size = sizeof(log.sent[0]), .stream = 1,
	};
	for (size_t i = 0; i < count; i++)
		log.sent[i] = (struct frames_sent){ first + i, 1000 * i, 1000 * i + 10, i & 1 };
	while (patches--)
		fuzz_patch(f, &log, size);
	/* Cut off inside a record, or not. */
	MUST(write(fd, &log, size - (count && limits->late_ns & 1 ? 5 : 0)) > 0);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void match(const struct frames_sent *sent, size_t count, const struct frames_limits *limits,
		  const char *list)
{
	struct frames_verdict v;
	struct frames_match m;
	const char *bad = NULL;
	json_t *json;
	int err;

	MUST(!frames_match_begin(&m, sent, count, limits));
	err = frames_match_list(&m, list, &bad);
	MUST(bad >= list && bad <= list + strlen(list));
	MUST(err || !*bad);
	frames_match_end(&m, &v);
	MUST(v.sent <= count);
	MUST(v.sent == v.landed + v.lost + v.pending);
	MUST(v.holes <= v.lost);
	json = frames_verdict_json(&v);
	MUST(json);
	json_decref(json);
}

FUZZ()
{
	struct fuzz f = { data, size };
	struct frames_limits limits;
	struct frames_sent *sent;
	int fd = make_log(&f, &limits);
	uint16_t stream;
	size_t count;

	if (!read_records(fd, &stream, &sent, &count)) {
		char *list = malloc(f.left + 1);

		list[fuzz_bytes(&f, list, f.left)] = 0;
		match(sent, count, &limits, list);
		free(list);
		free(sent);
	}
	close(fd);
	return 0;
}
