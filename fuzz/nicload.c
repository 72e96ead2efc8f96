// SPDX-License-Identifier: GPL-2.0-only
/* Description: fuzz target: a NIC that reports whatever it likes, and writes wherever */

/* Input: what the NIC and the agent do, one after the other; a byte says what. */

#include "fake_clock.h"

#include "../stress/nicload.c"

#include <sys/mman.h>

#include "../stress/complain.h"
#include "../stress/fake_nic.h"
#include "fuzz.h"

#define RX 64u
#define TX 16u
#define STREAM 5u

enum action { LAND, REPORT, WRITE, HEAD, RECEIVE, CATCH_UP, SEND, SENT, CANARIES, JUMP, ACTIONS };

static struct memory dma = { .fd = -1 };
static struct nicdev nic, started;
static struct nicload load;
static struct nicload_state state;
static uint64_t next_frame;

/* Once: it takes real time. */
static void start(uint32_t device)
{
	dma.size = nicdev_size(RX, TX);
	dma.map = mmap(NULL, dma.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(dma.map != MAP_FAILED);
	nicload_prepare(&dma, RX, TX);
	fake_init(device, &dma);
	MUST(!nicdev_start(&started, &fake_io, device, &dma, FAKE_IOVA, RX, TX));
}

/* As it was when it had been started: what the input before has left does not matter. */
static void prepare(void)
{
	static uint32_t reg[NIC_BAR_SIZE / 4];

	if (!dma.map) {
		start(NIC_82574L);
		memcpy(reg, fake.reg, sizeof(reg));
	}
	memcpy(fake.reg, reg, sizeof(reg));
	nic = started;
	nic.state.rx_tail = 0;
	memset(nic.rx, 0, RX * sizeof(*nic.rx));
	memset(nic.tx, 0, TX * sizeof(*nic.tx));
	nicdev_rx_give(&nic);
	for (uint32_t i = 0; i < RX; i++)
		memcpy(dma.map + nicdev_rx_buffer(i), poison, sizeof(poison));
	nicload_init(&load, &nic, &state);
	nicload_check_canaries(&load);
	nicload_init(&load, &nic, &state);
	next_frame = 1000;
}

static uint32_t head(void)
{
	return fake.reg[(fake.rx + NIC_Q_HEAD) / 4];
}

/* A frame for the descriptor at the NIC's head, as it should be, or patched. */
static void land(struct fuzz *f)
{
	uint64_t how = fuzz_number(f, 1), sequence = next_frame++;
	size_t length = FRAME_MIN + how * 5;
	uint32_t slot = head();
	uint8_t *buf;

	if (slot >= RX)
		return;
	buf = rx_data(&load, slot);
	if (how & 16)
		next_frame += 3;
	if (how & 1)
		sequence = next_frame - fuzz_number(f, 1) + 3;
	frame_build(buf, length, STREAM, sequence, realtime_ns());
	if (how & 2)
		fuzz_patch(f, buf, how & 4 ? NIC_BUFFER : FRAME_MIN);
	if (how & 8)
		length = fuzz_number(f, 2);
	fake_report(&nic.rx[slot], NIC_RX_DD | NIC_RX_EOP, length);
	fake.reg[(fake.rx + NIC_Q_HEAD) / 4] = (slot + 1) % RX;
}

/* Any descriptor, with any content. */
static void report(struct fuzz *f)
{
	uint32_t slot = (uint32_t)fuzz_number(f, 1) % RX;

	nic.rx[slot].status = (uint32_t)fuzz_number(f, 4);
	nic.rx[slot].length = (uint16_t)fuzz_number(f, 2);
	nic.rx[slot].address = fuzz_number(f, 8);
}

/* Anywhere: the rings, the slots, and rarely elsewhere. */
static void write_somewhere(struct fuzz *f)
{
	uint64_t where = fuzz_number(f, 1);

	if (where < 0x60)
		fuzz_patch(f, nic.rx, RX * sizeof(*nic.rx));
	else if (where < 0xa0)
		fuzz_patch(f, nic.tx, TX * sizeof(*nic.tx));
	else if (where < 0xf0)
		fuzz_patch(f, dma.map + NIC_SLOTS, (RX + TX) * NIC_SLOT_SIZE);
	else
		fuzz_patch(f, dma.map, dma.size);
}

/* The next kernel goes on with what the ledger says, which may be wrong. */
static void jump(struct fuzz *f)
{
	struct nicdev_state dev = nic.state;
	struct nicload_state told;
	struct nicdev next;
	char why[128];

	nicload_save(&load);
	told = state;
	if (fuzz_number(f, 1) & 1)
		fuzz_patch(f, &dev, sizeof(dev));
	if (fuzz_number(f, 1) & 1)
		fuzz_patch(f, &told, sizeof(told));
	complaint_clear();
	nicdev_differs(&fake_io, &dev, why, sizeof(why));
	/* As many descriptors as the memory was made for; else this kernel goes on as it did. */
	if (dev.rx_depth != RX || dev.tx_depth != TX ||
	    nicdev_adopt_memory(&next, &dma, FAKE_IOVA, &dev))
		return;
	nic = next;
	nic.io = fake_io;
	state = told;
	nicload_adopt(&load, &nic, &state);
	nicload_new_account(&load);
}

static void act(struct fuzz *f)
{
	switch (fuzz_number(f, 1) % ACTIONS) {
	case LAND:
		land(f);
		break;
	case REPORT:
		report(f);
		break;
	case WRITE:
		write_somewhere(f);
		break;
	case HEAD:
		fake.reg[(fuzz_number(f, 1) & 1 ? fake.tx + NIC_Q_HEAD : fake.rx + NIC_Q_HEAD) / 4] =
			(uint32_t)fuzz_number(f, 4);
		break;
	case RECEIVE:
		nicload_receive(&load);
		break;
	case CATCH_UP:
		nicload_catch_up(&load);
		break;
	case SEND:
		nicload_send(&load, (uint32_t)fuzz_number(f, 1));
		break;
	case SENT:
		nicload_sent(&load);
		break;
	case CANARIES:
		nicload_check_canaries(&load);
		break;
	case JUMP:
		jump(f);
		break;
	}
}

FUZZ()
{
	struct fuzz f = { data, size };

	prepare();
	while (f.left) {
		act(&f);
		MUST(nic.state.rx_head < RX && nic.state.rx_tail < RX);
		MUST(nic.state.tx_head < TX && nic.state.tx_tail < TX);
		MUST(state.gap_count <= NIC_GAPS);
	}
	nicload_give_up(&load);
	MUST(!nic_objection(&load.counts) || *load.problem);
	return 0;
}
