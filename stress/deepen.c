// SPDX-License-Identifier: GPL-2.0-only
/* Description: make the drive's queue so deep that completions go on through the blackout */

#include "deepen.h"

#include <errno.h>
#include <stdbool.h>

#include "clock.h"
#include "complain.h"

#define MIN_INFLIGHT 1000	/* at the jump */
#define RIPEN_MS 30000		/* from submission to the first completion */
#define SLOWEST_RIPENING 16	/* seconds */

/* As many per second as leave half of the queue at the end of the blackout. */
static int set_rate(struct ledger_state *s, struct channel *c, uint32_t max_rate)
{
	uint64_t rate = (uint64_t)s->depth * 1000 / (2 * s->blackout_ms);
	int answer;

	if (rate > max_rate)
		rate = max_rate;
	/* A little less: some complete between the last fill and the jump. */
	rate -= rate / 10;
	s->rate = rate ? (uint32_t)rate : 1;
	answer = channel_rate(c, s->rate);
	if (answer == 0) {
		s->rate = 0;
		channel_progress(c, "the drive's rate cannot be set");
	}
	return answer < 0 ? answer : 0;
}

static uint64_t needed_inflight(const struct ledger_state *s)
{
	uint64_t needed = 2ULL * s->blackout_ms * s->rate / 1000;

	return needed < MIN_INFLIGHT ? MIN_INFLIGHT : needed;
}

static int check_inflight(const struct drive *d)
{
	const struct ledger_state *s = d->state;

	if (!s->rate || d->load.inflight >= needed_inflight(s))
		return 0;
	return complain(-EAGAIN, "only %u commands in flight; needed are %llu: at least %d, and "
			"twice a blackout of %u ms at %u per second", d->load.inflight,
			(unsigned long long)needed_inflight(s), MIN_INFLIGHT, s->blackout_ms,
			s->rate);
}

/*
 * The emulated drive's throttle is one queue, and each command goes through it
 * twice: for its data and then, behind all others, for its metadata. A fresh queue
 * completes nothing before the data of every command is through. So stop the drive
 * until it has all commands, let their data through at @rate, and go down to the
 * rate of the blackout with the first read: the others are about to come. (Writes have
 * a queue of their own, a shorter one that is through earlier.)
 */
static int ripen_at(struct drive *d, struct channel *c, uint32_t max_rate, uint32_t rate)
{
	struct load *load = &d->load;
	uint64_t end = now_ms() + RIPEN_MS;
	int answer = channel_rate(c, 1);
	uint32_t reads;

	if (answer < 0)
		return answer;
	load_fill(load, LOAD_MIX);
	if (answer)
		answer = channel_rate(c, rate);
	if (answer < 0)
		return answer;
	reads = load_reads(load);
	while (answer && load_reads(load) == reads) {
		load_reap(load);
		if (now_ms() > end)
			return complain(-ETIMEDOUT, "no read completes at %u per second", rate);
		sleep_ms(1);
	}
	answer = set_rate(d->state, c, max_rate);
	load_reap(load);
	return answer;
}

/* Three of four commands are reads; writes that are through do not count. */
static bool ripe(const struct drive *d)
{
	return load_reads(&d->load) * 4ULL >= needed_inflight(d->state) * 3;
}

/*
 * A busy lab takes its time to answer, and by then the ripe ones may be through:
 * try again, more slowly.
 */
static int ripen(struct drive *d, struct channel *c, uint32_t max_rate)
{
	uint32_t rate = d->state->depth;
	int err;

	for (;;) {
		err = ripen_at(d, c, max_rate, rate);
		if (err || !d->state->rate || ripe(d) ||
		    rate <= d->state->depth / SLOWEST_RIPENING)
			return err;
		rate /= 2;
		err = channel_rate(c, 0);
		if (err < 0)
			return err;
		if (load_drain(&d->load, DRAIN_MS))
			return complain(-ETIMEDOUT, "the queue does not drain");
	}
}

int deepen(struct drive *d, struct channel *c, uint32_t max_rate)
{
	int err = ripen(d, c, max_rate);

	if (err)
		return err;
	load_fill(&d->load, LOAD_MIX);
	return check_inflight(d);
}

int deepen_again(struct drive *d)
{
	load_reap(&d->load);
	if (d->load.problem[0])
		return complain(-EIO, "before the jump: %s", d->load.problem);
	load_fill(&d->load, LOAD_MIX);
	return check_inflight(d);
}
