// SPDX-License-Identifier: GPL-2.0-only
/* Description: the loads beside the best that others have: fio and testpmd, in one kernel */

#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <pci/pci.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "complain.h"
#include "fio.h"
#include "pcidev.h"

#define IVSHMEM_VENDOR 0x1af4	/* QEMU, docs/specs/pci-ids */
#define IVSHMEM_DEVICE 0x1110
#define COUNTS 64		/* processors, 64 bytes each */
#define IDLE_US 100		/* asleep when there is nothing to take */
#define WARM_UP_S 2
#define BATCHES "--iodepth_batch_submit=32 --iodepth_batch_complete_min=32"
#define STOP_MS 15000
#define READY_MS 60000

/* What came of one load. */
struct work {
	double done;		/* commands or frames */
	double cost;		/* of the machine: millions of instructions, or seconds */
	double wall_s;
};

/* Seconds that the processors were not idle, since the start: proc_stat(5). */
static double busy_s(void)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;
	FILE *f = fopen("/proc/stat", "re");
	int got = 0;

	if (f) {
		got = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system,
			     &idle, &iowait, &irq, &softirq);
		fclose(f);
	}
	if (got != 7)
		return 0;
	return (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
}

/* BAR 2 of a device that no driver has, and so nobody has switched on. */
static const volatile uint64_t *map_counts(const struct pci_dev *dev)
{
	char path[96];
	void *map;
	FILE *enable;
	int fd, used;

	used = snprintf(path, sizeof(path), "/sys/bus/pci/devices/%04x:%02x:%02x.%x/",
			(unsigned int)dev->domain, dev->bus, dev->dev, dev->func);
	snprintf(path + used, sizeof(path) - (size_t)used, "enable");
	enable = fopen(path, "we");
	if (!enable || fputs("1", enable) < 0 || fclose(enable))
		return NULL;
	snprintf(path + used, sizeof(path) - (size_t)used, "resource2");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, COUNTS * 64, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

/* The counts of bench/insn.c; NULL: this machine has none. */
static const volatile uint64_t *find_counts(void)
{
	static const volatile uint64_t *counts;
	struct pci_access *pci = counts ? NULL : pcidev_open(NULL);
	struct pci_dev *dev;

	if (!pci)
		return counts;
	pci_scan_bus(pci);
	for (dev = pci->devices; dev && !counts; dev = dev->next) {
		pci_fill_info(dev, PCI_FILL_IDENT);
		if (dev->vendor_id == IVSHMEM_VENDOR && dev->device_id == IVSHMEM_DEVICE)
			counts = map_counts(dev);
	}
	pci_cleanup(pci);
	return counts;
}

/* Millions of instructions of all processors, or seconds that they were busy. */
static double cost_now(void)
{
	const volatile uint64_t *counts = find_counts();
	uint64_t sum = 0;

	if (!counts)
		return busy_s();
	for (int i = 0; i < COUNTS; i++)
		sum += counts[i * 8];
	return (double)sum / 1e6;
}

static void wait_a_little(void)
{
	const struct timespec ts = { .tv_nsec = IDLE_US * 1000 };

	nanosleep(&ts, NULL);
}

static double per_cost(const struct work *w)
{
	return w->cost > 0 ? w->done / w->cost : 0;
}

static json_t *work_json(const struct work *w)
{
	return json_pack("{s:f,s:f,s:f,s:f}", "done", w->done, "cost", w->cost,
			 "per_second", w->wall_s > 0 ? w->done / w->wall_s : 0.0,
			 "per_cost", per_cost(w));
}

/* {"ours": ..., "theirs": ..., "name": whose, "ratio": ours by theirs} */
static json_t *ratio_json(const struct work *ours, const struct work *theirs, const char *name)
{
	double other = per_cost(theirs);

	return json_pack("{s:s,s:o,s:o,s:s,s:f}", "cost_in", find_counts() ?
			 "million instructions" : "CPU seconds", "ours", work_json(ours), "theirs",
			 work_json(theirs), "name", name, "ratio",
			 other > 0 ? per_cost(ours) / other : 0.0);
}

/*
 * The drive
 */

static void read_for(struct load *load, uint32_t seconds)
{
	uint64_t end = now_ms() + (uint64_t)seconds * 1000;

	while (now_ms() < end) {
		if (load_reap(load))
			load_fill(load, LOAD_READ);
		else
			wait_a_little();
	}
}

static int read_ours(struct drive *d, uint32_t seconds, struct work *w)
{
	uint32_t depth = d->state->depth;
	uint64_t before, begin;
	int err = 0;

	d->state->depth = COMPARE_DEPTH;
	load_fill(&d->load, LOAD_READ);
	read_for(&d->load, WARM_UP_S);
	before = d->load.counts.reaped;
	begin = now_ms();
	w->cost = -cost_now();
	read_for(&d->load, seconds);
	w->cost += cost_now();
	w->wall_s = (double)(now_ms() - begin) / 1e3;
	w->done = (double)(d->load.counts.reaped - before);
	if (load_drain(&d->load, DRAIN_MS))
		err = complain(-ETIMEDOUT, "compared reads do not end");
	/* Where the canaries are depends on the depth. */
	d->state->depth = depth;
	return err ? err : drive_expect_clean(d, "compared reads");
}

/* One run of fio, with its start and its end. */
static int run_fio(const char *program, const char *file, const char *engine, uint32_t seconds,
		   struct work *w)
{
	char filename[80], depth[32], runtime[32], words[160], *rest = words, *word;
	char *argv[20] = {
		(char *)program, (char *)"--name=compare", (char *)"--output-format=json",
		(char *)"--eta=never", (char *)"--rw=randread", (char *)"--bs=4k",
		(char *)"--direct=1", (char *)"--time_based", (char *)"--thread",
		(char *)"--randrepeat=0", (char *)"--norandommap", filename, depth, runtime,
	};
	struct fio_job job;
	struct child c;
	int n = 14, err;

	/* Commands of NVMe itself are for the character device of the same namespace. */
	if (strstr(engine, "io_uring_cmd") && strncmp(file, "/dev/nvme", 9) == 0)
		snprintf(filename, sizeof(filename), "--filename=/dev/ng%s", file + 9);
	else
		snprintf(filename, sizeof(filename), "--filename=%s", file);
	snprintf(depth, sizeof(depth), "--iodepth=%d", COMPARE_DEPTH);
	snprintf(runtime, sizeof(runtime), "--runtime=%u", seconds);
	snprintf(words, sizeof(words), "%s", engine);
	while ((word = strsep(&rest, " ")) && n < 19)
		argv[n++] = word;
	w->cost = -cost_now();
	err = child_start(&c, "fio", argv);
	if (err)
		return err;
	err = fio_read_job(&c, &job, seconds * 1000 + READY_MS);
	w->cost += cost_now();
	child_stop(&c, err ? SIGKILL : 0, STOP_MS);
	w->done = (double)job.ios;
	return err ? err : job.error ? complain(-job.error, "fio with %s", engine) : 0;
}

/* What a longer run has more than a shorter one: neither start nor end is in it. */
static int read_fio(const char *program, const char *file, const char *engine, uint32_t seconds,
		    struct work *w)
{
	struct work shorter = { 0 };
	int err = run_fio(program, file, engine, WARM_UP_S, &shorter);

	if (!err)
		err = run_fio(program, file, engine, WARM_UP_S + seconds, w);
	w->done -= shorter.done;
	w->cost -= shorter.cost;
	w->wall_s = seconds;
	return err;
}

json_t *compare_drive(struct drive *d, const char *program, const char *file, uint32_t seconds)
{
	/* The kernel has a queue to poll (nvme.poll_queues=1). The last goes past the block layer. */
	static const char *const engines[] = {
		"--ioengine=io_uring --fixedbufs --registerfiles",
		"--ioengine=io_uring --fixedbufs --registerfiles --hipri",
		"--ioengine=io_uring --fixedbufs --registerfiles " BATCHES,
		"--ioengine=io_uring --fixedbufs --registerfiles --hipri " BATCHES,
		"--ioengine=io_uring_cmd --cmd_type=nvme --direct=0 --fixedbufs " BATCHES,
	};
	struct work ours, best = { 0 };
	json_t *all = json_array();
	const char *winner = "";
	int err = read_ours(d, seconds, &ours);

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]) && !err; i++) {
		struct work w;

		err = read_fio(program, file, engines[i], seconds, &w);
		if (err)
			break;
		json_array_append_new(all, json_pack("{s:s,s:o}", "engine", engines[i], "work",
						     work_json(&w)));
		if (per_cost(&w) > per_cost(&best)) {
			best = w;
			winner = engines[i];
		}
	}
	if (err) {
		json_decref(all);
		return NULL;
	}
	return json_pack("{s:i,s:o,s:o}", "depth", COMPARE_DEPTH, "engines", all, "best",
			 ratio_json(&ours, &best, winner));
}

/*
 * The NIC
 */

static void receive_for(struct nic *n, uint32_t seconds)
{
	uint64_t end = now_ms() + (uint64_t)seconds * 1000;

	while (now_ms() < end) {
		if (!nicload_receive(&n->load))
			wait_a_little();
	}
}

static int receive_ours(struct nic *n, uint32_t seconds, struct work *w)
{
	const char *why;
	uint64_t before, begin;

	receive_for(n, WARM_UP_S);
	before = n->load.counts.received;
	begin = now_ms();
	w->cost = -cost_now();
	receive_for(n, seconds);
	w->cost += cost_now();
	w->wall_s = (double)(now_ms() - begin) / 1e3;
	w->done = (double)(n->load.counts.received - before);
	why = nic_objection(&n->load.counts);
	return why ? complain(-EIO, "compared frames: %s: %s", why, n->load.problem) : 0;
}

/* testpmd's statistics, each second: the next count of frames. */
static int next_count(struct child *c, double *frames)
{
	char line[512];
	int got;

	for (;;) {
		got = child_line(c, line, sizeof(line), READY_MS);
		if (got <= 0)
			return got ? got : complain(-EIO, "testpmd has ended");
		if (sscanf(line, " RX-packets: %lf", frames) == 1)
			return 0;
	}
}

static int receive_testpmd(const char *program, const char *bdf, uint32_t seconds, struct work *w)
{
	char allow[32];
	char *argv[] = {
		(char *)program, (char *)"-d", (char *)"librte_net_e1000.so.23", (char *)"-d",
		(char *)"librte_mempool_ring.so.23", (char *)"--no-huge", (char *)"--no-telemetry",
		(char *)"--no-shconf", (char *)"-m", (char *)"256", (char *)"--iova-mode=va",
		(char *)"-l", (char *)"0,1", (char *)"-a", allow, (char *)"--",
		(char *)"--forward-mode=rxonly", (char *)"--auto-start", (char *)"--stats-period=1",
		(char *)"--total-num-mbufs=8192", (char *)"--no-lsc-interrupt", NULL,
	};
	double first, last, before = 0;
	uint64_t begin = 0;
	struct child c;
	int err;

	snprintf(allow, sizeof(allow), "%s", bdf);
	err = child_start(&c, "testpmd", argv);
	if (err)
		return err;
	for (uint32_t i = 0; i < WARM_UP_S + 1 && !err; i++)
		err = next_count(&c, &first);
	begin = now_ms();
	before = cost_now();
	last = first;
	for (uint32_t i = 0; i < seconds && !err; i++)
		err = next_count(&c, &last);
	w->cost = cost_now() - before;
	w->wall_s = (double)(now_ms() - begin) / 1e3;
	w->done = last - first;
	child_stop(&c, SIGINT, STOP_MS);
	return err;
}

json_t *compare_nic(struct nic *n, const char *program, const char *bdf, uint32_t seconds)
{
	struct work ours, theirs;
	int err = receive_ours(n, seconds, &ours);

	if (!err)
		err = pcidev_bind_vfio(bdf);
	if (!err)
		err = receive_testpmd(program, bdf, seconds, &theirs);
	return err ? NULL : json_pack("{s:o}", "best", ratio_json(&ours, &theirs, "testpmd rxonly"));
}
