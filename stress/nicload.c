// SPDX-License-Identifier: GPL-2.0-only
/* Description: the NIC load: frames in both directions, and the account of every one */

#include "nicload.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "blocks.h"
#include "clock.h"
#include "complain.h"

#define RING_EVERY 256	/* descriptors given back at once, while more are to be taken */
#define HOLE_MS 200	/* a report that is not there by then, was lost */
#define NEAR 64		/* frames that may be left: there are always new ones */
#define CATCH_UP_MS 30000
#define PATIENCE 100
#define MARKS 8		/* words at a frame's start that tell whether anything was written */

/* Every receive buffer before a frame comes. */
static uint64_t poison[NIC_BUFFER / 8];

static void make_poison(void)
{
	if (!poison[1])
		pattern_fill(poison, sizeof(poison), SEED_POISON);
}

#define problem(l, ...) complain_into((l)->problem, sizeof((l)->problem), __VA_ARGS__)

static uint8_t *rx_data(const struct nicload *l, uint32_t slot)
{
	return l->dev->dma->map + nicdev_rx_buffer(slot);
}

static uint8_t *tx_data(const struct nicload *l, uint32_t slot)
{
	return l->dev->dma->map + nicdev_tx_buffer(&l->dev->state, slot);
}

/*
 * Canaries
 */

/* Areas that no DMA may touch: number @i, in order; false behind the last. */
static bool canary_area(size_t size, uint32_t rx_depth, uint32_t tx_depth, uint64_t i,
			uint64_t *from, uint64_t *to)
{
	uint64_t slots = (uint64_t)rx_depth + tx_depth, slot = (i - 2) / 2;

	if (i == 0) {
		*from = NIC_RX_RING + (uint64_t)rx_depth * sizeof(struct nic_rx_desc);
		*to = NIC_TX_RING;
	} else if (i == 1) {
		*from = NIC_TX_RING + (uint64_t)tx_depth * sizeof(struct nic_tx_desc);
		*to = NIC_SLOTS;
	} else if (slot < slots) {
		*from = NIC_SLOTS + slot * NIC_SLOT_SIZE;
		*to = *from + NIC_SLOT_DATA;
		if (i & 1) {
			*from = *to + NIC_BUFFER;
			*to = NIC_SLOTS + (slot + 1) * NIC_SLOT_SIZE;
		}
	} else {
		*from = NIC_SLOTS + slots * NIC_SLOT_SIZE;
		*to = size;
		return i == 2 + 2 * slots;
	}
	return true;
}

void nicload_prepare(const struct memory *dma, uint32_t rx_depth, uint32_t tx_depth)
{
	uint64_t from, to;

	make_poison();
	for (uint64_t i = 0; canary_area(dma->size, rx_depth, tx_depth, i, &from, &to); i++)
		pattern_fill(dma->map + from, to - from, SEED_CANARY ^ from);
	for (uint32_t i = 0; i < rx_depth; i++)
		memcpy(dma->map + nicdev_rx_buffer(i), poison, sizeof(poison));
}

static void check_areas(struct nicload *l)
{
	const struct memory *dma = l->dev->dma;
	const struct nicdev_state *s = &l->dev->state;
	uint64_t from, to;

	for (uint64_t i = 0; canary_area(dma->size, s->rx_depth, s->tx_depth, i, &from, &to); i++) {
		size_t words = pattern_damage(dma->map + from, to - from, SEED_CANARY ^ from);

		if (!words)
			continue;
		l->counts.stray++;
		problem(l, "canary at 0x%llx: %zu words changed", (unsigned long long)from, words);
		pattern_fill(dma->map + from, to - from, SEED_CANARY ^ from);
	}
}

static bool is_poison(const uint8_t *data)
{
	return memcmp(data, poison, sizeof(poison)) == 0;
}

/* The device may have begun to use it since we looked: then it is for nicload_receive(). */
static bool still_waiting(const struct nicload *l, uint32_t ahead)
{
	struct nic_rx_desc d;

	/* Once is enough to be patient, if all of it is damaged. */
	if (l->counts.stray < PATIENCE)
		sleep_ms(HOLE_MS);
	return nicdev_rx_used(l->dev) <= ahead &&
	       nicdev_rx_look(l->dev, ahead, &d) != NIC_RX_DONE;
}

/* From the far end: what lands meanwhile, lands near head. */
static void check_waiting(struct nicload *l)
{
	struct nicdev *dev = l->dev;
	struct nic_rx_desc d;

	for (uint32_t i = nicdev_rx_given(dev); i-- > 0;) {
		uint32_t slot = (dev->state.rx_head + i) % dev->state.rx_depth;
		enum nic_rx look = nicdev_rx_look(dev, i, &d);

		if (look == NIC_RX_DONE || (look == NIC_RX_PENDING && is_poison(rx_data(l, slot))))
			continue;
		if (!still_waiting(l, i))
			continue;
		l->counts.stray++;
		problem(l, "receive %s %u was written to before its turn",
			look == NIC_RX_DAMAGED ? "descriptor" : "buffer", slot);
		memcpy(rx_data(l, slot), poison, sizeof(poison));
		nicdev_rx_mend(dev, i);
	}
}

/* The one descriptor of the ring that the device never has. */
static void check_idle(struct nicload *l)
{
	struct nicdev *dev = l->dev;
	struct nic_rx_desc *d = &dev->rx[dev->state.rx_tail];

	if (!d->address && !d->status && !d->length && !d->vlan)
		return;
	l->counts.stray++;
	problem(l, "receive descriptor %u was written, but never given", dev->state.rx_tail);
	*d = (struct nic_rx_desc){ 0 };
}

void nicload_check_canaries(struct nicload *l)
{
	check_areas(l);
	check_waiting(l);
	check_idle(l);
}

/*
 * Account of sequence numbers
 */

void nicload_new_account(struct nicload *l)
{
	l->counts = (struct nic_counts){ .first = l->state->next };
	for (uint32_t i = 0; i < l->state->gap_count; i++)
		l->state->gaps[i].settled = 1;
}

void nicload_init(struct nicload *l, struct nicdev *dev, struct nicload_state *state)
{
	make_poison();
	*state = (struct nicload_state){ 0 };
	*l = (struct nicload){ .dev = dev, .state = state };
}

void nicload_save(const struct nicload *l)
{
	l->state->counts = l->counts;
}

void nicload_adopt(struct nicload *l, struct nicdev *dev, struct nicload_state *state)
{
	make_poison();
	*l = (struct nicload){ .dev = dev, .state = state, .counts = state->counts };
	if (state->gap_count > NIC_GAPS)
		state->gap_count = NIC_GAPS;
}

static void remove_gap(struct nicload_state *s, uint32_t i)
{
	s->gap_count--;
	memmove(&s->gaps[i], &s->gaps[i + 1], (s->gap_count - i) * sizeof(s->gaps[0]));
}

static void add_gap(struct nicload_state *s, struct nic_gap gap)
{
	if (s->gap_count == NIC_GAPS)
		remove_gap(s, 0);
	s->gaps[s->gap_count++] = gap;
}

/* One of a gap has come after all: the rest of it are up to two gaps. */
static void take_from_gap(struct nicload_state *s, uint32_t i, uint64_t sequence)
{
	struct nic_gap rest = s->gaps[i];

	s->gaps[i].to = sequence;
	if (s->gaps[i].from == s->gaps[i].to)
		remove_gap(s, i);
	rest.from = sequence + 1;
	if (rest.from < rest.to)
		add_gap(s, rest);
}

static void came_before(struct nicload *l, uint64_t sequence)
{
	struct nicload_state *s = l->state;

	for (uint32_t i = 0; i < s->gap_count; i++) {
		struct nic_gap *gap = &s->gaps[i];
		uint64_t *count = gap->dropped ? &l->counts.dropped : &l->counts.lost;

		if (sequence < gap->from || sequence >= gap->to)
			continue;
		l->counts.late++;
		if (!gap->settled && *count)
			--*count;
		problem(l, "frame %llu came late", (unsigned long long)sequence);
		take_from_gap(s, i, sequence);
		return;
	}
	l->counts.duplicate++;
	problem(l, "frame %llu came twice", (unsigned long long)sequence);
}

/* Frames are missing before the one in @slot: for want of descriptors, or for no reason. */
static void note_gap(struct nicload *l, uint32_t slot, uint64_t sequence)
{
	struct nicload_state *s = l->state;
	struct nic_gap gap = { .from = s->next, .to = sequence };
	uint64_t missing = sequence - s->next;

	/* Some have been counted already: as torn, or as lost by an empty buffer. */
	missing -= missing < s->counted ? missing : s->counted;
	gap.dropped = s->full && slot == s->full_at;
	if (gap.dropped)
		l->counts.dropped += missing;
	else
		l->counts.lost += missing;
	if (missing && !gap.dropped)
		problem(l, "%llu frames are missing before frame %llu",
			(unsigned long long)missing, (unsigned long long)sequence);
	if (missing)
		add_gap(s, gap);
}

/* A whole frame. False: it is none of those that we wait for. */
static bool count_frame(struct nicload *l, uint32_t slot, const struct frame_info *info)
{
	struct nicload_state *s = l->state;

	if (info->stream & FRAME_FROM_PORT || (s->synced && info->stream != s->stream)) {
		l->counts.stray++;
		problem(l, "a frame of stream 0x%x", info->stream);
		return false;
	}
	if (!s->synced) {
		s->synced = 1;
		s->stream = info->stream;
		s->next = info->sequence;
		l->counts.first = info->sequence;
	}
	if (info->sequence < s->next) {
		came_before(l, info->sequence);
		return false;
	}
	if (info->sequence > s->next)
		note_gap(l, slot, info->sequence);
	s->next = info->sequence + 1;
	s->counted = 0;
	l->counts.last = info->sequence;
	l->counts.received++;
	return true;
}

/* A descriptor whose frame is not there, or not whole: which one it was, nobody knows. */
static void count_bad(struct nicload *l, uint64_t *count)
{
	++*count;
	l->state->counted++;
}

/*
 * Receive
 */

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static size_t round_up(size_t length)
{
	return length > NIC_BUFFER ? NIC_BUFFER : (length + 7) / 8 * 8;
}

/* Is a frame's start, or some of it, as it was before? A foreign frame leaves none of it. */
static bool start_is_poison(const uint8_t *data)
{
	for (size_t i = 0; i < MARKS; i++) {
		if (memcmp(data + 8 * i, &poison[i], 8) == 0)
			return true;
	}
	return false;
}

/* The buffer of a descriptor that is done holds no whole frame. */
static void blame(struct nicload *l, uint32_t slot, int err, const struct frame_info *info)
{
	const uint8_t *data = rx_data(l, slot);

	if (is_poison(data)) {
		l->counts.empty++;
		count_bad(l, &l->counts.lost);
		problem(l, "receive descriptor %u is done, and its buffer as it was", slot);
	} else if (err == -EBADMSG) {
		count_bad(l, &l->counts.torn);
		problem(l, "frame %llu is torn at byte %zu", (unsigned long long)info->sequence,
			info->bad_offset);
	} else if (start_is_poison(data)) {
		count_bad(l, &l->counts.torn);
		problem(l, "the frame in slot %u has no start", slot);
	} else {
		l->counts.foreign++;
	}
}

static bool check_behind(struct nicload *l, uint32_t slot, size_t from)
{
	const uint8_t *data = rx_data(l, slot);

	if (memcmp(data + from, (const uint8_t *)poison + from, NIC_BUFFER - from) == 0)
		return true;
	l->counts.stray++;
	problem(l, "slot %u was written to behind its frame", slot);
	return false;
}

static void check_frame(struct nicload *l, uint32_t slot, const struct nic_rx_desc *d)
{
	uint32_t errors = l->dev->state.device == NIC_82576 ? NIC_RX_ERRORS_576 :
			  NIC_RX_ERRORS_574;
	uint8_t *data = rx_data(l, slot);
	size_t used = NIC_BUFFER;
	struct frame_info info;
	int err;

	if (d->status & errors) {
		count_bad(l, &l->counts.faulted);
		problem(l, "receive descriptor %u: status 0x%x", slot, d->status);
	} else if (!(d->status & NIC_RX_EOP) || d->length > NIC_BUFFER) {
		count_bad(l, &l->counts.torn);
		problem(l, "receive descriptor %u: %u bytes, status 0x%x", slot, d->length,
			d->status);
	} else {
		err = frame_check(data, d->length, &info);
		if (err) {
			blame(l, slot, err, &info);
		} else {
			used = round_up(d->length);
			l->counts.bytes += d->length;
			count_frame(l, slot, &info);
			if (!check_behind(l, slot, used))
				used = NIC_BUFFER;
		}
	}
	memcpy(data, poison, used);
}

/* Head has come to where the device stops: what it could not place, it dropped. */
static void note_full(struct nicload *l)
{
	const struct nicdev_state *s = &l->dev->state;

	if (s->rx_head != s->rx_rung)
		return;
	l->counts.ring_full++;
	l->state->full = 1;
	l->state->full_at = s->rx_head;
}

static void take_one(struct nicload *l)
{
	uint32_t slot = l->dev->state.rx_head;

	nicdev_rx_take(l->dev);
	l->counts.taken++;
	/* Of a frame that is not whole nobody knows what is missing before it: the next says. */
	if (l->state->full && slot == l->state->full_at) {
		l->state->full = l->state->counted > 0;
		l->state->full_at = l->dev->state.rx_head;
	}
	note_full(l);
}

/*
 * Has the device come to the tail? What it drops from then on is missing behind its last
 * descriptor: so leave it there until that one is taken, or nobody knows any more.
 */
static bool has_stopped(const struct nicload *l)
{
	const struct nicdev_state *s = &l->dev->state;
	uint32_t left = (s->rx_rung + s->rx_depth - s->rx_head) % s->rx_depth;
	struct nic_rx_desc d;

	return left && nicdev_rx_look(l->dev, left - 1, &d) == NIC_RX_DONE;
}

static void give_back(struct nicload *l)
{
	/* Without registers nobody uses what would be given. */
	if (!l->dev->io.write || has_stopped(l))
		return;
	nicdev_rx_give(l->dev);
	nicdev_rx_ring(l->dev);
}

uint32_t nicload_receive(struct nicload *l)
{
	struct nic_rx_desc d;
	uint32_t n = 0;

	/* A source that is faster than we are must not keep us here. */
	while (n < l->dev->state.rx_depth && nicdev_rx_given(l->dev) &&
	       nicdev_rx_look(l->dev, 0, &d) == NIC_RX_DONE) {
		check_frame(l, l->dev->state.rx_head, &d);
		take_one(l);
		if (++n % RING_EVERY == 0)
			give_back(l);
	}
	if (n)
		give_back(l);
	return n;
}

/*
 * Descriptors from head on that the device has used, and not reported: by its own head
 * register, or because a later one is reported.
 */
static uint32_t hole(const struct nicload *l)
{
	uint32_t given = nicdev_rx_given(l->dev), used = nicdev_rx_used(l->dev);
	struct nic_rx_desc d;

	if (!given || nicdev_rx_look(l->dev, 0, &d) == NIC_RX_DONE)
		return 0;
	for (uint32_t i = 1; i < given; i++) {
		if (nicdev_rx_look(l->dev, i, &d) == NIC_RX_DONE)
			return i;
	}
	return used;
}

/* Their frames came, or did not: no driver would have seen them. */
static void skip_hole(struct nicload *l, uint32_t count)
{
	problem(l, "%u receive descriptors from %u on were used, and never reported", count,
		l->dev->state.rx_head);
	while (count--) {
		uint8_t *data = rx_data(l, l->dev->state.rx_head);

		l->counts.eaten++;
		count_bad(l, is_poison(data) ? &l->counts.lost : &l->counts.torn);
		memcpy(data, poison, sizeof(poison));
		take_one(l);
	}
	give_back(l);
}

/* A hole that lasts, at the same place, is one. */
static uint32_t lasting_hole(struct nicload *l)
{
	uint32_t head = l->dev->state.rx_head;

	if (!hole(l))
		return 0;
	sleep_ms(HOLE_MS);
	return l->dev->state.rx_head == head ? hole(l) : 0;
}

void nicload_catch_up(struct nicload *l)
{
	uint64_t end = now_ms() + CATCH_UP_MS;
	struct nic_rx_desc d;
	uint32_t count;

	do {
		nicload_receive(l);
		count = lasting_hole(l);
		if (count)
			skip_hole(l, count);
	} while ((count || (nicdev_rx_given(l->dev) > NEAR &&
			   nicdev_rx_look(l->dev, NEAR, &d) == NIC_RX_DONE)) && now_ms() < end);
}

/*
 * Transmit
 */

/* Lengths differ from frame to frame, and come to all there are. */
static size_t tx_length(uint64_t sequence)
{
	return FRAME_MIN + sequence * 331 % (FRAME_MAX - FRAME_MIN + 1);
}

uint32_t nicload_send(struct nicload *l, uint32_t count)
{
	struct nicload_state *s = l->state;
	uint32_t n = 0;

	while (n < count && nicdev_tx_room(l->dev)) {
		size_t length = tx_length(s->tx_next);

		frame_build(tx_data(l, l->dev->state.tx_tail), length, NIC_TX_STREAM, s->tx_next,
			    realtime_ns());
		nicdev_tx_put(l->dev, (uint32_t)length);
		s->tx_next++;
		n++;
	}
	nicdev_tx_ring(l->dev);
	return n;
}

static uint32_t tx_outstanding(const struct nicload *l)
{
	const struct nicdev_state *s = &l->dev->state;

	return (s->tx_tail + s->tx_depth - s->tx_head) % s->tx_depth;
}

/* A frame's data is not the device's to change. */
static void check_sent(struct nicload *l)
{
	uint64_t sequence = l->state->tx_next - tx_outstanding(l);
	struct frame_info info;
	int err = frame_check(tx_data(l, l->dev->state.tx_head), tx_length(sequence), &info);

	if (!err && info.stream == NIC_TX_STREAM && info.sequence == sequence) {
		l->counts.sent++;
		return;
	}
	l->counts.stray++;
	problem(l, "the buffer of sent frame %llu was changed", (unsigned long long)sequence);
}

uint32_t nicload_sent(struct nicload *l)
{
	while (nicdev_tx_done(l->dev)) {
		check_sent(l);
		nicdev_tx_take(l->dev);
	}
	return tx_outstanding(l);
}

void nicload_give_up(struct nicload *l)
{
	uint32_t n = nicload_sent(l);

	l->counts.unsent += n;
	if (n)
		problem(l, "%u frames were never reported as sent", n);
	while (n--)
		nicdev_tx_take(l->dev);
}

uint64_t nic_findings(const struct nic_counts *c)
{
	return c->lost + c->torn + c->duplicate + c->late + c->stray + c->eaten;
}

const char *nic_objection(const struct nic_counts *c)
{
	if (c->lost)
		return "frames were lost";
	if (c->torn)
		return "frames are torn";
	if (c->faulted)
		return "the NIC reports frames with errors";
	if (c->eaten)
		return "the NIC's reports were lost";
	if (c->stray)
		return "the NIC's DMA went astray";
	if (c->duplicate)
		return "frames came twice";
	if (c->late)
		return "frames came late";
	return c->unsent ? "frames were not sent" : NULL;
}
