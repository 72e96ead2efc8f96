// SPDX-License-Identifier: GPL-2.0-only
/* Description: x86-64 page tables with four levels: VT-d's first stage, AMD's v2 */

#include "drivers/iommu/generic_pt/fmt/iommu_x86_64.c"

static const struct pt_iommu_x86_64_cfg format_cfg = {
	.common = {
		.features = BIT(PT_FEAT_SIGN_EXTEND) | BIT(PT_FEAT_FLUSH_RANGE),
		.hw_max_vasz_lg2 = 48,
		.hw_max_oasz_lg2 = 52,
	},
	.top_level = 3,
};

#include "format.h"
