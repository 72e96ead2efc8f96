// SPDX-License-Identifier: GPL-2.0-only
/* Description: every way in which a frame can be wrong is seen, and where */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "frame.c"

#define STREAM 7u
#define SEQUENCE 0x1122334455667788ull
#define TIME 0x0102030405060708ull

static uint8_t frame[FRAME_MAX + 8];
static struct frame_info info;

static void build(size_t length)
{
	memset(frame, 0xee, sizeof(frame));
	frame_build(frame, length, STREAM, SEQUENCE, TIME);
}

/* The format is written down here once more, byte for byte. */
static void layout_is_the_documented_one(void **state)
{
	static const uint8_t header[FRAME_AT_CRC] = {
		0x02, 0x48, 0x46, 0, 0, 0x01, 0x02, 0x48, 0x46, 0, 0, 0x02, 0x88, 0xb5,
		'H', 'F', 'R', 'M', 1, 0, STREAM, 0,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 8, 7, 6, 5, 4, 3, 2, 1,
		100, 0, 0, 0,
	};
	uint8_t copy[100];
	uint32_t crc;

	(void)state;
	build(100);
	assert_memory_equal(frame, header, sizeof(header));
	assert_int_equal(frame[100], 0xee);
	memcpy(copy, frame, sizeof(copy));
	memset(copy + FRAME_AT_CRC, 0, 4);
	crc = ~crc32_iscsi(copy, sizeof(copy), ~0u);
	assert_int_equal(get32(frame + FRAME_AT_CRC), crc);
}

static void every_length_passes(void **state)
{
	(void)state;
	for (size_t length = FRAME_MIN; length <= FRAME_MAX; length++) {
		build(length);
		assert_int_equal(frame_check(frame, length, &info), 0);
		assert_int_equal(info.stream, STREAM);
		assert_true(info.sequence == SEQUENCE && info.time_ns == TIME);
	}
}

static void any_alignment_passes(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		frame_build(frame + shift, 333, STREAM, SEQUENCE, TIME);
		assert_int_equal(frame_check(frame + shift, 333, &info), 0);
	}
}

static void stream_tells_the_addresses(void **state)
{
	static const uint8_t port[6] = FRAME_PORT_ADDRESS, source[6] = FRAME_SOURCE_ADDRESS;

	(void)state;
	frame_build(frame, 64, STREAM | FRAME_FROM_PORT, 1, 2);
	assert_memory_equal(frame, source, 6);
	assert_memory_equal(frame + 6, port, 6);
	assert_int_equal(frame_check(frame, 64, &info), 0);
	frame_build(frame, 64, STREAM | FRAME_BROADCAST, 1, 2);
	assert_memory_equal(frame, "\xff\xff\xff\xff\xff\xff", 6);
	assert_memory_equal(frame + 6, source, 6);
	assert_int_equal(frame_check(frame, 64, &info), 0);
}

/* A flipped bit shows where it is, or where frame.h says. */
static void flipped_bit_shows_where(void **state)
{
	(void)state;
	build(200);
	for (size_t i = 0; i < 200; i++) {
		frame[i] ^= 0x10;
		assert_int_equal(frame_check(frame, 200, &info), -EBADMSG);
		if (i < FRAME_AT_STREAM || i >= FRAME_AT_PATTERN || i == FRAME_AT_LENGTH)
			assert_int_equal(info.bad_offset, i);
		else if (i < FRAME_AT_TIME)
			assert_in_range(info.bad_offset, FRAME_AT_PATTERN, FRAME_AT_PATTERN + 7);
		else if (i < FRAME_AT_LENGTH || i >= FRAME_AT_CRC)
			assert_int_equal(info.bad_offset, FRAME_AT_CRC);
		frame[i] ^= 0x10;
	}
	assert_int_equal(frame_check(frame, 200, &info), 0);
}

/* DMA that is blocked leaves whole pieces of poison; also over most of the marks. */
static void poison_left_shows_where(void **state)
{
	(void)state;
	for (size_t i = 0; i + 4 <= FRAME_MAX; i += 4) {
		build(FRAME_MAX);
		memset(frame + i, 0xb1, 4);
		assert_int_equal(frame_check(frame, FRAME_MAX, &info), -EBADMSG);
		if (i >= FRAME_AT_PATTERN)
			assert_true(info.bad_offset >= i && info.bad_offset < i + 4);
	}
	build(FRAME_MAX);
	memset(frame + 700, 0xb1, FRAME_MAX - 700);
	assert_int_equal(frame_check(frame, FRAME_MAX, &info), -EBADMSG);
	assert_int_equal(info.bad_offset, 700);
}

static void halves_of_two_frames_are_torn(void **state)
{
	uint8_t other[FRAME_MAX];

	(void)state;
	build(FRAME_MAX);
	frame_build(other, FRAME_MAX, STREAM, SEQUENCE + 1, TIME);
	memcpy(frame + 800, other + 800, FRAME_MAX - 800);
	assert_int_equal(frame_check(frame, FRAME_MAX, &info), -EBADMSG);
	assert_int_equal(info.bad_offset, 800);
	assert_true(info.sequence == SEQUENCE);
}

static void cut_short_or_too_long(void **state)
{
	(void)state;
	build(500);
	for (size_t length = 499; length >= FRAME_AT_VERSION; length--) {
		assert_int_equal(frame_check(frame, length, &info), -EBADMSG);
		if (length >= FRAME_AT_CRC)
			assert_int_equal(info.bad_offset, length);
		assert_true(info.bad_offset <= length);
	}
	assert_int_equal(frame_check(frame, 504, &info), -EBADMSG);
	assert_int_equal(info.bad_offset, FRAME_AT_LENGTH);
	assert_int_equal(frame_check(frame, sizeof(frame), &info), -EBADMSG);
}

/* What is left of a frame may claim less than a frame can have: that says nothing. */
static void short_frame_that_claims_to_be_short(void **state)
{
	(void)state;
	for (size_t length = FRAME_AT_CRC; length < FRAME_MIN; length++) {
		for (uint32_t claimed = 0; claimed < FRAME_MIN; claimed++) {
			build(FRAME_MAX);
			put32(frame + FRAME_AT_LENGTH, claimed);
			assert_int_equal(frame_check(frame, length, &info), -EBADMSG);
			assert_int_equal(info.bad_offset, FRAME_AT_LENGTH);
		}
	}
}

static void others_are_not_ours(void **state)
{
	(void)state;
	memset(frame, 0xb1, sizeof(frame));
	assert_int_equal(frame_check(frame, 64, &info), -EINVAL);
	assert_int_equal(frame_check(frame, 0, &info), -EINVAL);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x52\x54\x00\x12\x34\x56\x08\x06", 8);
	assert_int_equal(frame_check(frame, 64, &info), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_the_documented_one),
		cmocka_unit_test(every_length_passes),
		cmocka_unit_test(any_alignment_passes),
		cmocka_unit_test(stream_tells_the_addresses),
		cmocka_unit_test(flipped_bit_shows_where),
		cmocka_unit_test(poison_left_shows_where),
		cmocka_unit_test(halves_of_two_frames_are_torn),
		cmocka_unit_test(cut_short_or_too_long),
		cmocka_unit_test(short_frame_that_claims_to_be_short),
		cmocka_unit_test(others_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
