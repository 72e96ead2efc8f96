/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: for tests: a NIC that does what a test tells it, with registers in an array */

#ifndef HF_FAKE_NIC_H
#define HF_FAKE_NIC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"
#include "nicdev.h"

#define FAKE_IOVA (1ULL << 40)

static struct {
	uint32_t reg[NIC_BAR_SIZE / 4];
	uint32_t rx, tx;	/* queues */
	uint32_t writes;	/* all of them, */
	uint32_t tail_writes;	/* and those to tails */
	bool deaf_phy;
	struct memory *dma;
} fake;

static inline uint32_t fake_read(const struct nic_io *io, uint32_t reg)
{
	(void)io;
	return fake.reg[reg / 4];
}

static inline void fake_write(const struct nic_io *io, uint32_t reg, uint32_t value)
{
	(void)io;
	fake.writes++;
	fake.tail_writes += reg == fake.rx + NIC_Q_TAIL || reg == fake.tx + NIC_Q_TAIL;
	fake.reg[reg / 4] = value;
	if (reg == NIC_CTRL && value & NIC_CTRL_RST)
		memset(fake.reg, 0, sizeof(fake.reg));
	if (reg != NIC_MDIC || fake.deaf_phy)
		return;
	/* Negotiation is quick. */
	fake.reg[NIC_MDIC / 4] |= NIC_MDIC_READY;
	fake.reg[NIC_STATUS / 4] |= NIC_STATUS_LU;
}

static const struct nic_io fake_io = { .read = fake_read, .write = fake_write };

static inline void fake_init(uint32_t device, struct memory *dma)
{
	memset(&fake, 0, sizeof(fake));
	fake.rx = device == NIC_82576 ? 0xc000 : 0x2800;
	fake.tx = device == NIC_82576 ? 0xe000 : 0x3800;
	fake.dma = dma;
}

static inline uint8_t *fake_memory(uint64_t iova)
{
	return fake.dma->map + (iova - FAKE_IOVA);
}

/* The queue's next descriptor, if the device has one; moves head on. */
static inline void *fake_descriptor(uint32_t queue)
{
	uint32_t *head = &fake.reg[(queue + NIC_Q_HEAD) / 4];
	uint32_t depth = fake.reg[(queue + NIC_Q_LEN) / 4] / 16;
	uint64_t base = (uint64_t)fake.reg[(queue + NIC_Q_BAH) / 4] << 32 |
			fake.reg[(queue + NIC_Q_BAL) / 4];
	void *d = fake_memory(base + *head * 16ULL);

	if (*head == fake.reg[(queue + NIC_Q_TAIL) / 4])
		return NULL;
	*head = (*head + 1) % depth;
	return d;
}

static inline void fake_report(struct nic_rx_desc *d, uint32_t status, size_t length)
{
	*d = (struct nic_rx_desc){
		.address = 0x1234567800000000ULL, .status = status, .length = (uint16_t)length,
	};
}

/* Receive bytes [@from, @to) of a frame of @length bytes. False: the ring is full. */
static inline bool fake_land_part(const void *frame, size_t length, size_t from, size_t to)
{
	struct nic_rx_desc *d = fake_descriptor(fake.rx);

	if (!d)
		return false;
	memcpy(fake_memory(d->address) + from, (const uint8_t *)frame + from, to - from);
	fake_report(d, NIC_RX_DD | NIC_RX_EOP, length);
	return true;
}

static inline bool fake_land(const void *frame, size_t length)
{
	return fake_land_part(frame, length, 0, length);
}

/* Send one frame: its bytes to @frame. The length; 0: there is none. */
static inline size_t fake_send(uint8_t *frame)
{
	struct nic_tx_desc *d = fake_descriptor(fake.tx);

	if (!d)
		return 0;
	memcpy(frame, fake_memory(d->address), d->command & 0xffff);
	d->status |= NIC_TX_DD;
	return d->command & 0xffff;
}

#endif /* HF_FAKE_NIC_H */
