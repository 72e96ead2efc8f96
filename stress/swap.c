// SPDX-License-Identifier: GPL-2.0-only
/* Description: hf-swap: replace the page table under a drive that never stops */

/*
 * Two page tables over the same memory, at the same addresses. One thread keeps
 * the drive reading and checks every byte; the other one replaces one table by
 * the other, again and again, and now and then tries one that must be refused.
 * Nothing of this may be noticed by the drive: no command fails, no data is lost,
 * the IOMMU records no fault.
 *
 * After each attach, refused or not, commands that were sent later must complete: a
 * drive that has stopped cannot lose anything.
 */

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "clock.h"
#include "complain.h"
#include "handover.h"
#include "iommu.h"
#include "ledger.h"
#include "load.h"
#include "memory.h"
#include "nvme.h"
#include "pcidev.h"

#define QUIET_MS 5000	/* a drive without load answers within this, also with stretch */
#define REFUSE_EVERY 10	/* swaps between two that must be refused */

static const char usage[] =
	"usage: hf-swap [--bdf=A] [--swaps=N] [--depth=N]\n"
	"Replaces the IOMMU page table of an NVMe drive while the drive reads, and checks\n"
	"every byte. The drive's data are overwritten. Prints one JSON object.\n"
	"  --bdf=A    the drive, as dddd:bb:dd.f (0000:01:00.0)\n"
	"  --swaps=N  how often (1000)\n"
	"  --depth=N  commands in flight, 1 to 4095 (256)\n"
	"exit code: 0 no DMA was lost, 1 some was, 2 usage or lab error\n";

enum exit_code {
	EXIT_PASS = 0,
	EXIT_FAIL = 1,
	EXIT_ERROR = 2,
};

struct swap {
	const char *bdf;
	unsigned long swaps, depth;

	int iommufd;
	struct vfio vfio;
	struct memory dma;
	struct iommu_map maps[2];
	struct iommu_map refused; /* .hwpt 0: this IOMMU refuses none */
	volatile void *bar;
	struct nvme nvme;
	struct ledger_state state;
	struct load load;	/* the reading thread's, while that runs */

	atomic_bool stop;
	atomic_ulong reads;	/* completions so far */
	unsigned long done, refusals;
	int refused_as;		/* what the kernel said, -errno */
	uint64_t faults_before;
};

/*
 * A table that wants to hear of I/O page faults, which only devices with PRI have:
 * the driver finds that out when it is attached. None if the IOMMU cannot make it.
 */
static void make_refused(struct swap *s)
{
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt), .flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = s->vfio.dev_id, .pt_id = s->maps[0].ioas,
	};

	if (ioctl(s->iommufd, IOMMU_FAULT_QUEUE_ALLOC, &fault))
		return;
	hwpt.fault_id = fault.out_fault_id;
	if (!ioctl(s->iommufd, IOMMU_HWPT_ALLOC, &hwpt))
		s->refused.hwpt = hwpt.out_hwpt_id;
}

static int start_tables(struct swap *s)
{
	int err = iommu_map_above(&s->maps[0], s->iommufd, s->dma.fd, s->dma.size, &s->vfio,
				  memory_top_of_ram());

	if (err)
		return err;
	s->maps[1].iova = s->maps[0].iova;
	err = iommu_map(&s->maps[1], s->iommufd, s->dma.fd, s->dma.size, &s->vfio);
	if (err)
		return complain(err, "no second page table");
	make_refused(s);
	return vfio_attach(&s->vfio, &s->maps[0]);
}

static int start_device(struct swap *s)
{
	int err = pcidev_bind_vfio(s->bdf);

	if (err)
		return err;
	s->iommufd = iommu_open();
	if (s->iommufd < 0)
		return s->iommufd;
	err = vfio_open(&s->vfio, s->bdf);
	if (!err)
		err = vfio_bind(&s->vfio, s->iommufd);
	if (!err)
		err = start_tables(s);
	if (!err)
		err = vfio_enable_dma(&s->vfio);
	return err ? err : vfio_map_bar0(&s->vfio, NVME_BAR_SIZE, &s->bar);
}

static int start_load(struct swap *s)
{
	int err;

	s->state.depth = (uint32_t)s->depth;
	err = nvme_start(&s->nvme, s->bar, &s->dma, s->maps[0].iova, s->state.depth);
	if (err)
		return err;
	if (s->nvme.state.blocks < s->depth * GROUP_BLOCKS)
		return complain(-ENOSPC, "the drive is too small");
	load_init(&s->load, &s->nvme, &s->dma, &s->state);
	load_fill(&s->load, LOAD_INIT);
	if (load_drain(&s->load, QUIET_MS) || s->load.problem[0])
		return complain(-EIO, "first write: %s", s->load.problem);
	return 0;
}

static int start(struct swap *s)
{
	struct faults faults;
	int err = memory_create_huge(&s->dma, "dma", dma_size((unsigned int)s->depth));

	if (!err)
		err = start_device(s);
	if (!err)
		err = start_load(s);
	handover_faults(&faults);
	s->faults_before = faults.count;
	return err;
}

static void *keep_reading(void *arg)
{
	struct swap *s = arg;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint32_t n = load_reap(&s->load);

		load_fill(&s->load, LOAD_READ);
		atomic_fetch_add_explicit(&s->reads, n, memory_order_relaxed);
	}
	return NULL;
}

/*
 * Does the drive still read? What is in flight, or has arrived unseen, may all be
 * from before; one completion more than that is of a command sent after this call.
 */
static bool still_reading(struct swap *s)
{
	unsigned long reads = atomic_load(&s->reads);
	uint64_t end = now_ms() + QUIET_MS;

	while (atomic_load_explicit(&s->reads, memory_order_relaxed) - reads <= s->depth) {
		if (now_ms() > end)
			return false;
	}
	return true;
}

/* -EBUSY...: what the kernel said; not a complaint, the caller knows what is right. */
static int attach(struct swap *s, const struct iommu_map *map)
{
	struct vfio_device_attach_iommufd_pt arg = { .argsz = sizeof(arg), .pt_id = map->hwpt };

	return ioctl(s->vfio.fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &arg) ? -errno : 0;
}

static int try_refused(struct swap *s)
{
	int err = attach(s, &s->refused);

	if (!err)
		return complain(-EPROTO, "a page table for I/O page faults was attached to a "
				"device that has none");
	s->refusals++;
	s->refused_as = err;
	if (!still_reading(s))
		return complain(err, "swap %lu: no DMA after an attach that was refused", s->done);
	return 0;
}

static int swap_once(struct swap *s)
{
	int err = attach(s, &s->maps[(s->done + 1) % 2]);

	if (err)
		return complain(err, "swap %lu was refused", s->done);
	s->done++;
	if (!still_reading(s))
		return complain(-EIO, "no DMA after swap %lu", s->done);
	if (s->done % REFUSE_EVERY == 0 && s->refused.hwpt)
		return try_refused(s);
	return 0;
}

static int swap_all(struct swap *s)
{
	pthread_t reader;
	int err = 0;

	if (pthread_create(&reader, NULL, keep_reading, s))
		return complain(-EAGAIN, "no second thread");
	while (!err && s->done < s->swaps)
		err = swap_once(s);
	atomic_store(&s->stop, true);
	pthread_join(reader, NULL);
	if (load_drain(&s->load, QUIET_MS))
		load_give_up(&s->load);
	load_check_canaries(&s->load);
	return err;
}

static bool report(struct swap *s, int err)
{
	const struct load_counts *c = &s->load.counts;
	uint32_t csts = nvme_csts(s->bar);
	struct faults faults;
	bool clean;
	json_t *doc;

	handover_faults(&faults);
	clean = !err && s->done == s->swaps && !c->faulted && !c->lost && !c->corrupt &&
		!c->stray && csts == NVME_CSTS_RDY && faults.count == s->faults_before;
	doc = json_pack("{s:s,s:I,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:s}",
			"verdict", clean ? "pass" : "fail",
			"swaps", (json_int_t)s->done, "refused", (json_int_t)s->refusals,
			"refused_as", s->refusals ? strerror(-s->refused_as) : "",
			"reads", (json_int_t)atomic_load(&s->reads),
			"faulted", (json_int_t)c->faulted, "lost", (json_int_t)c->lost,
			"corrupt", (json_int_t)c->corrupt, "stray", (json_int_t)c->stray,
			"csts", (json_int_t)csts,
			"iommu", faults.there ?
			json_integer((json_int_t)(faults.count - s->faults_before)) : json_null(),
			"reason", complaint()[0] ? complaint() : s->load.problem);
	json_dumpf(doc, stdout, 0);
	putchar('\n');
	json_decref(doc);
	return clean;
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !n || n > max) {
		fprintf(stderr, "hf-swap: %s: a number from 1 to %lu is needed\n", text, max);
		exit(EXIT_ERROR);
	}
	return n;
}

static void parse(struct swap *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "bdf", required_argument, NULL, 'b' },
		{ "swaps", required_argument, NULL, 's' },
		{ "depth", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			s->bdf = optarg;
			break;
		case 's':
			s->swaps = number(optarg, 1000000000);
			break;
		case 'd':
			s->depth = number(optarg, LEDGER_SLOTS - 1);
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? EXIT_PASS : EXIT_ERROR);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		exit(EXIT_ERROR);
	}
}

int main(int argc, char **argv)
{
	static struct swap s = { .bdf = "0000:01:00.0", .swaps = 1000, .depth = 256 };
	int err;

	parse(&s, argc, argv);
	err = start(&s);
	if (err) {
		fprintf(stderr, "hf-swap: %s\n", complaint());
		return EXIT_ERROR;
	}
	err = swap_all(&s);
	return report(&s, err) ? EXIT_PASS : EXIT_FAIL;
}
