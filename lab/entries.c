// SPDX-License-Identifier: GPL-2.0-only
/* Description: follow the IOMMU's entries of devices, from outside */

#include "entries.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_BITS 0x000ffffffffff000ULL
#define WHOLE_EVERY 8	/* looks: each word is a request, and takes the emulator its time */

/* What an entry's lower 128 bits say. */
struct meaning {
	bool used;	/* somebody's DMA goes by it, or must not */
	bool good;	/* DMA is translated, and may read and write */
	uint64_t root;
	uint16_t domain, form;
};

/*
 * VT-d specification, 9.3: present, no fault processing disabled, translated by the page table
 * (type 0, or 1: with a device TLB). Form: type and address width.
 */
static struct meaning read_context(uint64_t low, uint64_t high)
{
	return (struct meaning){
		.used = low & 1, .good = (low & 0xb) == 1, .root = low & PAGE_BITS,
		.domain = (uint16_t)(high >> 8), .form = (uint16_t)((low & 0xc) | (high & 7)),
	};
}

/*
 * AMD I/O virtualization specification, 2.2.2.1: V, TV, IR, IW, and a table of 1 to 6 levels.
 * Form: levels. What is about interrupts is in the upper half.
 */
static struct meaning read_dte(uint64_t low, uint64_t high)
{
	const uint64_t rights = 3ULL << 61;
	uint16_t mode = low >> 9 & 7;

	return (struct meaning){
		.used = (low & 3) == 3 && (low & rights),
		.good = (low & 3) == 3 && (low & rights) == rights && mode >= 1 && mode <= 6,
		.root = low & PAGE_BITS, .domain = (uint16_t)high, .form = mode,
	};
}

static const struct entries_layout {
	const char *iommu;
	unsigned int reg;	/* VT-d: root table address; AMD: device table base address */
	bool by_bus;		/* a root entry for each bus leads to a table of entries */
	unsigned int size;	/* of an entry */
	struct meaning (*read)(uint64_t low, uint64_t high);
} layouts[] = {
	{ "intel", 0x20, true, 16, read_context },
	{ "amd", 0x00, false, 32, read_dte },
};

static int add(struct entries *e, const char *bdf)
{
	unsigned int domain, bus, slot, function;
	char end;

	if (e->count == ENTRIES_MAX ||
	    sscanf(bdf, "%4x:%2x:%2x.%1x%c", &domain, &bus, &slot, &function, &end) != 4 ||
	    domain || slot > 31 || function > 7)
		return -EINVAL;
	e->entry[e->count++] = (struct entry){
		.bdf = bdf, .id = (uint16_t)(bus << 8 | slot << 3 | function),
	};
	return 0;
}

int entries_init(struct entries *e, const char *iommu, uint64_t reg,
		 const struct lab_device *devices, unsigned int count, const char *const *beside,
		 unsigned int beside_count)
{
	int err = 0;

	*e = (struct entries){ 0 };
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (strcmp(iommu, layouts[i].iommu) == 0)
			e->layout = &layouts[i];
	}
	if (!e->layout)
		return -EINVAL;
	if (!reg)
		e->layout = NULL;
	else
		e->reg = reg + e->layout->reg;
	for (unsigned int i = 0; i < count && !err; i++)
		err = add(e, devices[i].bdf);
	e->devices = e->count;
	for (unsigned int i = 0; i < beside_count && !err; i++)
		err = add(e, beside[i]);
	return err;
}

void entries_reset(struct entries *e)
{
	for (unsigned int i = 0; i < e->count; i++) {
		e->entry[i].replaced = 0;
		e->entry[i].complaint = NULL;
		e->entry[i].first_domain = e->entry[i].domain;
	}
}

static uint64_t two_words(const uint32_t *words)
{
	return words[0] | (uint64_t)words[1] << 32;
}

static unsigned int words_each(const struct entries *e)
{
	return e->layout->by_bus ? 6 : 4;
}

static size_t size_of_words(const struct entries *e)
{
	return (2 + e->count * words_each(e)) * sizeof(e->words[0]);
}

/* Of entry @i: the root entry's words, if there is one, and then its own. */
static const uint32_t *words_of(const struct entries *e, const uint32_t *words, unsigned int i)
{
	return words + 2 + i * words_each(e);
}

/* The table that entry @i is in, by what @words say; 0: in none. */
static uint64_t table_of(const struct entries *e, const uint32_t *words, unsigned int i)
{
	uint64_t at = two_words(words);

	if (e->layout->by_bus)
		at = two_words(words_of(e, words, i));
	/* A device table's size is in its lower bits. */
	return !e->layout->by_bus || (at & 1) ? at & PAGE_BITS : 0;
}

static unsigned int put(uint64_t *address, unsigned int n, uint64_t from, unsigned int words)
{
	for (unsigned int i = 0; i < words; i++)
		address[n++] = from + 4 * i;
	return n;
}

/* All there is to read, in the order of e->words. */
static unsigned int all_addresses(const struct entries *e, uint64_t address[ENTRIES_WORDS])
{
	unsigned int n = put(address, 0, e->reg, 2);

	for (unsigned int i = 0; i < e->count; i++) {
		uint64_t base = two_words(e->words) & PAGE_BITS, table = table_of(e, e->words, i);
		unsigned int slot = e->entry[i].id;

		if (e->layout->by_bus) {
			n = put(address, n, base ? base + 16 * (slot >> 8) : e->reg, 2);
			slot &= 0xff;
		}
		/* Where there is nothing to read, the register does no harm. */
		if (table)
			n = put(address, n, table + (uint64_t)slot * e->layout->size, 4);
		else
			n = put(address, put(address, n, e->reg, 2), e->reg, 2);
	}
	return n;
}

/* Where the words of entry @i itself are. */
static unsigned int own_words(const struct entries *e, unsigned int i)
{
	return 2 + (i + 1) * words_each(e) - 4;
}

unsigned int entries_addresses(const struct entries *e, uint64_t address[ENTRIES_WORDS])
{
	uint64_t all[ENTRIES_WORDS];

	if (!e->layout)
		return 0;
	if (!e->partly)
		return all_addresses(e, address);
	all_addresses(e, all);
	for (unsigned int i = 0; i < e->devices; i++)
		memcpy(address + 4 * i, all + own_words(e, i), 4 * sizeof(*all));
	return 4 * e->devices;
}

static struct meaning meaning_of(const struct entries *e, unsigned int i)
{
	const uint32_t *own = e->words + own_words(e, i);

	if (!table_of(e, e->words, i))
		return (struct meaning){ 0 };
	return e->layout->read(two_words(own), two_words(own + 2));
}

static void complain_of(struct entry *entry, const char *complaint)
{
	if (!entry->complaint)
		entry->complaint = complaint;
}

/* A good entry, seen twice. */
static void follow(struct entry *entry, const struct meaning *m)
{
	if (!entry->known) {
		entry->first_domain = m->domain;
	} else if (m->root != entry->root) {
		entry->replaced++;
		if (m->domain == entry->domain)
			complain_of(entry, "an IOMMU entry was seen with another page table and "
				    "the domain ID of the first");
	} else if (m->domain != entry->domain) {
		complain_of(entry, "an IOMMU entry was seen with another domain ID for its page "
			    "table");
	} else if (m->form != entry->form) {
		complain_of(entry, "an IOMMU entry was seen with another form of its page table");
	}
	entry->known = true;
	entry->root = m->root;
	entry->domain = m->domain;
	entry->form = m->form;
}

/* Has another device the domain ID of entry @i, and not its page table? */
static void find_namesakes(struct entries *e, unsigned int i)
{
	struct meaning m = meaning_of(e, i);

	for (unsigned int k = 0; k < e->count && m.good; k++) {
		struct meaning other = meaning_of(e, k);

		if (k != i && other.used && other.domain == m.domain &&
		    (other.root != m.root || other.form != m.form))
			complain_of(&e->entry[i], "the domain ID of a preserved device was seen "
				    "with another page table elsewhere");
	}
}

/* What all there is looks like now, if only the entries of preserved devices were read. */
static void complete(const struct entries *e, const uint32_t *value, uint32_t words[ENTRIES_WORDS])
{
	memcpy(words, e->partly ? e->words : value, size_of_words(e));
	for (unsigned int i = 0; i < e->devices && e->partly; i++)
		memcpy(words + own_words(e, i), value + 4 * i, 4 * sizeof(*value));
}

void entries_take(struct entries *e, const uint32_t *read)
{
	bool right_place[ENTRIES_MAX], settled;
	uint32_t value[ENTRIES_WORDS];

	if (!e->layout)
		return;
	complete(e, read, value);
	settled = e->looked && !memcmp(e->words, value, size_of_words(e));
	for (unsigned int i = 0; i < e->devices; i++) {
		uint64_t table = table_of(e, value, i);

		right_place[i] = e->looked && two_words(value) == two_words(e->words) &&
				 (!table || table == table_of(e, e->words, i));
	}
	memcpy(e->words, value, size_of_words(e));
	e->looked = true;
	e->partly = settled && ++e->looks % WHOLE_EVERY;
	for (unsigned int i = 0; i < e->devices; i++) {
		struct meaning m = meaning_of(e, i);

		/* No half of a good entry and half of another is a bad one: once is enough. */
		if (right_place[i] && !m.good)
			complain_of(&e->entry[i], "an IOMMU entry was seen that lets no DMA "
				    "through");
		if (!settled || !m.good)
			continue;
		follow(&e->entry[i], &m);
		find_namesakes(e, i);
	}
}

unsigned int entries_complaints(const struct entries *e)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < e->devices; i++)
		n += e->entry[i].complaint != NULL;
	return n;
}

const char *entries_complaint(const struct entries *e)
{
	for (unsigned int i = 0; i < e->devices; i++) {
		if (e->entry[i].complaint)
			return e->entry[i].complaint;
	}
	return NULL;
}

json_t *entries_json(const struct entries *e)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < e->devices; i++) {
		const struct entry *entry = &e->entry[i];

		json_array_append_new(all, json_pack("{s:s,s:i,s:i,s:i,s:s?}", "bdf", entry->bdf,
						     "domain", entry->first_domain,
						     "last_domain", entry->domain, "replaced",
						     (int)entry->replaced, "complaint",
						     entry->complaint));
	}
	return all;
}
