/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the format of data on the drive, poison and canaries */

#ifndef HF_BLOCKS_H
#define HF_BLOCKS_H

#include <stdint.h>
#include <stddef.h>

/* Bytes of one block on the wire: 512 of data and 8 of protection information. */
#define BLOCK_SIZE 520

#define BLOCK_MAGIC 0x54464f4c44484648ULL

/*
 * One block. All 520 bytes are ours: commands go out with PRACT=0 and PRCHK=0,
 * so that the controller carries the last eight without looking at them
 * (NVM Command Set 1.0, 5.2). Numbers are in host order: the drive of a lab is
 * written and read by the same machine.
 */
struct block {
	uint64_t magic;
	uint64_t lba;
	uint32_t generation;	/* counts writes to this LBA; 0 was never written */
	uint32_t crc;		/* CRC32C of the whole block but these four bytes */
	uint64_t payload[62];	/* differs in every word, LBA and generation */
};

_Static_assert(sizeof(struct block) == BLOCK_SIZE, "a block is what the drive carries");

/* What is wrong with a block, the worst last. */
enum block_fault {
	BLOCK_OK,
	BLOCK_STALE,		/* whole, but of another generation */
	BLOCK_WRONG_LBA,	/* whole, but of another place */
	BLOCK_TORN,		/* not whole */
};

/* CRC32C (Castagnoli) of @len bytes; @crc continues an earlier part, 0 begins. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* Write @count blocks from @lba on, all of @generation, to @buf. */
void blocks_fill(void *buf, unsigned int count, uint64_t lba, uint32_t generation);

/* The worst fault of @count blocks that should be those of blocks_fill(). */
enum block_fault blocks_check(const void *buf, unsigned int count, uint64_t lba,
			      uint32_t generation);

const char *block_fault_name(enum block_fault fault);

/*
 * Patterns for memory that DMA must not touch (canaries) or must have replaced
 * (poison). Every eight bytes depend on @seed and their offset, so that a piece
 * of pattern in the wrong place counts as damage. @len is a multiple of eight
 * and @mem is aligned to eight.
 */
#define SEED_POISON 0xb10cdeadb10cdeadULL
#define SEED_CANARY 0xca9a51ca9a51ca9aULL

void pattern_fill(void *mem, size_t len, uint64_t seed);

/* How many of the eight-byte words are not as pattern_fill() left them. */
size_t pattern_damage(const void *mem, size_t len, uint64_t seed);

#endif /* HF_BLOCKS_H */
