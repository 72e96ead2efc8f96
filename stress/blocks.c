// SPDX-License-Identifier: GPL-2.0-only
/* Description: the format of data on the drive, poison and canaries */

#include "blocks.h"

#include <isa-l/crc.h>
#include <string.h>

/* Odd, so that multiplying by it permutes the 64-bit numbers. */
#define MIX 0x9e3779b97f4a7c15ULL

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	/* The library takes a non-const pointer, but only reads. */
	return ~crc32_iscsi((unsigned char *)(uintptr_t)data, (int)len, ~crc);
}

static uint32_t block_crc(const struct block *b)
{
	uint32_t crc = crc32c(0, b, offsetof(struct block, crc));

	return crc32c(crc, b->payload, sizeof(b->payload));
}

static void block_fill(struct block *b, uint64_t lba, uint32_t generation)
{
	uint64_t word = (lba << 32 | generation) * MIX;

	b->magic = BLOCK_MAGIC;
	b->lba = lba;
	b->generation = generation;
	for (size_t i = 0; i < sizeof(b->payload) / sizeof(b->payload[0]); i++) {
		word += MIX;
		b->payload[i] = word ^ word >> 29;
	}
	b->crc = block_crc(b);
}

static enum block_fault block_check(const struct block *b, uint64_t lba, uint32_t generation)
{
	if (b->magic != BLOCK_MAGIC || b->crc != block_crc(b))
		return BLOCK_TORN;
	if (b->lba != lba)
		return BLOCK_WRONG_LBA;
	return b->generation == generation ? BLOCK_OK : BLOCK_STALE;
}

void blocks_fill(void *buf, unsigned int count, uint64_t lba, uint32_t generation)
{
	struct block *b = buf;

	for (unsigned int i = 0; i < count; i++)
		block_fill(&b[i], lba + i, generation);
}

enum block_fault blocks_check(const void *buf, unsigned int count, uint64_t lba,
			      uint32_t generation)
{
	enum block_fault worst = BLOCK_OK;
	const struct block *b = buf;

	for (unsigned int i = 0; i < count; i++) {
		enum block_fault fault = block_check(&b[i], lba + i, generation);

		if (fault > worst)
			worst = fault;
	}
	return worst;
}

const char *block_fault_name(enum block_fault fault)
{
	static const char *const names[] = {
		[BLOCK_OK] = "intact",
		[BLOCK_STALE] = "stale generation",
		[BLOCK_WRONG_LBA] = "wrong LBA",
		[BLOCK_TORN] = "torn",
	};

	return names[fault];
}

void pattern_fill(void *mem, size_t len, uint64_t seed)
{
	uint64_t *word = mem;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		word[i] = seed + i * MIX;
}

size_t pattern_damage(const void *mem, size_t len, uint64_t seed)
{
	const uint64_t *word = mem;
	size_t damaged = 0;

	for (size_t i = 0; i < len / sizeof(*word); i++)
		damaged += word[i] != seed + i * MIX;
	return damaged;
}
