// SPDX-License-Identifier: GPL-2.0-only
/* Description: what an agent breaks on purpose (configs/controls), and when */

#include "control.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "complain.h"
#include "pcidev.h"

#define COME_MS 10000	/* until something has come that can be taken away */
#define FULL_MS 60000	/* until a ring is full that nobody takes from */
#define LATE_MS 1000	/* how long it stays so */

/* The device goes on: its commands and descriptors lead to memory that it no longer has. */
static int unmap_data(struct drive *drive, struct nic *nic)
{
	int err = drive ? iommu_unmap_data(&drive->map, drive->iommufd) : 0;

	return !err && nic ? iommu_unmap_data(&nic->map, nic->iommufd) : err;
}

static int send_astray(struct drive *drive, struct nic *nic)
{
	(void)nic;
	drive->load.astray = true;
	return 0;
}

/*
 * Neither is anything of this kernel's told, nor does it go through the files that were
 * handed over: as if by somebody who knows no better.
 */
static int reset_devices(struct drive *drive, struct nic *nic)
{
	volatile void *bar;

	if (drive) {
		bar = pcidev_bar0(drive->bdf, NVME_BAR_SIZE);
		if (!bar)
			return complain(-EIO, "%s cannot be reset", drive->bdf);
		nvme_disable(bar);
	}
	if (nic) {
		bar = pcidev_bar0(nic->bdf, NIC_BAR_SIZE);
		if (!bar)
			return complain(-EIO, "%s cannot be reset", nic->bdf);
		nicdev_reset(bar);
	}
	return 0;
}

/* The entry is read, its place is the device's again; and nobody learns of the command. */
static int drop_completion(struct drive *drive, struct nic *nic)
{
	uint64_t end = now_ms() + COME_MS;
	struct nvme_cqe cqe;

	(void)nic;
	while (!nvme_next(&drive->nvme, &cqe)) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no completion came that could be dropped");
		sleep_ms(1);
	}
	return 0;
}

/* An ordinary slow consumer: frames are taken only when the ring has been full for a while. */
static int be_slow(struct drive *drive, struct nic *nic)
{
	uint64_t end = now_ms() + FULL_MS;

	(void)drive;
	while (nicdev_rx_arrived(&nic->dev) < nicdev_rx_given(&nic->dev)) {
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "the ring does not become full");
		sleep_ms(10);
	}
	sleep_ms(LATE_MS);
	return 0;
}

static const struct control {
	const char *name;
	enum control_at at;
	bool drive, nic;	/* needs it */
	bool early;
	int (*act)(struct drive *drive, struct nic *nic);
} controls[] = {
	{ .name = "none" },
	{ .name = "unpreserved" },
	{ .name = "unmapped", .at = CONTROL_FULL, .early = true, .act = unmap_data },
	{ .name = "stray-write", .at = CONTROL_LAST_FILL, .drive = true, .act = send_astray },
	{ .name = "controller-reset", .at = CONTROL_RETRIEVED, .act = reset_devices },
	{ .name = "dropped-completion", .at = CONTROL_ADOPTED, .drive = true,
	  .act = drop_completion },
	{ .name = "slow-consumer", .at = CONTROL_RESUMED, .nic = true, .act = be_slow },
};

static const struct control *find(const char *name)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (strcmp(name, controls[i].name) == 0)
			return &controls[i];
	}
	return NULL;
}

bool control_known(const char *name)
{
	return find(name);
}

int control_break(const char *name, enum control_at at, struct drive *drive, struct nic *nic)
{
	const struct control *c = find(name);

	if (!c || !c->act || c->at != at)
		return 0;
	if ((c->drive && !drive) || (c->nic && !nic))
		return complain(-EINVAL, "control %s needs the load %s", name,
				c->drive ? "nvme" : "nic");
	return c->act(drive, nic);
}

bool control_shows_early(const char *name)
{
	const struct control *c = find(name);

	return c && c->early;
}
