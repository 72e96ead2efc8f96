/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the NIC load: frames in both directions, and the account of every one */

#ifndef HF_NICLOAD_H
#define HF_NICLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "memory.h"
#include "nicdev.h"

/* The stream that we send. What comes in is one stream, of any number. */
#define NIC_TX_STREAM (FRAME_FROM_PORT | 1u)

/*
 * What became of frames that the source has sent to us. The descriptor's word that a
 * frame is there is never believed: buffers are poison before.
 *	received   whole, and the next in order or after a gap
 *	lost       missing between two that came; or the descriptor says that it came,
 *		   and the buffer is still poison
 *	dropped    missing where the ring was full: a want of descriptors, no fault. (QEMU
 *		   holds frames back instead.)
 *	torn       not whole
 *	duplicate  came before
 *	late       came after a later one; no longer lost
 *	faulted    the device reports an error
 * And apart from these: stray is DMA that nobody asked for (a canary, poison behind a
 * frame or in a buffer whose descriptor is not done, a transmit buffer, a frame of another
 * stream), foreign a frame that is not the lab's.
 *
 * What was lost after the last frame that came is known only to who has the source's log:
 * see first and last.
 */
struct nic_counts {
	uint64_t received, lost, dropped, torn, duplicate, late, faulted, stray, foreign;
	uint64_t first, last;	/* sequence numbers: the first expected, the last received */
	uint64_t empty;		/* of lost: a descriptor says that it came */
	uint64_t eaten;		/* descriptors used, of which the device's report never came */
	uint64_t ring_full;	/* how often the device was seen with no descriptor left */
	uint64_t bytes;		/* of received */
	uint64_t sent;		/* frames that the device reports as sent, unchanged */
	uint64_t unsent;	/* given up */
	uint64_t taken;		/* descriptors, whatever they said */
};

/* Sequence numbers that have not come: from <= n < to. */
struct nic_gap {
	uint64_t from, to;
	uint32_t dropped;	/* counted as that, not as lost */
	uint32_t settled;	/* counted in an earlier account */
};

#define NIC_GAPS 64	/* the newest; what comes late out of an older one is a duplicate */

/* All that the account needs in the next kernel; kept in the ledger. */
struct nicload_state {
	uint32_t synced;	/* a frame has come: stream and next are known */
	uint32_t stream;
	uint64_t next;		/* the sequence number to come */
	uint64_t counted;	/* of those now missing: counted on their own already */
	uint32_t full;		/* the ring was full, and */
	uint32_t full_at;	/* this slot takes the first frame after that */
	uint64_t tx_next;
	uint32_t gap_count, reserved;
	struct nic_gap gaps[NIC_GAPS];
	struct nic_counts counts; /* up to the jump */
};

struct nicload {
	struct nicdev *dev;
	struct nicload_state *state;
	struct nic_counts counts;
	char problem[128];	/* the first that was not right */
};

/* Poison and canaries for all slots: before the device starts. */
void nicload_prepare(const struct memory *dma, uint32_t rx_depth, uint32_t tx_depth);

/* Begin: nothing has come, nothing was sent. */
void nicload_init(struct nicload *l, struct nicdev *dev, struct nicload_state *state);

/* Put the account so far into the state, for the ledger. */
void nicload_save(const struct nicload *l);

/* Go on with what @state says, in the same account. */
void nicload_adopt(struct nicload *l, struct nicdev *dev, struct nicload_state *state);

/* A new account: counts are zero, gaps so far stay what they were counted as. */
void nicload_new_account(struct nicload *l);

/*
 * Take and verify every frame that has arrived, poison its buffer again and give it back
 * to the device. Returns how many descriptors there were.
 */
uint32_t nicload_receive(struct nicload *l);

/*
 * Receive until nothing is left to take, also past descriptors that were used and never
 * reported (they are waited for first). Without registers these are found only if a later
 * one was reported. New frames may come at any time.
 */
void nicload_catch_up(struct nicload *l);

/* Send up to @count frames, as far as there is room. Returns how many. */
uint32_t nicload_send(struct nicload *l, uint32_t count);

/* Take back what was sent. Returns how many frames are still with the device. */
uint32_t nicload_sent(struct nicload *l);

/* Count what the device still has as unsent. The ring is of no use after that. */
void nicload_give_up(struct nicload *l);

/*
 * Look at everything that no DMA may touch: canaries, waiting descriptors, and buffers
 * whose descriptor the device has not used. What is damaged counts as stray, and is mended.
 */
void nicload_check_canaries(struct nicload *l);

/* What the data oracle has to say: frames and buffers that are not as they must be. */
uint64_t nic_findings(const struct nic_counts *c);

/* Why this account is not clean; NULL: it is. Duplicates and late frames are not clean. */
const char *nic_objection(const struct nic_counts *c);

#endif /* HF_NICLOAD_H */
