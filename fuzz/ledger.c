// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: a ledger of any content, and what the next agent does with it */

/*
 * Input: a byte of flags, then patches of a ledger in use. A wrong checksum says little, so
 * mostly it is made right: another build, or a broken one, writes a good checksum, too.
 */

#include "fake_clock.h"

#include "../stress/ledger.c"

#include <sys/mman.h>

#include "../stress/complain.h"
#include "../stress/load.h"
#include "../stress/nicload.h"
#include "fuzz.h"

#define RESEAL 0x01	/* make the checksums right */
#define RESTAMP 0x02	/* make version and size right */
#define COMPLETIONS 8

static uint8_t *good, *mem;
static struct ledger_state state;
static struct memory dma = { .fd = -1 };

static void fill(struct ledger_state *s)
{
	s->cycle = 1;
	s->depth = 2000;
	s->inflight = 1500;
	s->iova = 1ULL << 40;
	s->nvme = (struct nvme_state){
		.entries = 4096, .sq_tail = 7, .cq_head = 4090, .cq_phase = 1, .nsid = 1,
		.qid = 64, .blocks = 1 << 20,
	};
	s->topology.count = 2;
	strcpy(s->topology.functions[0].bdf, "0000:01:00.0");
	strcpy(s->topology.functions[1].bdf, "0000:00:03.0");
	s->nic.present = 1;
	s->nic.dev = (struct nicdev_state){
		.device = NIC_82574L, .rx_depth = 4096, .tx_depth = NIC_TX_DEPTH, .rx_tail = 4095,
		.rx_rung = 4095,
	};
	for (uint16_t i = 0; i < s->inflight; i++)
		s->slots[i] = (struct slot){ .use = SLOT_READ, .at_jump = 1, .group = i };
}

static void prepare(void)
{
	if (mem)
		return;
	good = calloc(1, ledger_size());
	mem = malloc(ledger_size());
	fill(&state);
	ledger_write(good, 1, &state);
	state.cycle = 2;
	ledger_write(good, 2, &state);
	/* As much as any ledger may speak of. Only what is touched is there. */
	dma.size = nicdev_size(NIC_RX_DEPTH_MAX, NIC_TX_DEPTH) + dma_size(LEDGER_SLOTS);
	dma.map = mmap(NULL, dma.size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(dma.map != MAP_FAILED);
}

static void damage(struct fuzz *f)
{
	uint64_t flags = fuzz_number(f, 1);

	memcpy(mem, good, ledger_size());
	while (f->left) {
		uint8_t *copy = mem + (flags & 0x80 ? COPY_SIZE : 0);

		/* Most of it are slots: what is before them shall not go short. */
		fuzz_patch(f, copy, *f->at & 1 ? sizeof(struct copy) :
			   offsetof(struct copy, state.slots) + 64);
		flags ^= 0x80;
	}
	for (uint64_t i = 0; i < 2; i++) {
		struct copy *c = copy_at(mem, i);

		if (flags & RESTAMP) {
			c->magic = LEDGER_MAGIC;
			c->version = LEDGER_VERSION;
			c->size = sizeof(c->state);
		}
		if (flags & RESEAL)
			c->crc = copy_crc(c);
	}
}

/* Commands of which the ledger says that they are in flight complete. */
static void use_drive(void)
{
	struct nvme nvme;
	struct load load;

	if (!state.nvme.entries)
		return;
	nvme_adopt_memory(&nvme, &dma, state.iova, &state.nvme);
	load_adopt(&load, &nvme, &dma, &state);
	MUST(load.inflight <= state.depth);
	load_reads(&load);
	for (uint32_t i = 0; i < COMPLETIONS; i++) {
		struct nvme_cqe *e = &nvme.cq.ring[nvme.cq.head];

		*e = (struct nvme_cqe){
			.cid = (uint16_t)(i * 521), .sq_id = state.nvme.qid, .status = nvme.cq.phase,
		};
		load_reap(&load);
	}
	cq_beyond_hole(&nvme.cq, load.inflight);
}

static void use_nic(void)
{
	struct nicdev dev;
	struct nicload load;

	if (nicdev_adopt_memory(&dev, &dma, state.nic.iova, &state.nic.dev))
		return;
	nicload_adopt(&load, &dev, &state.nic.load);
	nicload_new_account(&load);
	nicdev_rx_arrived(&dev);
	nicdev_tx_done(&dev);
	MUST(state.nic.load.gap_count <= NIC_GAPS);
}

FUZZ()
{
	struct fuzz f = { data, size };
	uint64_t sequence;

	prepare();
	complaint_clear();
	damage(&f);
	if (ledger_read(mem, &sequence, &state))
		return 0;
	MUST(state.depth <= LEDGER_SLOTS);
	MUST(state.topology.count <= TOPOLOGY_FUNCTIONS);
	for (uint32_t i = 0; i < state.topology.count; i++)
		MUST(memchr(state.topology.functions[i].bdf, 0, PCIDEV_BDF_SIZE));
	use_drive();
	use_nic();
	return 0;
}
