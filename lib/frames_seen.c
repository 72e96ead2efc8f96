// SPDX-License-Identifier: GPL-2.0-only
/* Description: which sequences of a stream have come in, as they come */

#include "frames_seen.h"

#include <string.h>

static uint64_t *word_of(struct frames_seen *s, uint64_t sequence)
{
	return &s->bits[sequence % FRAMES_WINDOW / 64];
}

static uint64_t bit_of(uint64_t sequence)
{
	return 1ull << sequence % 64;
}

/* Move the window on, so that @sequence is the highest in it. */
static void advance(struct frames_seen *s, uint64_t sequence)
{
	s->lost += sequence - s->next;
	if (sequence - s->next >= FRAMES_WINDOW) {
		memset(s->bits, 0, sizeof(s->bits));
	} else {
		for (uint64_t i = s->next; i != sequence; i++)
			*word_of(s, i) &= ~bit_of(i);
	}
	*word_of(s, sequence) |= bit_of(sequence);
	s->next = sequence + 1;
}

void frames_seen_add(struct frames_seen *s, uint64_t sequence)
{
	s->frames++;
	if (!s->any) {
		s->any = true;
		s->first = sequence;
		s->next = sequence;
	}
	if (sequence >= s->next) {
		advance(s, sequence);
	} else if (sequence < s->first) {
		s->late++;
	} else if (s->next - sequence <= FRAMES_WINDOW &&
		   *word_of(s, sequence) & bit_of(sequence)) {
		s->duplicated++;
	} else {
		*word_of(s, sequence) |= s->next - sequence <= FRAMES_WINDOW ? bit_of(sequence) : 0;
		s->late++;
		s->lost -= s->lost != 0;
	}
}
