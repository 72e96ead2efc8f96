/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the lab's own judgement of cycles and of negative controls */

#ifndef HF_JUDGE_H
#define HF_JUDGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "emulog.h"

/*
 * The agent judges its own cycle; this looks at the whole record again, with
 * what was seen from outside, and believes a pass only if no oracle reported
 * anything, DMA arrived on both sides of the IOMMU's take-over, and each of @loads
 * and @bystanders was at work. Writes the first objection to @why and returns false.
 */
bool judge_cycle(json_t *record, const char *loads, const char *bystanders, char *why,
		 size_t size);

/*
 * Has every frame that a port sent, by the agent's records, come to its source as it should?
 * @frames: as in run.json, NULL if there was no source. False with the reason in @why; it
 * begins with "the frame source" if that is to blame.
 */
bool judge_frames(json_t *frames, json_t *cycles, char *why, size_t size);

/*
 * Were @planned page tables replaced without harm? @swaps: as in run.json, NULL if
 * the agent reported none. False with the reason in @why.
 */
bool judge_swaps(json_t *swaps, json_int_t planned, char *why, size_t size);

/* Did all that the agent has tried on an exit come out as it must? NULL: it has tried nothing. */
bool judge_exits(json_t *exits, char *why, size_t size);

/* Is @must_catch a list of oracles, each once, or "none"? */
bool judge_knows(const char *must_catch);

/*
 * Was the run's deliberate fault caught, in @cycles or @swaps (NULL: there were none), by every
 * oracle named in @must_catch ("data,emulator")? Writes what each oracle counted, or which one was
 * blind, to @why.
 */
bool judge_control(const char *control, const char *must_catch, json_t *swaps, json_t *cycles,
		   char *why, size_t size);

/*
 * The same for what must be no fault, a full ring: has there been one in @cycles, and did the run
 * @pass all the same?
 */
bool judge_harmless(const char *control, bool pass, json_t *cycles, char *why, size_t size);

/*
 * Entries of run.json's exits that the lab makes itself, new references. Of the translation
 * since emulog_order_begin(): @want is "stays-on", and seen to be on at the end, or "goes-off" for
 * behind bus mastering.
 */
json_t *judge_order(const struct emulog_order *o, const char *want);
json_t *judge_fact(const char *what, bool yes);

/*
 * Has an exit come to all that it @ends with (configs/exits)? "cycle": all @cycles are through; "anew",
 * "quiet": the agent has tried that. Whether it was good, judge_exits() says.
 */
bool judge_ends(const char *ends, json_t *exits, bool cycles, char *why, size_t size);

#endif /* HF_JUDGE_H */
