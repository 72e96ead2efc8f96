// SPDX-License-Identifier: GPL-2.0-only
/* Description: let the n-th allocation that the kernel makes for this thread fail */

#include "failnth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "complain.h"
#include "sysfile.h"

static int fd = -1;

static int write_setting(const char *path, const char *text)
{
	int err = sysfile_write(path, text);

	if (err == -ENOENT)
		return complain(-ENOTSUP, "%s: allocations cannot be made to fail in this kernel",
				path);
	return err ? complain(err, "%s cannot be set to %s", path, text) : 0;
}

static int prepare(void)
{
	static const struct {
		const char *path, *text;
	} all[] = {
		/* By default only what may not sleep fails, and nothing of a single page. */
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++)
		err = write_setting(all[i].path, all[i].text);
	if (err)
		return err;
	fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return fd < 0 ? complain(-errno, "/proc/thread-self/fail-nth cannot be opened") : 0;
}

static int set(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, (size_t)len, 0) == len ? 0 : -errno;
}

int failnth_arm(unsigned int n)
{
	int err = fd < 0 ? prepare() : 0;

	if (err)
		return err;
	err = set(n);
	return err ? complain(err, "fail-nth cannot be set") : 0;
}

bool failnth_disarm(void)
{
	char text[16] = "";

	/* What is left to count down; 0: it has struck. */
	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return false;
	set(0);
	return strtoul(text, NULL, 10) == 0;
}
