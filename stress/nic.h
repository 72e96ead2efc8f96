/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the NIC under load, from its binding to its verified frames */

#ifndef HF_NIC_H
#define HF_NIC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "iommu.h"
#include "memory.h"
#include "nicdev.h"
#include "nicload.h"
#include "steps.h"

/* The NIC's part of the ledger. */
struct nic_state {
	uint32_t present;	/* 0: there is no NIC in this run */
	uint32_t dev_id;	/* in the retrieved iommufd, once it is bound; else 0 */
	uint64_t iova;		/* of its DMA memory */
	struct nicdev_state dev;
	struct nicload_state load;
};

/*
 * All that belongs to one port. Functions return 0 or -errno with a complaint. In the
 * order of their use:
 *
 *	first kernel	nic_start
 *	every kernel	nic_poll, between things that take their time: the ring must last
 *			nic_fill; the agent preserves dma.fd, iommufd and vfio.fd, in this
 *			order, and loads the next kernel; nic_close; ledger_commit; jump
 *	next kernel	nic_adopt_memory; iommufd and vfio.fd are retrieved; nic_adopt;
 *			nic_replace; nic_resume; nic_verify; nic_ask; nic_json
 *	not preserved	nic_adopt_memory; nic_remains; nic_ask; nic_json
 */
struct nic {
	const char *bdf;
	struct nic_state *state;
	struct memory dma;
	int iommufd;
	struct vfio vfio;
	struct iommu_map map;
	volatile void *bar;	/* NULL: the device is not ours */
	struct nicdev dev;
	struct nicload load;
	uint64_t in_blackout;	/* whole frames that were there when the agent came */
	bool filled;		/* the ring was full at the end of the blackout */
	bool resumed;
	uint64_t tsc_resumed;	/* of the first new frame */
	unsigned int device;	/* findings about the device */
};

/*
 * First kernel: memory for @rx_depth receive buffers, device bound, attached and started;
 * frames have come in and gone out. 0: as deep as any device of this kind is used with. The
 * frame source must be sending. -ETIMEDOUT: it is not.
 */
int nic_start(struct nic *n, const char *bdf, struct nic_state *state, uint32_t rx_depth);

/* Take and verify what has come; give the buffers back. Cheap, if nothing has. */
void nic_poll(struct nic *n);

/*
 * Before the jump: all descriptors given, and a new account, which goes on in the next kernel.
 * -EIO: what has come until here was not clean.
 */
int nic_fill(struct nic *n);

/*
 * The last before the ledger's commit: take what has come, send some more, put all into the
 * ledger, and let the kernel count what comes from here on (after handover_watch_clear(),
 * which is the caller's).
 */
void nic_close(struct nic *n);

/* Next kernel: the retrieved memory @fd (taken), and what has arrived in it. */
int nic_adopt_memory(struct nic *n, const char *bdf, struct nic_state *state, int fd);

/*
 * Next kernel: n->iommufd and n->vfio.fd are retrieved. Bind, which adopts the live
 * attachment, and compare. Writes nothing to the device. -ESTALE: it is not as it was left.
 * What these two take is added to @steps.
 */
int nic_adopt(struct nic *n, struct steps *steps);

/* Replace the page table under the receiving device by a new one of the same content. */
int nic_replace(struct nic *n, struct steps *steps);

/* Go on in both rings, until a frame has come that was not there before, and one went out. */
int nic_resume(struct nic *n);

/*
 * Settle the account: frames still come and go, all that the source has sent up to the sequence
 * @sent is there, no canary is damaged. -ETIMEDOUT: nothing comes or goes any more; what else is
 * wrong is in the account.
 */
int nic_verify(struct nic *n, uint64_t sent);

/* The same with a device that nobody runs any more: what has come, is all there is. */
void nic_remains(struct nic *n);

/* Ask the device: findings into n->device, words for them to @why. */
void nic_ask(struct nic *n, char *why, size_t size);

/* Why the cycle is not clean; NULL: it is. With @adopted, it must have resumed. */
const char *nic_judge(const struct nic *n, bool adopted);

/* The "nic" member of a cycle's record. */
json_t *nic_json(const struct nic *n);

/* Give the port back: no DMA from here on. */
void nic_stop(struct nic *n);

#endif /* HF_NIC_H */
