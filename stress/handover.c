// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the kernel tells of a hand-over: debugfs handover/, and the interrupts */

#include "handover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfile.h"

#define DIR_NAME "/sys/kernel/debug/handover/"

const char *const phase_names[PHASES] = {
	"shutdown", "jump", "early_boot", "restore", "init", "retrieve", "resume",
};

static const char *const mark_names[MARKS] = {
	"freeze", "jump", "early", "takeover", "probe", "init", "retrieve", "resume",
};

/* The phase that ends at a mark. What is before and at freeze is shutdown. */
static const enum phase phase_of_mark[MARKS] = {
	[MARK_FREEZE] = PHASE_SHUTDOWN,
	[MARK_JUMP] = PHASE_SHUTDOWN,
	[MARK_EARLY] = PHASE_JUMP,
	[MARK_TAKEOVER] = PHASE_EARLY_BOOT,
	[MARK_PROBE] = PHASE_RESTORE,
	[MARK_INIT] = PHASE_INIT,
	[MARK_RETRIEVE] = PHASE_RETRIEVE,
	[MARK_RESUME] = PHASE_RESUME,
};

static void put(const char *file, const char *text)
{
	int err = sysfile_write(file, text);

	/* A kernel without hand-overs has no such file */
	if (err && err != -ENOENT)
		fprintf(stderr, "hf-agent: %s does not take \"%s\"\n", file, text);
}

void handover_mark(const char *name)
{
	put(DIR_NAME "mark", name);
}

void handover_watch_clear(void)
{
	put(DIR_NAME "watch", "clear");
}

unsigned int handover_watch(int memfd, uint64_t offset, uint32_t count, unsigned int byte,
		    unsigned int mask, unsigned int value)
{
	char text[128];

	if (!count)
		return 0;
	snprintf(text, sizeof(text), "%d %llu 16 %u %u %u %u", memfd,
		 (unsigned long long)offset, count, byte, mask, value);
	put(DIR_NAME "watch", text);
	return 1;
}

bool timeline_line(struct timeline *t, const char *line)
{
	unsigned long long tsc, seen;
	char name[16];
	int used, more, watch = 0;

	if (sscanf(line, "%15s %llu%n", name, &tsc, &used) != 2)
		return false;
	for (int i = 0; i < MARKS; i++) {
		if (strcmp(name, mark_names[i]) != 0)
			continue;
		t->set[i] = true;
		t->tsc[i] = tsc;
		t->seen[i] = 0;
		for (line += used; sscanf(line, "%llu%n", &seen, &more) == 1; line += more) {
			t->seen[i] += seen;
			if (watch < TIMELINE_WATCHES)
				t->watch[i][watch++] = seen;
		}
		return true;
	}
	return false;
}

/*
 * "unit NAME records overflows boot": the lines of single sources are parts of it, and do not
 * have what came from nobody known.
 */
bool faults_line(struct faults *f, const char *line)
{
	unsigned long long records, overflows, boot;

	if (sscanf(line, "unit %*s %llu %llu %llu", &records, &overflows, &boot) != 3)
		return false;
	f->count += records + overflows + boot;
	return true;
}

/* It goes into the record as it is. */
static bool is_printable(const char *s)
{
	while (*s >= ' ' && *s <= '~')
		s++;
	return !*s;
}

/* "levels=32768,64,1,1" behind the figures, by kernels that know. */
static void take_levels(struct restore_walk *w, const char *line)
{
	const char *at = strstr(line, " levels=");
	unsigned long long n;
	int used;

	at = at ? at + strlen(" levels=") : "";
	for (unsigned int i = 0; i < WALK_LEVELS && sscanf(at, "%llu%n", &n, &used) == 1; i++) {
		w->of_level[i] += n;
		if (w->levels <= i)
			w->levels = i + 1;
		at += used;
		at += *at == ',';
	}
}

/* "bad=0 of=32834": what was no table, and how many tables there should have been */
static void take_leaks(struct restore_walk *w, const char *line, uint64_t tables)
{
	const char *at = strstr(line, " bad=");
	unsigned long long bad, expected;

	if (!at || sscanf(at, " bad=%llu of=%llu", &bad, &expected) != 2)
		return;
	w->bad += bad;
	w->missing += expected > tables ? expected - tables : tables - expected;
}

bool restore_line(struct restore_walk *w, const char *line)
{
	unsigned long long tables, entries, ns;
	char id[32], where[32];

	if (sscanf(line, "%31s %31s %llu %llu %llu", id, where, &tables, &entries, &ns) != 5 ||
	    !is_printable(where))
		return false;
	memcpy(w->where, where, sizeof(where));
	w->there = true;
	w->tables += tables;
	w->entries_read += entries;
	w->ns += ns;
	take_levels(w, line);
	take_leaks(w, line, tables);
	return true;
}

void handover_timeline(struct timeline *t)
{
	FILE *f = fopen(DIR_NAME "timeline", "re");
	char line[256];

	memset(t, 0, sizeof(*t));
	t->there = f;
	while (f && fgets(line, sizeof(line), f))
		timeline_line(t, line);
	if (f)
		fclose(f);
}

void handover_faults(struct faults *faults)
{
	FILE *f = fopen(DIR_NAME "faults", "re");
	char line[256];

	memset(faults, 0, sizeof(*faults));
	/* Without a single unit nobody has looked. */
	while (f && fgets(line, sizeof(line), f))
		faults->there |= faults_line(faults, line);
	if (f)
		fclose(f);
}

void handover_restore_walk(struct restore_walk *w)
{
	FILE *f = fopen(DIR_NAME "restore", "re");
	char line[256];

	memset(w, 0, sizeof(*w));
	while (f && fgets(line, sizeof(line), f))
		restore_line(w, line);
	if (f)
		fclose(f);
}

void timeline_drop(struct timeline *t, unsigned int count)
{
	for (int i = 0; i < MARKS; i++) {
		for (unsigned int w = 0; w < count && w < TIMELINE_WATCHES; w++)
			t->seen[i] -= t->watch[i][w];
	}
}

void phases_split(struct phases *p, const struct timeline *t, uint64_t tsc_begin,
		  uint64_t tsc_end, uint64_t arrived)
{
	uint64_t tsc = tsc_begin, seen = 0;
	enum phase last = PHASE_RESUME;

	memset(p, 0, sizeof(*p));
	if (!t->there)
		return;
	/* The resume mark is the end itself: the agent's own numbers are nearer. */
	for (int i = 0; i < MARK_RESUME; i++) {
		enum phase phase = phase_of_mark[i];

		/* A mark out of order would make a phase of negative length. */
		if (!t->set[i] || t->tsc[i] < tsc || t->tsc[i] > tsc_end || t->seen[i] < seen)
			continue;
		p->known[phase] = true;
		p->ticks[phase] += t->tsc[i] - tsc;
		p->arrived[phase] += t->seen[i] - seen;
		tsc = t->tsc[i];
		seen = t->seen[i];
	}
	p->known[last] = true;
	p->ticks[last] = tsc_end - tsc;
	p->arrived[last] = arrived > seen ? arrived - seen : 0;
}

/*
 * Whose interrupt it is, by the name that its driver gave. Drivers of serial ports and of
 * NVMe drives ask for their own interrupt more often than they find a reason: both look
 * at the device at other times, too.
 */
static bool has_ordinary_owner(const char *dir)
{
	DIR *d = opendir(dir);
	bool ordinary = false;
	struct dirent *e;

	while (d && (e = readdir(d)))
		ordinary |= strncmp(e->d_name, "ttyS", 4) == 0 || strncmp(e->d_name, "nvme", 4) == 0;
	if (d)
		closedir(d);
	return ordinary;
}

/* The name of the first action; "?" if nobody has the interrupt. */
static void owner(const char *dir, char *name, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	snprintf(name, size, "?");
	while (d && (e = readdir(d))) {
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			snprintf(name, size, "%.*s", (int)size - 1, e->d_name);
	}
	if (d)
		closedir(d);
}

/* "unhandled N" of /proc/irq/<n>/spurious. */
static uint64_t unhandled(const char *dir)
{
	unsigned long long n, sum = 0;
	char path[300], line[64];
	FILE *f;

	if (has_ordinary_owner(dir))
		return 0;
	snprintf(path, sizeof(path), "%s/spurious", dir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "unhandled %llu", &n) == 1)
			sum += n;
	}
	if (f)
		fclose(f);
	owner(dir, line, sizeof(line));
	if (sum)
		fprintf(stderr, "hf-agent: %s (%s): %llu interrupts that no handler wanted\n", dir,
			line, sum);
	return sum;
}

uint64_t kernel_log_lines(const char *text)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t count = 0;
	char record[8192];
	ssize_t n;

	/* One record per read; the end is EAGAIN. */
	while (fd >= 0 && (n = read(fd, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		count += strstr(record, text) != NULL;
	}
	if (fd >= 0)
		close(fd);
	return count;
}

uint64_t irq_spurious(void)
{
	uint64_t sum = kernel_log_lines("No irq handler for vector");
	DIR *d = opendir("/proc/irq");
	struct dirent *e;
	char dir[280];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(dir, sizeof(dir), "/proc/irq/%s", e->d_name);
		sum += unhandled(dir);
	}
	if (d)
		closedir(d);
	return sum;
}

uint64_t irq_nobody_cared(void)
{
	return kernel_log_lines("nobody cared");
}
