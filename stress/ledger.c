// SPDX-License-Identifier: GPL-2.0-only
/* Description: what the agent must know in the next kernel, in a preserved memfd */

#include "ledger.h"

#include <errno.h>
#include <string.h>

#include "blocks.h"
#include "complain.h"

#define LEDGER_MAGIC 0x5245474445444c48ULL
#define PAGE 4096UL

struct copy {
	uint64_t magic;
	uint32_t version;
	uint32_t size;		/* of @state */
	uint64_t sequence;	/* grows by one with every commit; 0: never written */
	uint32_t crc;		/* CRC32C of everything above and of @state */
	uint32_t reserved;
	struct ledger_state state;
};

#define COPY_SIZE ((sizeof(struct copy) + PAGE - 1) / PAGE * PAGE)

size_t ledger_size(void)
{
	return 2 * COPY_SIZE;
}

static uint32_t copy_crc(const struct copy *c)
{
	uint32_t crc = crc32c(0, c, offsetof(struct copy, crc));

	return crc32c(crc, &c->state, sizeof(c->state));
}

static struct copy *copy_at(const void *mem, uint64_t sequence)
{
	return (struct copy *)((uintptr_t)mem + (sequence & 1) * COPY_SIZE);
}

void ledger_write(void *mem, uint64_t sequence, const struct ledger_state *state)
{
	struct copy *c = copy_at(mem, sequence);

	c->magic = LEDGER_MAGIC;
	c->version = LEDGER_VERSION;
	c->size = sizeof(*state);
	c->sequence = sequence;
	c->state = *state;
	c->crc = copy_crc(c);
}

/* 0, -EPROTO: whoever wrote it means something else, -EBADMSG: not whole, -ENODATA: empty */
static int check_copy(const struct copy *c)
{
	if (!c->magic && !c->sequence)
		return -ENODATA;
	if (c->magic != LEDGER_MAGIC)
		return -EBADMSG;
	if (c->version != LEDGER_VERSION || c->size != sizeof(c->state))
		return -EPROTO;
	return c->crc == copy_crc(c) ? 0 : -EBADMSG;
}

/* A queue that can be gone on with, or none. */
static bool drive_is_good(const struct ledger_state *s)
{
	const struct nvme_state *n = &s->nvme;

	if (!n->entries)
		return true;
	return n->entries <= LEDGER_SLOTS && s->depth < n->entries && n->cq_head < n->entries &&
	       n->sq_tail < n->entries && n->cq_phase <= 1 && n->qid <= NVME_IO_QUEUE;
}

static bool slots_are_good(const struct ledger_state *s)
{
	for (uint32_t i = 0; i < s->depth; i++) {
		if (s->slots[i].use > SLOT_WRITE || s->slots[i].group >= LEDGER_SLOTS)
			return false;
	}
	return true;
}

static bool topology_is_good(const struct topology *t)
{
	if (t->count > TOPOLOGY_FUNCTIONS)
		return false;
	for (uint32_t i = 0; i < t->count; i++) {
		if (!memchr(t->functions[i].bdf, 0, sizeof(t->functions[i].bdf)))
			return false;
	}
	return true;
}

/*
 * The checksum says that it is what somebody wrote, not that it can be used: all that becomes
 * an index is looked at. NULL, or what is no good. The NIC's rings are nicdev_adopt_memory()'s.
 */
static const char *objection(const struct ledger_state *s)
{
	if (s->depth > LEDGER_SLOTS || s->inflight > s->depth)
		return "depth";
	if (!drive_is_good(s))
		return "drive's queues";
	if (!slots_are_good(s))
		return "slots";
	if (!topology_is_good(&s->topology))
		return "list of PCI functions";
	return s->nic.load.gap_count <= NIC_GAPS ? NULL : "list of missing frames";
}

int ledger_read(const void *mem, uint64_t *sequence, struct ledger_state *state)
{
	const struct copy *best = NULL;
	const char *what;

	for (uint64_t i = 0; i < 2; i++) {
		const struct copy *c = copy_at(mem, i);
		int err = check_copy(c);

		if (err == -EPROTO)
			return complain(err, "the ledger has version %u and %u bytes, this agent "
					"version %u and %zu", c->version, c->size, LEDGER_VERSION,
					sizeof(c->state));
		if (!err && (!best || c->sequence > best->sequence))
			best = c;
	}
	if (!best)
		return complain(-EBADMSG, "the ledger has no whole copy");
	what = objection(&best->state);
	if (what)
		return complain(-EPROTO, "the ledger has no good %s", what);
	*sequence = best->sequence;
	*state = best->state;
	return 0;
}

int ledger_create(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
	return memory_create(&l->mem, "ledger", ledger_size());
}

int ledger_adopt(struct ledger *l, int fd)
{
	int err = memory_adopt(&l->mem, fd);

	if (!err && l->mem.size < ledger_size())
		err = complain(-EPROTO, "the ledger's memory has %zu bytes, not %zu", l->mem.size,
			       ledger_size());
	return err ? err : ledger_read(l->mem.map, &l->sequence, &l->state);
}

void ledger_commit(struct ledger *l)
{
	l->sequence++;
	ledger_write(l->mem.map, l->sequence, &l->state);
}
