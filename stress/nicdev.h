/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: an 82574L or 82576 that can be started, or adopted while it receives */

#ifndef HF_NICDEV_H
#define HF_NICDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "nicregs.h"

/*
 * Not tried on a real card yet. What these would want and an emulated one does not: the
 * semaphore for the PHY that firmware shares (574: EXTCNF_CTRL, 10.2.2; 576: SW_FW_SYNC, 8.8.14),
 * the end of the configuration cycle (EEMNGCTL) before the PHY is used, DRV_LOAD told to
 * firmware, and what the specification updates of the 82574L ask for (no ASPM, GCR bit 22).
 */
#define NIC_82574L 0x10d3u
#define NIC_82576 0x10c9u

/*
 * The NIC's memfd, by byte offset; IOVAs as for the drive's (memory.h). Whatever is
 * not named here is canary.
 *
 *	0x000000  receive ring, rx_depth * 16 bytes
 *	0x110000  transmit ring, tx_depth * 16 bytes
 *	0x200000  slots of 4 KiB, rx_depth and then tx_depth: 1 KiB of canary, a buffer
 *		  of 2 KiB, 1 KiB of canary
 *
 * Slot n belongs to descriptor n of its ring, for good.
 */
#define NIC_RX_RING	0x0
#define NIC_TX_RING	0x110000
#define NIC_SLOTS	DMA_DATA
#define NIC_SLOT_SIZE	0x1000
#define NIC_SLOT_DATA	0x400
#define NIC_BUFFER	0x800

/*
 * RDLEN has 13 bits of 128 bytes, and QEMU takes them all: 65,528 descriptors. Of the
 * real devices nothing above 4096 is tried by any driver that we know, and the 82576's
 * datasheet (8.10) speaks of 8192 as validated.
 */
#define NIC_RX_DEPTH_MAX 65528u
#define NIC_RX_DEPTH_REAL 4096u
#define NIC_TX_DEPTH 256u

/* Registers that must be, in the next kernel, what they were. */
#define NIC_CONFIG_MAX 16

/* All that the next kernel must know of the device; kept in the ledger. */
struct nicdev_state {
	uint32_t device;	/* NIC_82574L or NIC_82576 */
	uint32_t rx_depth, tx_depth;
	uint32_t rx_head;	/* the descriptor that we look at next */
	uint32_t rx_tail;	/* behind the last one given to the device */
	uint32_t tx_head;	/* the oldest one that the device has not reported */
	uint32_t tx_tail;	/* the next free one */
	uint32_t rx_rung, tx_rung; /* the tails as the device has them */
	uint32_t config[NIC_CONFIG_MAX]; /* as read back once it ran; see nicdev_differs() */
};

/* Access to BAR 0; the tests have their own. */
struct nic_io {
	volatile void *bar;	/* NULL: none, only memory is left */
	uint32_t (*read)(const struct nic_io *io, uint32_t reg);
	void (*write)(const struct nic_io *io, uint32_t reg, uint32_t value);
};

struct nic_io nic_io_mmio(volatile void *bar);

struct nic_model;

/* One receive and one transmit queue in @dma, polled. No locking: one thread. */
struct nicdev {
	struct nic_io io;
	const struct nic_model *model;
	const struct memory *dma;
	uint64_t iova;		/* of the start of @dma */
	struct nicdev_state state;
	struct nic_rx_desc *rx;
	struct nic_tx_desc *tx;
};

/* Bytes of DMA memory: whole 2 MiB pages. */
size_t nicdev_size(uint32_t rx_depth, uint32_t tx_depth);

/*
 * First kernel: reset, link up, rings in place, all receive descriptors given. The
 * port takes what is sent to FRAME_PORT_ADDRESS and to everybody. @device is the PCI
 * device ID. Up to 10 s long. -ENODEV, -EINVAL, -ETIMEDOUT, with a complaint.
 */
int nicdev_start(struct nicdev *n, const struct nic_io *io, uint32_t device,
		 const struct memory *dma, uint64_t iova, uint32_t rx_depth, uint32_t tx_depth);

/*
 * Next kernel: the rings in @dma, as @state left them. No register is touched; all
 * of the below that looks at rings works.
 */
int nicdev_adopt_memory(struct nicdev *n, const struct memory *dma, uint64_t iova,
			const struct nicdev_state *state);

/*
 * Next kernel: go on with the running device, after nicdev_adopt_memory(). Writes
 * nothing to it, and neither does anything else until the first nicdev_rx_ring() or
 * nicdev_tx_ring(). -ESTALE with a complaint: it is not as it was left.
 */
int nicdev_adopt(struct nicdev *n, const struct nic_io *io);

/* No DMA from here on, in either direction. */
void nicdev_stop(struct nicdev *n);

/* Reset the device, whoever runs it, and do not wait for it. */
void nicdev_reset(volatile void *bar);

/*
 * Is the device behind @io running the rings of @state? Counts what is not so; reads
 * only. Each finding adds a word to @why.
 */
unsigned int nicdev_differs(const struct nic_io *io, const struct nicdev_state *state, char *why,
			    size_t size);

/* Descriptors that the device has: given and not yet taken back. */
uint32_t nicdev_rx_given(const struct nicdev *n);

/* What became of the descriptor @ahead of head. */
enum nic_rx {
	NIC_RX_PENDING,		/* as we left it */
	NIC_RX_DONE,		/* written back */
	NIC_RX_DAMAGED,		/* changed, and not done */
};

enum nic_rx nicdev_rx_look(const struct nicdev *n, uint32_t ahead, struct nic_rx_desc *d);

/* Descriptors that are done from head on, in one piece; nicdev_rx_given(): ring full. */
uint32_t nicdev_rx_arrived(const struct nicdev *n);

/*
 * How many descriptors the device says that it has used, from head on. Without
 * registers: 0. It writes a descriptor back before it moves on (574: 7.1.8), but both
 * travel on their own: what is used and not done after a while was lost on its way.
 */
uint32_t nicdev_rx_used(const struct nicdev *n);

/* Take head's descriptor back, whatever became of it. */
void nicdev_rx_take(struct nicdev *n);

/* Write the waiting descriptor @ahead of head anew. */
void nicdev_rx_mend(struct nicdev *n, uint32_t ahead);

/* Give the device all descriptors but the one that tells full from empty; not rung. */
void nicdev_rx_give(struct nicdev *n);

/* Tell the device how far it may go, if that is news. */
void nicdev_rx_ring(struct nicdev *n);

/* Room for one more frame? */
bool nicdev_tx_room(const struct nicdev *n);

/* Queue the frame of @length bytes in the slot of tx_tail; not rung. */
void nicdev_tx_put(struct nicdev *n, uint32_t length);
void nicdev_tx_ring(struct nicdev *n);

/* Is the oldest frame reported as sent? nicdev_tx_take() takes it back. */
bool nicdev_tx_done(const struct nicdev *n);
void nicdev_tx_take(struct nicdev *n);

/* Where the buffer of a slot is, from the start of the memory. */
uint64_t nicdev_rx_buffer(uint32_t slot);
uint64_t nicdev_tx_buffer(const struct nicdev_state *s, uint32_t slot);

#endif /* HF_NICDEV_H */
