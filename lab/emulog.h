/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the emulator's own log as an oracle outside the guest */

#ifndef HF_EMULOG_H
#define HF_EMULOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

/*
 * What a line of emulator.log means. The first four are ordinary; everything else
 * must not happen from the last quiet moment before a jump to the end of its
 * cycle.
 */
enum emulog_kind {
	EMU_NONE,
	EMU_COMPLETION,		/* the drive put a completion in a queue */
	EMU_BYSTANDER,		/* the same, or a new queue, of a drive that the kernel owns */
	EMU_MACHINE_RESET,	/* all of the machine was reset */
	EMU_IOMMU_FAULT,	/* the IOMMU reported a fault */
	EMU_INVALID_DTE,	/* the IOMMU (AMD) found a device table entry that is no good */
	EMU_IOMMU_ERROR,	/* the IOMMU could not read or write memory of its own */
	EMU_BLOCKED,		/* one access of at most 4 bytes went nowhere */
	EMU_TRANSLATION_OFF,	/* DMA remapping was switched off */
	EMU_CONTROLLER_ENABLE,	/* the drive was enabled anew */
	EMU_CONTROLLER_STOP,	/* the drive was disabled, or told to shut down */
	EMU_QUEUE_CREATE,	/* a submission or completion queue was made */
	EMU_NVME_ERROR,		/* the drive found fault with a command */
	EMU_BUS_MASTER_OFF,	/* COMMAND written without bus mastering */
	EMU_RESET,		/* the drive was reset, or the bus it is on */
	EMU_KINDS
};

struct emulog_counts {
	uint64_t n[EMU_KINDS];
};

/* The devices whose configuration writes matter. */
struct emulog_watch {
	const struct lab_device *devices;
	unsigned int count;
};

/*
 * Is a watched device bus master when translation goes off? Then it does DMA to wherever its
 * addresses lead. The lines of the log are in the order in which things happened.
 */
struct emulog_order {
	bool translating;
	bool master[LAB_DEVICES];	/* COMMAND, as last written */
	unsigned int off;		/* how often translation went off, */
	unsigned int unsafe;		/* ... with a device still bus master */
	const char *bdf;		/* the first such device */
	unsigned int resets;		/* of all of the machine */
};

/* Take in one line. What happened before emulog_order_begin() is state, and is not counted. */
void emulog_follow(struct emulog_order *o, const struct emulog_watch *w, const char *line);
void emulog_order_begin(struct emulog_order *o);

/* What @line says about the watched devices. */
enum emulog_kind emulog_classify(const struct emulog_watch *w, const char *line);

/* The time that @line begins with, in microseconds since the epoch; -1: none. */
int64_t emulog_time_us(const char *line);

/*
 * Take out what the drivers of @drives kernel-owned drives do in one jump: each
 * shuts its drive down, resets it, and enables it. The log does not say which drive
 * it speaks of; so it must be just as many times, if @whole, and no more if the next
 * kernel may not have come that far. What is missing is reported like what is too much.
 */
void emulog_settle(struct emulog_counts *c, uint64_t drives, bool whole);

/* Everything that a clean jump must not show, summed. */
uint64_t emulog_reports(const struct emulog_counts *c);

/* {"iommu_faults": n, ...}: every kind but the ordinary ones. New reference. */
json_t *emulog_json(const struct emulog_counts *c);

#endif /* HF_EMULOG_H */
