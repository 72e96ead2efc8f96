// SPDX-License-Identifier: GPL-2.0-only
/* Description: what this kernel has in use: the same in each cycle, or something leaks */

#include "resources.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "sysfile.h"

#define DEBUG "/sys/kernel/debug/"
#define KMEMLEAK DEBUG "kmemleak"
/* It tells only of what is older, and only of what it finds twice. */
#define KMEMLEAK_AGE_MS 6000

int64_t resources_number(const char *line, const char *name)
{
	size_t len = strlen(name);
	long long n;

	if (strncmp(line, name, len) || sscanf(line + len, "%*[: \t]%lld", &n) != 1)
		return -1;
	return n;
}

int64_t resources_intel_did(const char *line)
{
	unsigned long long hi, lo;
	char where[16];

	if (sscanf(line, "%15s 0x%*x:0x%*x 0x%llx:0x%llx", where, &hi, &lo) != 3 || !(lo & 1))
		return -1;
	return hi >> 8 & 0xffff;
}

int64_t resources_amd_did(const char *line)
{
	unsigned long long entry[4];
	unsigned int domain, bus, slot, function;

	if (sscanf(line, "%x:%x:%x.%x %llx %llx %llx %llx", &domain, &bus, &slot, &function,
		   &entry[3], &entry[2], &entry[1], &entry[0]) != 8 || !(entry[0] & 1))
		return -1;
	return entry[1] & 0xffff;
}

static int64_t number_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	int64_t n = -1;
	char line[256];

	while (f && n < 0 && fgets(line, sizeof(line), f))
		n = resources_number(line, name);
	if (f)
		fclose(f);
	return n;
}

static int64_t entries(const char *path)
{
	DIR *d = opendir(path);
	int64_t n = d ? 0 : -1;
	struct dirent *e;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int64_t highest(const char *path, int64_t (*number)(const char *line))
{
	FILE *f = fopen(path, "re");
	int64_t n, most = -1;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		n = number(line);
		most = n > most ? n : most;
	}
	if (f)
		fclose(f);
	return most;
}

static int64_t domain_id(const char *const *bdfs, size_t count)
{
	int64_t most = highest(DEBUG "iommu/intel/dmar_translation_struct", resources_intel_did);

	for (size_t i = 0; i < count && !access(DEBUG "iommu/amd/devid", W_OK); i++) {
		int64_t n;

		sysfile_write(DEBUG "iommu/amd/devid", bdfs[i]);
		n = highest(DEBUG "iommu/amd/devtbl", resources_amd_did);
		most = n > most ? n : most;
	}
	return most;
}

/* Freed pages that processors keep for themselves are free, too, and are not in MemFree. */
static int64_t kept_pages(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	int64_t sum = 0, n;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		n = resources_number(line + strspn(line, " "), "count");
		sum += n > 0 ? n : 0;
	}
	if (f)
		fclose(f);
	return sum;
}

int64_t resources_moved_pages(void)
{
	return number_in("/proc/vmstat", "pgmigrate_success");
}

int64_t resources_free_kib(void)
{
	int64_t kib;

	sync();
	sysfile_write("/proc/sys/vm/drop_caches", "3");
	kib = number_in("/proc/meminfo", "MemFree");
	return kib < 0 ? kib : kib + kept_pages() * 4;
}

static void add(json_t *all, const char *name, int64_t n)
{
	if (n >= 0)
		json_object_set_new(all, name, json_integer(n));
}

json_t *resources_json(const char *const *bdfs, size_t count)
{
	json_t *all = json_object();

	add(all, "mem_free_kib", resources_free_kib());
	add(all, "slab_kib", number_in("/proc/meminfo", "SUnreclaim"));
	add(all, "iommu_pages", number_in("/proc/vmstat", "nr_iommu_pages"));
	add(all, "page_table_pages", number_in("/proc/vmstat", "nr_page_table_pages"));
	add(all, "second_page_table_pages", number_in("/proc/vmstat", "nr_sec_page_table_pages"));
	add(all, "domain_id_max", domain_id(bdfs, count));
	add(all, "iommu_groups", entries("/sys/kernel/iommu_groups"));
	add(all, "open_files", sysfile_number("/proc/sys/fs/file-nr"));
	add(all, "kho_in", entries(DEBUG "kho/in/sub_fdts"));
	add(all, "kho_out", entries(DEBUG "kho/out/sub_fdts"));
	return all;
}

int64_t resources_withheld_kib(void)
{
	return access(KMEMLEAK, F_OK) ? 0 : number_in("/proc/meminfo", "MemTotal") / 32;
}

unsigned int resources_kmemleak(void)
{
	unsigned int found = 0;
	char line[256];
	FILE *f;

	if (access(KMEMLEAK, R_OK | W_OK))
		return 0;
	sysfile_write(KMEMLEAK, "scan");
	sleep_ms(KMEMLEAK_AGE_MS);
	sysfile_write(KMEMLEAK, "scan");
	f = fopen(KMEMLEAK, "re");
	while (f && fgets(line, sizeof(line), f)) {
		/* Behind an object's first line comes where it was allocated. */
		found += strncmp(line, "unreferenced object", 19) == 0;
		fprintf(stderr, "kmemleak: %s", line);
	}
	if (f)
		fclose(f);
	return found;
}
