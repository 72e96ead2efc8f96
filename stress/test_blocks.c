// SPDX-License-Identifier: GPL-2.0-only
/* Description: every way in which a block can be wrong is seen */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "blocks.c"

#define COUNT 8u
#define LBA 0x123456u
#define GENERATION 7u

static struct block blocks[COUNT];

static int setup(void **state)
{
	(void)state;
	blocks_fill(blocks, COUNT, LBA, GENERATION);
	return 0;
}

static enum block_fault check(void)
{
	return blocks_check(blocks, COUNT, LBA, GENERATION);
}

/* The known answer of CRC32C, and that parts can be joined. */
static void crc_is_castagnoli(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void whole_blocks_pass(void **state)
{
	(void)state;
	assert_int_equal(check(), BLOCK_OK);
}

static void any_flipped_bit_is_caught(void **state)
{
	uint8_t *byte = (uint8_t *)blocks;

	(void)state;
	for (size_t i = 0; i < sizeof(blocks); i++) {
		byte[i] = (uint8_t)(byte[i] ^ 1 << i % 8);
		assert_int_equal(check(), BLOCK_TORN);
		byte[i] = (uint8_t)(byte[i] ^ 1 << i % 8);
	}
	assert_int_equal(check(), BLOCK_OK);
}

static void wrong_lba_is_caught(void **state)
{
	(void)state;
	blocks_fill(&blocks[COUNT - 1], 1, LBA, GENERATION);
	assert_int_equal(check(), BLOCK_WRONG_LBA);
}

static void stale_generation_is_caught(void **state)
{
	(void)state;
	blocks_fill(&blocks[3], 1, LBA + 3, GENERATION - 1);
	assert_int_equal(check(), BLOCK_STALE);
}

static void worst_fault_wins(void **state)
{
	(void)state;
	blocks_fill(&blocks[1], 1, LBA + 1, GENERATION - 1);
	blocks[6].payload[0]++;
	assert_int_equal(check(), BLOCK_TORN);
}

/* Half of a block from an earlier write: both halves are from whole blocks. */
static void halves_of_two_writes_are_caught(void **state)
{
	struct block old;

	(void)state;
	blocks_fill(&old, 1, LBA, GENERATION - 1);
	memcpy((uint8_t *)blocks + 256, (uint8_t *)&old + 256, BLOCK_SIZE - 256);
	assert_int_equal(check(), BLOCK_TORN);
}

static void remaining_poison_is_caught(void **state)
{
	(void)state;
	pattern_fill(blocks, sizeof(blocks), SEED_POISON);
	assert_int_equal(check(), BLOCK_TORN);
	assert_int_equal(pattern_damage(blocks, sizeof(blocks), SEED_POISON), 0);
	blocks_fill(blocks, COUNT - 1, LBA, GENERATION);
	assert_int_equal(check(), BLOCK_TORN);
	assert_int_equal(pattern_damage(blocks, sizeof(blocks), SEED_POISON),
			 (COUNT - 1) * BLOCK_SIZE / 8);
}

static void damaged_canary_is_counted(void **state)
{
	uint64_t canary[64];

	(void)state;
	pattern_fill(canary, sizeof(canary), SEED_CANARY);
	assert_int_equal(pattern_damage(canary, sizeof(canary), SEED_CANARY), 0);
	((uint8_t *)canary)[17] ^= 1;
	canary[63] = 0;
	assert_int_equal(pattern_damage(canary, sizeof(canary), SEED_CANARY), 2);
}

/* A canary copied from elsewhere is no canary. */
static void moved_canary_is_caught(void **state)
{
	uint64_t canary[64];

	(void)state;
	pattern_fill(canary, sizeof(canary), SEED_CANARY);
	memmove(&canary[8], &canary[0], 64);
	assert_int_equal(pattern_damage(canary, sizeof(canary), SEED_CANARY), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_castagnoli),
		cmocka_unit_test_setup(whole_blocks_pass, setup),
		cmocka_unit_test_setup(any_flipped_bit_is_caught, setup),
		cmocka_unit_test_setup(wrong_lba_is_caught, setup),
		cmocka_unit_test_setup(stale_generation_is_caught, setup),
		cmocka_unit_test_setup(worst_fault_wins, setup),
		cmocka_unit_test_setup(halves_of_two_writes_are_caught, setup),
		cmocka_unit_test_setup(remaining_poison_is_caught, setup),
		cmocka_unit_test(damaged_canary_is_counted),
		cmocka_unit_test(moved_canary_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
