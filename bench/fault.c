// SPDX-License-Identifier: GPL-2.0-only
/* Description: tables that the previous kernel has left in disorder, to see who notices */

#include <errno.h>

#include "fault.h"
#include "model.h"

/* The address in an entry, in each of the formats */
#define ADDRESS 0x000ffffffffff000ULL

const char *const fault_names[FAULTS] = { "none", "twice", "foreign", "outside", "unreadable" };

/* The next entry that is in use */
static uint64_t *used(uint64_t *entry)
{
	while (!*entry)
		entry++;
	return entry;
}

void fault_plant(enum fault fault, uint64_t inner, const uint64_t *leaf, size_t count)
{
	uint64_t *entry = used(model_memory(inner));

	model_log_quiet = fault != FAULT_NONE;
	switch (fault) {
	case FAULT_TWICE:
		*used(entry + 1) = *entry;
		break;
	case FAULT_FOREIGN:
		*entry = (*entry & ~ADDRESS) | model_foreign_page();
		break;
	case FAULT_OUTSIDE:
		*entry = (*entry & ~ADDRESS) | 1ULL << 50;
		break;
	case FAULT_UNREADABLE:
		for (size_t i = 0; i < count; i++)
			model_forbid(leaf[i]);
		break;
	default:
		break;
	}
}
