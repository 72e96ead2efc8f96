// SPDX-License-Identifier: GPL-2.0-only
/* Description: the NIC under load, from its binding to its verified frames */

#include "nic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "clock.h"
#include "complain.h"
#include "handover.h"
#include "pcidev.h"

#define FIRST_FRAMES 16		/* in each direction, before anything else */
#define FIRST_MS 30000		/* for them; the source may still be starting */
#define RESUME_MS 30000		/* from adoption to the first new frame */
#define SENT_MS 5000		/* from the tail's move to the report */
#define BURST 32		/* frames sent before each jump and after it */

/* The PCI device ID, from sysfs: which of the two it is. */
static int device_id(const char *bdf, uint32_t *id)
{
	char path[96];
	FILE *f;
	int got = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", bdf);
	f = fopen(path, "re");
	if (f) {
		got = fscanf(f, "%x", id);
		fclose(f);
	}
	return got == 1 ? 0 : complain(-ENODEV, "no NIC %s", bdf);
}

static int attach(struct nic *n)
{
	int err = attach_new(n->bdf, &n->dma, &n->iommufd, &n->vfio, &n->map);

	return err ? err : vfio_map_bar0(&n->vfio, NIC_BAR_SIZE, &n->bar);
}

/* Until @frames more were received; false: they were not. */
static bool wait_frames(struct nic *n, uint64_t frames, uint32_t timeout_ms)
{
	uint64_t until = n->load.counts.received + frames;
	uint64_t end = now_ms() + timeout_ms;

	while (n->load.counts.received < until) {
		if (now_ms() > end)
			return false;
		if (!nicload_receive(&n->load))
			sleep_ms(1);
	}
	return true;
}

static bool wait_sent(struct nic *n, uint32_t timeout_ms)
{
	uint64_t end = now_ms() + timeout_ms;

	while (nicload_sent(&n->load)) {
		if (now_ms() > end)
			return false;
		nicload_receive(&n->load);
		sleep_ms(1);
	}
	return true;
}

static int expect_clean(const struct nic *n, const char *when)
{
	const char *why = nic_objection(&n->load.counts);

	return why ? complain(-EIO, "%s: %s: %s", when, why, n->load.problem) : 0;
}

static int first_frames(struct nic *n)
{
	nicload_send(&n->load, FIRST_FRAMES);
	if (!wait_frames(n, FIRST_FRAMES, FIRST_MS))
		return complain(-ETIMEDOUT, "%s: %llu of %d frames came in; is the frame source "
				"sending?", n->bdf, (unsigned long long)n->load.counts.received,
				FIRST_FRAMES);
	if (!wait_sent(n, SENT_MS))
		return complain(-ETIMEDOUT, "%s: frames are not sent", n->bdf);
	return expect_clean(n, "first frames");
}

int nic_start(struct nic *n, const char *bdf, struct nic_state *state, uint32_t rx_depth)
{
	struct nic_io io;
	uint32_t device;
	int err = device_id(bdf, &device);

	*n = (struct nic){ .bdf = bdf, .state = state, .iommufd = -1, .vfio.fd = -1 };
	*state = (struct nic_state){ 0 };
	if (err)
		return err;
	if (!rx_depth)
		rx_depth = NIC_RX_DEPTH_REAL;
	err = memory_create_huge(&n->dma, "nic", nicdev_size(rx_depth, NIC_TX_DEPTH));
	if (err)
		return err;
	nicload_prepare(&n->dma, rx_depth, NIC_TX_DEPTH);
	err = attach(n);
	if (err)
		return err;
	state->iova = n->map.iova;
	io = nic_io_mmio(n->bar);
	err = nicdev_start(&n->dev, &io, device, &n->dma, n->map.iova, rx_depth, NIC_TX_DEPTH);
	if (err)
		return err;
	nicload_init(&n->load, &n->dev, &state->load);
	state->present = 1;
	return first_frames(n);
}

void nic_poll(struct nic *n)
{
	nicload_receive(&n->load);
	nicload_sent(&n->load);
}

int nic_fill(struct nic *n)
{
	int err;

	nicload_catch_up(&n->load);
	err = expect_clean(n, "before the jump");
	nicload_new_account(&n->load);
	return err;
}

/* The kernel counts at its marks what is done of the descriptors that the device has. */
static void watch_ring(const struct nic *n)
{
	const struct nicdev_state *s = &n->dev.state;
	uint32_t given = nicdev_rx_given(&n->dev), first = s->rx_depth - s->rx_head;

	if (first > given)
		first = given;
	handover_watch(n->dma.fd, NIC_RX_RING + s->rx_head * sizeof(struct nic_rx_desc), first,
		       NIC_RX_STATUS_BYTE, NIC_RX_DD, NIC_RX_DD);
	handover_watch(n->dma.fd, NIC_RX_RING, given - first, NIC_RX_STATUS_BYTE, NIC_RX_DD,
		       NIC_RX_DD);
}

void nic_close(struct nic *n)
{
	nic_poll(n);
	/* Reported in this kernel or in the next. */
	nicload_send(&n->load, BURST);
	n->state->dev_id = 0;
	n->state->dev = n->dev.state;
	nicload_save(&n->load);
	watch_ring(n);
}

int nic_adopt_memory(struct nic *n, const char *bdf, struct nic_state *state, int fd)
{
	int err;

	*n = (struct nic){
		.bdf = bdf, .state = state, .iommufd = -1, .vfio.fd = -1, .map.iova = state->iova,
	};
	err = memory_adopt_huge(&n->dma, fd);
	if (!err)
		err = nicdev_adopt_memory(&n->dev, &n->dma, state->iova, &state->dev);
	if (err && n->dma.map)
		memory_drop(&n->dma);
	if (!err)
		nicload_adopt(&n->load, &n->dev, &state->load);
	return err;
}

int nic_adopt(struct nic *n, struct steps *steps)
{
	uint64_t begin = step_begin();
	struct nic_io io;
	int err;

	n->vfio.dev_id = n->state->dev_id;
	err = vfio_bind(&n->vfio, n->iommufd);
	step_end(steps, STEP_ATTACH, begin);
	n->state->dev_id = n->vfio.dev_id;
	if (!err)
		err = vfio_map_bar0(&n->vfio, NIC_BAR_SIZE, &n->bar);
	if (err)
		return err;
	io = nic_io_mmio(n->bar);
	return nicdev_adopt(&n->dev, &io);
}

int nic_replace(struct nic *n, struct steps *steps)
{
	return attach_replace(&n->dma, n->iommufd, &n->vfio, &n->map, steps);
}

/*
 * What is there now, came while no agent was running. A descriptor says so; whether there
 * was a frame in it, says the account.
 */
static void take_blackout(struct nic *n)
{
	uint64_t arrived = nicdev_rx_arrived(&n->dev), before = n->load.counts.received;

	n->filled = arrived && arrived == nicdev_rx_given(&n->dev);
	while (arrived) {
		uint64_t taken = nicload_receive(&n->load);

		if (!taken)
			break;
		arrived -= taken < arrived ? taken : arrived;
	}
	n->in_blackout = n->load.counts.received - before;
}

int nic_resume(struct nic *n)
{
	take_blackout(n);
	/* A frame behind a lost report is not new. */
	nicload_catch_up(&n->load);
	if (!wait_frames(n, 1, RESUME_MS))
		return complain(-ETIMEDOUT, "no new frame after the NIC was adopted");
	n->tsc_resumed = tsc_now();
	nicload_send(&n->load, BURST);
	if (!wait_sent(n, SENT_MS))
		return complain(-ETIMEDOUT, "no frame went out after the NIC was adopted");
	n->resumed = true;
	return 0;
}

int nic_verify(struct nic *n, uint64_t sent)
{
	uint64_t end = now_ms() + RESUME_MS;

	/* What came before may have come by a page table that is gone now. */
	nicload_send(&n->load, BURST);
	if (!wait_frames(n, FIRST_FRAMES, RESUME_MS))
		return complain(-ETIMEDOUT, "no frames come to the NIC any more");
	if (!wait_sent(n, SENT_MS))
		return complain(-ETIMEDOUT, "the NIC sends no frames any more");
	while (n->state->load.next <= sent && now_ms() < end) {
		if (!nicload_receive(&n->load))
			sleep_ms(1);
	}
	nicload_catch_up(&n->load);
	nicload_check_canaries(&n->load);
	return 0;
}

void nic_remains(struct nic *n)
{
	volatile void *bar = n->bar ? NULL : pcidev_look_at_bar0(n->bdf, NIC_BAR_SIZE);

	/* The device's head tells of descriptors that were used and not reported. */
	if (bar) {
		n->dev.io = nic_io_mmio(bar);
		n->dev.io.write = NULL;
	}
	if (!n->resumed && !n->in_blackout)
		take_blackout(n);
	nicload_catch_up(&n->load);
	nicload_give_up(&n->load);
	nicload_check_canaries(&n->load);
}

void nic_ask(struct nic *n, char *why, size_t size)
{
	volatile void *bar = n->bar;
	struct nic_io io;

	snprintf(why, size, " it cannot be looked at");
	n->device = 1;
	if (!bar)
		bar = pcidev_look_at_bar0(n->bdf, NIC_BAR_SIZE);
	if (bar) {
		io = nic_io_mmio(bar);
		n->device = nicdev_differs(&io, &n->dev.state, why, size);
	}
}

const char *nic_judge(const struct nic *n, bool adopted)
{
	const char *why = nic_objection(&n->load.counts);

	if (why)
		return why;
	if (n->device)
		return "the NIC reports errors, or is not as it was left";
	if (!adopted || !n->resumed)
		return "the NIC did not go on";
	return n->in_blackout ? NULL : "no frame arrived in the blackout";
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *nic_json(const struct nic *n)
{
	const struct nic_counts *c = &n->load.counts;
	const struct {
		const char *name;
		uint64_t value;
	} members[] = {
		{ "received", c->received }, { "in_blackout", n->in_blackout },
		{ "lost", c->lost }, { "dropped", c->dropped }, { "torn", c->torn },
		{ "duplicate", c->duplicate }, { "late", c->late }, { "faulted", c->faulted },
		{ "stray", c->stray }, { "foreign", c->foreign }, { "empty", c->empty },
		{ "eaten", c->eaten }, { "ring_full", c->ring_full }, { "bytes", c->bytes },
		{ "first", c->first }, { "last", c->last }, { "next", n->state->load.next }, { "sent", c->sent },
		{ "unsent", c->unsent }, { "sent_next", n->state->load.tx_next },
		{ "depth", n->dev.state.rx_depth }, { "device", n->device },
	};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_set_new(all, members[i].name, integer(members[i].value));
	json_object_set_new(all, "stream", integer(n->state->load.stream));
	json_object_set_new(all, "filled", json_boolean(n->filled));
	json_object_set_new(all, "resumed", json_boolean(n->resumed));
	json_object_set_new(all, "problem", json_string(n->load.problem));
	return all;
}

void nic_stop(struct nic *n)
{
	if (n->bar)
		nicdev_stop(&n->dev);
	n->bar = NULL;
}
