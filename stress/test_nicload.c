// SPDX-License-Identifier: GPL-2.0-only
/* Description: every way a frame can end is counted as what it is */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nicload.c"

#include "fake_nic.h"

#define RX 384u	/* more than are given back at once */
#define TX 16u
#define STREAM 5u

static struct memory dma;
static struct nicdev nic;
static struct nicload load;
static struct nicload_state state;
static uint8_t frame[FRAME_MAX];
static uint64_t next_frame;

static int setup_model(uint32_t device)
{
	if (!dma.map && memory_create(&dma, "nic", nicdev_size(RX, TX)))
		return -1;
	memset(dma.map, 0, dma.size);
	nicload_prepare(&dma, RX, TX);
	fake_init(device, &dma);
	next_frame = 1000;
	if (nicdev_start(&nic, &fake_io, device, &dma, FAKE_IOVA, RX, TX))
		return -1;
	nicload_init(&load, &nic, &state);
	return 0;
}

static int setup(void **s)
{
	(void)s;
	return setup_model(NIC_82574L);
}

static int setup_576(void **s)
{
	(void)s;
	return setup_model(NIC_82576);
}

static size_t build(uint64_t sequence)
{
	size_t length = FRAME_MIN + sequence * 97 % (FRAME_MAX - FRAME_MIN + 1);

	frame_build(frame, length, STREAM, sequence, realtime_ns());
	return length;
}

static void land(uint64_t sequence)
{
	size_t length = build(sequence);

	assert_true(fake_land(frame, length));
}

/* @n frames, in order. */
static void flow(uint32_t n)
{
	while (n--)
		land(next_frame++);
}

/* All counts that are not named are 0. */
static void expect(struct nic_counts want)
{
	const struct nic_counts *c = &load.counts;

	assert_int_equal(c->received, want.received);
	assert_int_equal(c->lost, want.lost);
	assert_int_equal(c->dropped, want.dropped);
	assert_int_equal(c->torn, want.torn);
	assert_int_equal(c->duplicate, want.duplicate);
	assert_int_equal(c->late, want.late);
	assert_int_equal(c->faulted, want.faulted);
	assert_int_equal(c->stray, want.stray);
	assert_int_equal(c->foreign, want.foreign);
	assert_int_equal(c->empty, want.empty);
	assert_int_equal(c->eaten, want.eaten);
}

#define EXPECT(...) expect((struct nic_counts){ __VA_ARGS__ })

static void clean_frames_are_received(void **s)
{
	(void)s;
	for (uint32_t i = 0; i < 40; i++) {
		flow(50);
		assert_int_equal(nicload_receive(&load), 50);
		assert_int_equal(nicdev_rx_given(&nic), RX - 1);
	}
	nicload_check_canaries(&load);
	EXPECT(.received = 2000);
	assert_int_equal(load.counts.first, 1000);
	assert_int_equal(load.counts.last, 2999);
	assert_int_equal(load.counts.ring_full, 0);
	assert_null(nic_objection(&load.counts));
	assert_string_equal(load.problem, "");
}

/* Every buffer is poison again once its frame was taken. */
static void buffers_are_poisoned_again(void **s)
{
	(void)s;
	flow(100);
	nicload_receive(&load);
	for (uint32_t i = 0; i < RX; i++)
		assert_true(is_poison(rx_data(&load, i)));
}

static void missing_frames_are_lost(void **s)
{
	(void)s;
	flow(10);
	next_frame += 3;
	flow(10);
	nicload_receive(&load);
	EXPECT(.received = 20, .lost = 3);
	assert_non_null(strstr(load.problem, "3 frames are missing"));
	assert_int_equal(state.gap_count, 1);
	assert_int_equal(state.gaps[0].from, 1010);
	assert_int_equal(state.gaps[0].to, 1013);
}

/* QEMU's silent fault: the descriptor is done, and nothing landed. */
static void done_without_data_is_lost_once(void **s)
{
	size_t length;

	(void)s;
	flow(5);
	length = build(next_frame++);
	assert_true(fake_land_part(frame, length, 0, 0));
	nicload_receive(&load);
	EXPECT(.received = 5, .lost = 1, .empty = 1);
	/* The next frame shows that one is missing: it is the same one. */
	flow(5);
	nicload_receive(&load);
	EXPECT(.received = 10, .lost = 1, .empty = 1);
}

static void half_a_frame_is_torn(void **s)
{
	(void)s;
	flow(1);
	frame_build(frame, 1000, STREAM, next_frame++, 0);
	assert_true(fake_land_part(frame, 1000, 0, 512));
	flow(1);
	frame_build(frame, 1000, STREAM, next_frame++, 0);
	assert_true(fake_land_part(frame, 1000, 512, 1000));
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 3, .torn = 2);
	assert_non_null(strstr(load.problem, "torn at byte 512"));
}

static void one_bad_bit_is_torn(void **s)
{
	size_t length;

	(void)s;
	flow(1);
	length = build(next_frame++);
	frame[length - 1] ^= 1;
	assert_true(fake_land(frame, length));
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 2, .torn = 1);
}

/* Of three that are missing one is known as torn. */
static void torn_and_lost_add_up(void **s)
{
	size_t length;

	(void)s;
	flow(1);
	next_frame++;
	length = build(next_frame++);
	frame[60] ^= 1;
	assert_true(fake_land(frame, length));
	next_frame++;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 2, .torn = 1, .lost = 2);
}

static void frames_come_twice_or_late(void **s)
{
	(void)s;
	flow(3);
	land(next_frame - 1);
	next_frame += 5;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 4, .lost = 5, .duplicate = 1);
	land(next_frame - 4);
	nicload_receive(&load);
	EXPECT(.received = 4, .lost = 4, .duplicate = 1, .late = 1);
	/* Once more, it is not late but a duplicate; its neighbours are still missing. */
	land(next_frame - 4);
	land(next_frame - 3);
	land(next_frame - 6);
	nicload_receive(&load);
	EXPECT(.received = 4, .lost = 2, .duplicate = 2, .late = 3);
	assert_int_equal(state.gap_count, 2);
}

/* What was settled as lost, stays in that account. */
static void late_in_a_later_account(void **s)
{
	(void)s;
	flow(1);
	next_frame++;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 2, .lost = 1);
	nicload_new_account(&load);
	assert_int_equal(load.counts.first, next_frame);
	next_frame++;
	flow(1);
	land(next_frame - 4);
	nicload_receive(&load);
	EXPECT(.received = 1, .lost = 1, .late = 1);
}

static void error_status_is_faulted(void **s)
{
	struct nic_rx_desc *d;

	(void)s;
	flow(1);
	d = &nic.rx[fake.reg[(fake.rx + NIC_Q_HEAD) / 4]];
	land(next_frame++);
	d->status |= 1u << 31;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 2, .faulted = 1);
}

static void half_a_packet_is_torn(void **s)
{
	struct nic_rx_desc *d = &nic.rx[0];

	(void)s;
	land(next_frame++);
	d->status &= ~NIC_RX_EOP;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 1, .torn = 1);
}

static void other_frames_are_told_apart(void **s)
{
	(void)s;
	flow(1);
	memset(frame, 0xff, sizeof(frame));
	assert_true(fake_land(frame, 60));
	frame_build(frame, 100, STREAM + 1, next_frame, 0);
	assert_true(fake_land(frame, 100));
	frame_build(frame, 100, STREAM | FRAME_FROM_PORT, next_frame, 0);
	assert_true(fake_land(frame, 100));
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = 2, .foreign = 1, .stray = 2);
}

/* The device had no descriptor left: what is missing then was not lost by DMA. */
static void full_ring_drops(void **s)
{
	(void)s;
	flow(RX - 1);
	assert_false(fake_land(frame, build(next_frame++)));
	assert_false(fake_land(frame, build(next_frame++)));
	assert_int_equal(nicdev_rx_arrived(&nic), nicdev_rx_given(&nic));
	nicload_receive(&load);
	assert_int_equal(load.counts.ring_full, 1);
	flow(10);
	nicload_receive(&load);
	EXPECT(.received = RX - 1 + 10, .dropped = 2);
	assert_null(nic_objection(&load.counts));
	/* Later on, nothing explains a gap. */
	next_frame++;
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = RX + 10, .dropped = 2, .lost = 1);
}

/* A ring that was full and lost nothing: as QEMU does it. */
static void full_ring_holds_back(void **s)
{
	(void)s;
	for (uint32_t i = 0; i < 5; i++) {
		flow(RX - 1);
		nicload_receive(&load);
	}
	EXPECT(.received = 5 * (RX - 1));
	assert_int_equal(load.counts.ring_full, 5);
	assert_null(nic_objection(&load.counts));
}

/* A gap before the ring was full is no matter of descriptors. */
static void lost_before_the_ring_is_full(void **s)
{
	(void)s;
	flow(10);
	next_frame++;
	flow(RX - 1 - 10);
	nicload_receive(&load);
	EXPECT(.received = RX - 1, .lost = 1);
}

/* The first frame after a full ring is torn: the next says what is missing, and why. */
static void torn_after_full(void **s)
{
	size_t length;

	(void)s;
	flow(RX - 1);
	next_frame++;
	nicload_receive(&load);
	length = build(next_frame++);
	frame[50] ^= 1;
	assert_true(fake_land(frame, length));
	flow(1);
	nicload_receive(&load);
	EXPECT(.received = RX, .torn = 1, .dropped = 1);
}

/* The ring's page was blocked: descriptors are used, and memory knows nothing of it. */
static void eaten_descriptors_are_found(void **s)
{
	uint32_t *head = &fake.reg[(fake.rx + NIC_Q_HEAD) / 4];

	(void)s;
	flow(4);
	*head += 6;
	next_frame += 6;
	nicload_receive(&load);
	assert_int_equal(nicdev_rx_used(&nic), 6);
	nicload_catch_up(&load);
	EXPECT(.received = 4, .eaten = 6, .lost = 6);
	flow(4);
	nicload_catch_up(&load);
	EXPECT(.received = 8, .eaten = 6, .lost = 6);
	assert_int_equal(nicdev_rx_given(&nic), RX - 1);
}

/* The frame came, its descriptor did not. Without registers a later one shows it. */
static void report_of_a_frame_is_lost(void **s)
{
	struct nic_rx_desc was = nic.rx[2];

	(void)s;
	flow(6);
	nic.rx[2] = was;
	nic.io = (struct nic_io){ 0 };
	nicload_catch_up(&load);
	EXPECT(.received = 5, .eaten = 1, .torn = 1);
}

static void every_canary_is_watched(void **s)
{
	const uint64_t at[] = {
		NIC_RX_RING + RX * 16, NIC_TX_RING - 1, NIC_TX_RING + TX * 16, NIC_SLOTS - 1,
		NIC_SLOTS, NIC_SLOTS + NIC_SLOT_DATA - 1, NIC_SLOTS + NIC_SLOT_DATA + NIC_BUFFER,
		NIC_SLOTS + NIC_SLOT_SIZE - 1, NIC_SLOTS + (RX + TX) * NIC_SLOT_SIZE - 1,
		NIC_SLOTS + RX * NIC_SLOT_SIZE, NIC_SLOTS + (RX + TX) * NIC_SLOT_SIZE,
	};

	(void)s;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		if (at[i] >= dma.size)
			continue;
		load.counts.stray = 0;
		dma.map[at[i]] ^= 0x80;
		nicload_check_canaries(&load);
		assert_int_equal(load.counts.stray, 1);
		nicload_check_canaries(&load);
		assert_int_equal(load.counts.stray, 1);
	}
}

static void what_waits_is_watched(void **s)
{
	(void)s;
	flow(3);
	nicload_receive(&load);
	dma.map[nicdev_rx_buffer(77) + 2000] ^= 1;
	nicload_check_canaries(&load);
	EXPECT(.received = 3, .stray = 1);
	nic.rx[78].vlan = 7;
	nicload_check_canaries(&load);
	EXPECT(.received = 3, .stray = 2);
	nic.rx[nic.state.rx_tail].length = 7;
	nicload_check_canaries(&load);
	EXPECT(.received = 3, .stray = 3);
	/* All is mended: the load goes on, all around the ring. */
	flow(RX - 10);
	nicload_receive(&load);
	nicload_check_canaries(&load);
	EXPECT(.received = RX - 7, .stray = 3);
}

/* Frames that have come and are not taken yet are no damage. */
static void what_came_is_no_damage(void **s)
{
	(void)s;
	flow(20);
	nicload_check_canaries(&load);
	EXPECT(.received = 0);
	nicload_receive(&load);
	EXPECT(.received = 20);
}

static void bytes_behind_a_frame_are_stray(void **s)
{
	(void)s;
	frame_build(frame, 100, STREAM, next_frame++, 0);
	assert_true(fake_land(frame, 100));
	dma.map[nicdev_rx_buffer(0) + 104] ^= 1;
	nicload_receive(&load);
	EXPECT(.received = 1, .stray = 1);
	assert_true(is_poison(rx_data(&load, 0)));
}

static void frames_are_sent(void **s)
{
	uint8_t got[FRAME_MAX];
	struct frame_info info;
	size_t length;

	(void)s;
	for (uint64_t sequence = 0; sequence < 100;) {
		uint32_t n = nicload_send(&load, 10);

		assert_int_equal(n, 10);
		assert_int_equal(nicload_sent(&load), n);
		for (; n; n--, sequence++) {
			length = fake_send(got);
			assert_int_equal(frame_check(got, length, &info), 0);
			assert_int_equal(info.stream, NIC_TX_STREAM);
			assert_int_equal(info.sequence, sequence);
		}
		assert_int_equal(fake_send(got), 0);
		assert_int_equal(nicload_sent(&load), 0);
	}
	assert_int_equal(load.counts.sent, 100);
	assert_null(nic_objection(&load.counts));
}

static void sending_stops_at_a_full_ring(void **s)
{
	(void)s;
	assert_int_equal(nicload_send(&load, 100), TX - 1);
	assert_int_equal(nicload_send(&load, 100), 0);
	nicload_give_up(&load);
	assert_int_equal(load.counts.unsent, TX - 1);
	assert_string_equal(nic_objection(&load.counts), "frames were not sent");
}

static void changed_transmit_buffer_is_stray(void **s)
{
	uint8_t got[FRAME_MAX];

	(void)s;
	nicload_send(&load, 2);
	dma.map[nicdev_tx_buffer(&nic.state, 1) + 50] ^= 1;
	fake_send(got);
	fake_send(got);
	nicload_sent(&load);
	assert_int_equal(load.counts.sent, 1);
	EXPECT(.stray = 1);
}

/* As the next kernel does it: nothing but the ledger's state and the memory. */
static void adopted_load_goes_on(void **s)
{
	static struct nicload_state next_state;
	struct nicdev_state left;
	struct nicdev next_nic;
	struct nicload next;
	uint8_t got[FRAME_MAX];

	(void)s;
	flow(300);
	nicload_receive(&load);
	nicload_new_account(&load);
	flow(7);
	nicload_receive(&load);
	assert_int_equal(nicload_send(&load, 5), 5);
	nicload_save(&load);
	left = nic.state;
	next_state = state;
	fake.writes = fake.tail_writes = 0;
	/* The blackout: over the ring's end, with one lost; two frames go out. */
	flow(40);
	next_frame++;
	flow(60);
	fake_send(got);
	fake_send(got);
	memset(&nic, 0, sizeof(nic));
	memset(&state, 0, sizeof(state));
	assert_int_equal(nicdev_adopt_memory(&next_nic, &dma, FAKE_IOVA, &left), 0);
	nicload_adopt(&next, &next_nic, &next_state);
	assert_int_equal(nicdev_adopt(&next_nic, &fake_io), 0);
	assert_int_equal(fake.writes, 0);
	assert_int_equal(nicdev_rx_arrived(&next_nic), 100);
	assert_int_equal(nicload_receive(&next), 100);
	assert_int_equal(next.counts.received, 107);
	assert_int_equal(next.counts.lost, 1);
	assert_int_equal(nicload_sent(&next), 3);
	while (fake_send(got))
		;
	assert_int_equal(nicload_sent(&next), 0);
	assert_int_equal(next.counts.sent, 5);
	assert_int_equal(nicload_send(&next, 1), 1);
	assert_int_equal(fake_send(got), tx_length(5));
	nicload_check_canaries(&next);
	assert_int_equal(next.counts.stray, 0);
	/* One tail of each ring. */
	assert_int_equal(fake.writes, 2);
	assert_int_equal(fake.tail_writes, 2);
}

/* The device was not handed over: what came until it was stopped can still be read. */
static void memory_alone_is_enough_to_look(void **s)
{
	struct nicdev_state left = nic.state;
	struct nicdev next_nic;
	struct nicload next;

	(void)s;
	flow(30);
	assert_int_equal(nicdev_adopt_memory(&next_nic, &dma, FAKE_IOVA, &left), 0);
	nicload_adopt(&next, &next_nic, &state);
	nicload_catch_up(&next);
	nicload_give_up(&next);
	nicload_check_canaries(&next);
	assert_int_equal(next.counts.received, 30);
	assert_null(nic_objection(&next.counts));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)
#define TEST_576(f) cmocka_unit_test_setup(f, setup_576)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clean_frames_are_received), TEST_576(clean_frames_are_received),
		TEST(buffers_are_poisoned_again), TEST(missing_frames_are_lost),
		TEST(done_without_data_is_lost_once), TEST(half_a_frame_is_torn),
		TEST(one_bad_bit_is_torn), TEST(torn_and_lost_add_up),
		TEST(frames_come_twice_or_late), TEST(late_in_a_later_account),
		TEST(error_status_is_faulted), TEST_576(error_status_is_faulted),
		TEST(half_a_packet_is_torn), TEST(other_frames_are_told_apart),
		TEST(full_ring_drops), TEST(full_ring_holds_back),
		TEST(lost_before_the_ring_is_full), TEST(torn_after_full),
		TEST(eaten_descriptors_are_found), TEST(report_of_a_frame_is_lost),
		TEST(every_canary_is_watched), TEST(what_waits_is_watched),
		TEST(what_came_is_no_damage), TEST(bytes_behind_a_frame_are_stray),
		TEST(frames_are_sent), TEST_576(frames_are_sent),
		TEST(sending_stops_at_a_full_ring), TEST(changed_transmit_buffer_is_stray),
		TEST(adopted_load_goes_on), TEST_576(adopted_load_goes_on),
		TEST(memory_alone_is_enough_to_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
