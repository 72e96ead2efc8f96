// SPDX-License-Identifier: GPL-2.0-only
/* Description: a completion queue is adopted right at every position of its ring */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cq.c"

#define MAX_ENTRIES 4096u

/* The device's side: writes entries in order, inverts the tag on every pass. */
struct device {
	struct nvme_cqe *ring;
	uint32_t entries, tail;
	uint16_t phase;
	uint16_t cid;
};

static struct nvme_cqe ring[MAX_ENTRIES];

static void post(struct device *d)
{
	d->ring[d->tail].cid = d->cid++;
	d->ring[d->tail].status = d->phase;
	if (++d->tail < d->entries)
		return;
	d->tail = 0;
	d->phase = !d->phase;
}

/* A queue whose reader has taken @consumed entries, as it is before a jump. */
static void run_up(struct device *d, struct cq *cq, uint32_t entries, uint32_t consumed)
{
	struct nvme_cqe cqe;

	memset(ring, 0, sizeof(ring));
	*d = (struct device){ .ring = ring, .entries = entries, .phase = 1 };
	*cq = (struct cq){ .ring = ring, .entries = entries, .phase = 1 };
	for (uint32_t i = 0; i < consumed; i++) {
		post(d);
		assert_true(cq_peek(cq, &cqe));
		cq_advance(cq);
	}
	assert_false(cq_peek(cq, &cqe));
}

/* The next kernel: nothing but head and phase, and the memory. */
static struct cq adopt(const struct cq *old)
{
	return (struct cq){
		.ring = old->ring, .entries = old->entries, .head = old->head,
		.phase = old->phase,
	};
}

static void check_adoption(uint32_t entries, uint32_t consumed, uint32_t arrive)
{
	uint32_t outstanding = entries - 1;
	struct nvme_cqe cqe;
	struct cq old, cq;
	struct device d;

	run_up(&d, &old, entries, consumed);
	for (uint32_t i = 0; i < arrive; i++)
		post(&d);
	cq = adopt(&old);
	assert_int_equal(cq_arrived(&cq, outstanding), arrive);
	assert_int_equal(cq_beyond_hole(&cq, outstanding), 0);
	for (uint32_t i = 0; i < arrive; i++) {
		assert_true(cq_peek(&cq, &cqe));
		assert_int_equal(cqe.cid, (uint16_t)(consumed + i));
		cq_advance(&cq);
	}
	assert_false(cq_peek(&cq, &cqe));
	/* The reader is where the writer goes on. */
	assert_int_equal(cq.head, d.tail);
	assert_int_equal(cq.phase, d.phase);
	post(&d);
	assert_true(cq_peek(&cq, &cqe));
}

/* Two passes and more, so that each head comes with both phases. */
static void small_ring_at_every_position(void **state)
{
	const uint32_t entries = 8;

	(void)state;
	for (uint32_t consumed = 0; consumed < 3 * entries; consumed++) {
		for (uint32_t arrive = 0; arrive < entries; arrive++)
			check_adoption(entries, consumed, arrive);
	}
}

static void full_ring_at_every_head(void **state)
{
	(void)state;
	for (uint32_t consumed = 0; consumed < 2 * MAX_ENTRIES; consumed += 61)
		check_adoption(MAX_ENTRIES, consumed, MAX_ENTRIES - 1);
}

static void never_more_than_outstanding(void **state)
{
	struct device d;
	struct cq cq;

	(void)state;
	run_up(&d, &cq, 8, 5);
	post(&d);
	post(&d);
	assert_int_equal(cq_arrived(&cq, 1), 1);
	assert_int_equal(cq_arrived(&cq, 0), 0);
}

/* An entry whose DMA was lost, at every position: those behind it are seen. */
static void hole_is_seen_everywhere(void **state)
{
	(void)state;
	for (uint32_t consumed = 0; consumed < 16; consumed++) {
		for (uint32_t hole = 0; hole < 4; hole++) {
			struct device d;
			struct cq cq;

			run_up(&d, &cq, 8, consumed);
			for (uint32_t i = 0; i < 5; i++)
				post(&d);
			ring[(consumed + hole) % 8].status ^= 1;
			assert_int_equal(cq_arrived(&cq, 7), hole);
			assert_int_equal(cq_beyond_hole(&cq, 7), 4 - hole);
		}
	}
}

/* What the kernel counts at its marks, window by window, is what has arrived. */
static void watch_windows_count_arrivals(void **state)
{
	(void)state;
	for (uint32_t consumed = 0; consumed < 24; consumed++) {
		for (uint32_t arrive = 0; arrive < 8; arrive++) {
			uint32_t seen = 0;
			struct device d;
			struct cq cq;

			run_up(&d, &cq, 8, consumed);
			for (uint32_t i = 0; i < arrive; i++)
				post(&d);
			for (uint32_t i = 0; i < 8; i++) {
				uint8_t byte = ((uint8_t *)&ring[i])[CQE_PHASE_BYTE];
				uint16_t new = i >= cq.head ? cq.phase : !cq.phase;

				seen += (byte & CQE_PHASE_MASK) == new;
			}
			assert_int_equal(seen, arrive);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_ring_at_every_position),
		cmocka_unit_test(full_ring_at_every_head),
		cmocka_unit_test(never_more_than_outstanding),
		cmocka_unit_test(hole_is_seen_everywhere),
		cmocka_unit_test(watch_windows_count_arrivals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
