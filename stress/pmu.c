// SPDX-License-Identifier: GPL-2.0-only
/* Description: the IOMMU's own performance counters, where the machine has them */

#include "pmu.h"

#include <dirent.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sysfile.h"

static bool read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(text, (int)size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = 0;
	return ok;
}

/* Put @value where format/@term says: "config1:16-31". */
static bool set_term(const char *dir, const char *term, uint64_t value, uint64_t config[3])
{
	unsigned int word = 0, first, last;
	char path[PATH_MAX], text[64];
	const char *colon;

	snprintf(path, sizeof(path), "%s/format/%s", dir, term);
	if (strchr(term, '/') || !read_text(path, text, sizeof(text)) ||
	    strncmp(text, "config", 6) != 0)
		return false;
	colon = strchr(text, ':');
	if (text[6] >= '0' && text[6] <= '2')
		word = (unsigned int)(text[6] - '0');
	if (!colon || sscanf(colon, ":%u", &first) != 1)
		return false;
	if (sscanf(colon, ":%*u-%u", &last) != 1)
		last = first;
	if (last < first || last > 63 || (last - first < 63 && value >> (last - first + 1)))
		return false;
	config[word] |= value << first;
	return true;
}

bool pmu_config(const char *dir, const char *terms, uint64_t config[3])
{
	char copy[256], *rest = copy, *term;

	memset(config, 0, 3 * sizeof(*config));
	snprintf(copy, sizeof(copy), "%s", terms);
	while ((term = strsep(&rest, ","))) {
		char *value = strchr(term, '=');

		if (value)
			*value++ = 0;
		if (!set_term(dir, term, value ? strtoull(value, NULL, 0) : 1, config))
			return false;
	}
	return true;
}

static int open_event(const char *dir, const char *event)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	char path[PATH_MAX], terms[256];
	uint64_t config[3];
	int64_t type, cpu;

	snprintf(path, sizeof(path), "%s/events/%s", dir, event);
	if (!read_text(path, terms, sizeof(terms)) || !pmu_config(dir, terms, config))
		return -1;
	snprintf(path, sizeof(path), "%s/type", dir);
	type = sysfile_number(path);
	snprintf(path, sizeof(path), "%s/cpumask", dir);
	cpu = sysfile_number(path);
	if (type < 0)
		return -1;
	attr.type = (uint32_t)type;
	attr.config = config[0];
	attr.config1 = config[1];
	attr.config2 = config[2];
	/* A unit's counters belong to no process. */
	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu < 0 ? 0 : (int)cpu, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

static void start_unit(struct pmu *p, const char *sources, const char *unit)
{
	char dir[PATH_MAX / 2], path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/%s", sources, unit);
	snprintf(path, sizeof(path), "%s/events", dir);
	d = opendir(path);
	while (d && p->count < PMU_EVENTS && (e = readdir(d))) {
		struct pmu_event *event = &p->events[p->count];

		if (e->d_name[0] == '.')
			continue;
		snprintf(event->name, sizeof(event->name), "%.31s/%.63s", unit, e->d_name);
		event->fd = open_event(dir, e->d_name);
		p->count += event->fd >= 0;
	}
	if (d)
		closedir(d);
}

void pmu_start(struct pmu *p, const char *sources)
{
	DIR *d = opendir(sources);
	struct dirent *e;

	p->count = 0;
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "dmar", 4) == 0 ||
		    strncmp(e->d_name, "amd_iommu_", 10) == 0)
			start_unit(p, sources, e->d_name);
	}
	if (d)
		closedir(d);
}

json_t *pmu_stop(struct pmu *p)
{
	json_t *all = p->count ? json_object() : json_null();

	for (size_t i = 0; i < p->count; i++) {
		struct {
			uint64_t value, enabled, running;
		} got;

		if (read(p->events[i].fd, &got, sizeof(got)) == sizeof(got) && got.running)
			json_object_set_new(all, p->events[i].name,
					    json_integer((json_int_t)((double)got.value *
								      (double)got.enabled /
								      (double)got.running)));
		close(p->events[i].fd);
	}
	p->count = 0;
	return all;
}
