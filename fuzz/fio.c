// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: what fio says of its job */

/* Input: its standard output, with any number of documents. */

#include "../stress/fio.c"

#include "fuzz.h"

/* No drive is looked for here. */
int bystander_drive(char *path, size_t size)
{
	(void)path;
	(void)size;
	return -ENODEV;
}

FUZZ()
{
	struct fuzz f = { data, size };
	static struct child c;
	struct fio_job job;
	int ends[2];

	complaint_clear();
	fuzz_peer(&f, ends);
	c = (struct child){ .pid = -1, .out = ends[0], .name = "fio" };
	while (!fio_read_job(&c, &job, 1000)) {
		/* It becomes an error code of ours, and these the sums of the account. */
		MUST(job.error >= 0);
		MUST(job.read <= INT64_MAX && job.written <= INT64_MAX && job.ios <= INT64_MAX);
	}
	close(ends[0]);
	close(ends[1]);
	return 0;
}
