// SPDX-License-Identifier: GPL-2.0-only
/* Description: VT-d's second-stage page tables with four levels */

#include "drivers/iommu/generic_pt/fmt/iommu_vtdss.c"

static const struct pt_iommu_vtdss_cfg format_cfg = {
	.common = {
		.features = BIT(PT_FEAT_FLUSH_RANGE),
		.hw_max_vasz_lg2 = 48,
		.hw_max_oasz_lg2 = 52,
	},
	.top_level = 3,
};

#include "format.h"
