/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the kernel tells of a hand-over: debugfs handover/, and the interrupts */

#ifndef HF_HANDOVER_H
#define HF_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's marks, in time order; see include/linux/handover.h of the series. */
enum mark {
	MARK_FREEZE, MARK_JUMP, MARK_EARLY, MARK_TAKEOVER, MARK_PROBE, MARK_INIT,
	MARK_RETRIEVE, MARK_RESUME, MARKS,
};

/* Phases of the blackout: what ends at a mark is named by phase_of_mark[]. */
enum phase {
	PHASE_SHUTDOWN, PHASE_JUMP, PHASE_EARLY_BOOT, PHASE_RESTORE, PHASE_INIT,
	PHASE_RETRIEVE, PHASE_RESUME, PHASES,
};

extern const char *const phase_names[PHASES];

#define TIMELINE_WATCHES 4	/* what the kernel has room for */

/* What was seen at each mark of the last jump. */
struct timeline {
	bool there;		/* this kernel has a timeline at all */
	bool set[MARKS];
	uint64_t tsc[MARKS];
	uint64_t seen[MARKS];	/* sum of the watches: entries that had arrived */
	uint64_t watch[MARKS][TIMELINE_WATCHES]; /* each of them, in the order of their making */
};

/* Ticks, and arrivals, of each phase. */
struct phases {
	uint64_t ticks[PHASES];
	uint64_t arrived[PHASES];
	bool known[PHASES];
};

/* Counters of the IOMMU's faults since this kernel started. */
struct faults {
	bool there;
	uint64_t count;		/* records, overflows and those found at boot, all devices */
};

#define WALK_LEVELS 6

/* How the restored domains were taken over, all together. */
struct restore_walk {
	bool there;
	char where[32];
	uint64_t tables, entries_read, ns;
	unsigned int levels;	/* 0: the kernel does not tell of which level they are */
	uint64_t of_level[WALK_LEVELS]; /* tables, from those of leaves up */
	uint64_t bad;		/* addresses in the place of a table's, which leak */
	uint64_t missing;	/* tables that were not freed, or too many */
};

/* Put a mark into the kernel's timeline, if it has one. */
void handover_mark(const char *name);

/*
 * Let the kernel count, at every mark, the entries of a ring whose byte & mask is
 * @value: @count entries of 16 bytes from @offset of the file @memfd on, byte
 * @byte of each. A window of no entries is left out. Returns how many were made, 0 or
 * 1. Silent without a kernel that can.
 */
void handover_watch_clear(void);
unsigned int handover_watch(int memfd, uint64_t offset, uint32_t count, unsigned int byte,
		    unsigned int mask, unsigned int value);

void handover_timeline(struct timeline *t);

/* Forget the first @count watches. */
void timeline_drop(struct timeline *t, unsigned int count);
void handover_faults(struct faults *f);
void handover_restore_walk(struct restore_walk *w);

/*
 * Split what happened between @tsc_begin and @tsc_end, and the @arrived entries,
 * at the marks. A mark that is missing gives its phase to the next one.
 */
void phases_split(struct phases *p, const struct timeline *t, uint64_t tsc_begin,
		  uint64_t tsc_end, uint64_t arrived);

/*
 * Parts of the above, on text: one line of debugfs each; false: not understood.
 * Exposed for the tests.
 */
bool timeline_line(struct timeline *t, const char *line);
bool faults_line(struct faults *f, const char *line);
bool restore_line(struct restore_walk *w, const char *line);

/* Interrupts that no handler wanted since this kernel started; not those of serial ports
 * and NVMe drives, which have their reasons. */
uint64_t irq_spurious(void);

/* Lines "nobody cared" in this kernel's log. */
uint64_t irq_nobody_cared(void);

/* Lines of this kernel's log that contain @text. */
uint64_t kernel_log_lines(const char *text);

#endif /* HF_HANDOVER_H */
