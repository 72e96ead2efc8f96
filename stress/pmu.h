/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: the IOMMU's own performance counters, where the machine has them */

#ifndef HF_PMU_H
#define HF_PMU_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PMU_EVENTS 256		/* of all units together; what is beyond is not counted */
#define PMU_SOURCES "/sys/bus/event_source/devices"

struct pmu {
	struct pmu_event {
		char name[96];	/* "dmar0/iotlb_hit" */
		int fd;
	} events[PMU_EVENTS];
	size_t count;
};

/*
 * Begin to count every event that the units dmar* (VT-d) and amd_iommu_* have below @sources.
 * Without such a unit, or if the kernel does not let us: none. Silent.
 */
void pmu_start(struct pmu *p, const char *sources);

/* The counts by name, scaled where events had to take turns; null: there are none. Ends them. */
json_t *pmu_stop(struct pmu *p);

/*
 * What perf_event_open() takes for @terms ("event_group=0x1,event=0x2") of the unit whose folder is
 * @dir. False: a term is not understood. Exposed for the tests.
 */
bool pmu_config(const char *dir, const char *terms, uint64_t config[3]);

#endif /* HF_PMU_H */
