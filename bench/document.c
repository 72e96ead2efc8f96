// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the result files of all native benches have in common */

#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void document_cpu(char *name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(name, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !value)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(name, size, "%s", value + 2);
		break;
	}
	if (f)
		fclose(f);
}

json_t *document_new(const char *schema, const char *command, const char *series)
{
	time_t now = time(NULL);
	char cpu[128], date[32];

	document_cpu(cpu, sizeof(cpu));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	return json_pack("{s:s,s:s,s:s,s:s,s:{s:s},s:{s:s}}", "schema", schema, "started", date,
			 "timing", "real", "command", command, "kernel", "series_sha256", series,
			 "host", "cpu", cpu);
}

int document_print(json_t *document, FILE *f)
{
	int ret;

	if (!document)
		return -ENOMEM;
	ret = json_dumpf(document, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(document);
	return ret || fputc('\n', f) == EOF || fflush(f) ? -EIO : 0;
}

static void say_error(const char *path, int err)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, strerror(-err));
}

int document_writable(const char *path)
{
	bool new = access(path, F_OK);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666), ret = -errno;

	if (fd < 0) {
		say_error(path, ret);
		return ret;
	}
	close(fd);
	if (new)
		unlink(path);
	return 0;
}

int document_save(json_t *document, const char *path)
{
	FILE *f = fopen(path, "we");
	int ret;

	if (!f) {
		ret = -errno;
		json_decref(document);
	} else {
		ret = document_print(document, f);
		if (fclose(f) && !ret)
			ret = -errno;
		if (ret)
			unlink(path);
	}
	if (ret)
		say_error(path, ret);
	return ret;
}
