// SPDX-License-Identifier: GPL-2.0-only
/* Description: AMD's v1 page tables, as amd_iommu sets them up with four levels */

#include "drivers/iommu/generic_pt/fmt/iommu_amdv1.c"

static const struct pt_iommu_amdv1_cfg format_cfg = {
	.common = {
		.features = BIT(PT_FEAT_DYNAMIC_TOP) | BIT(PT_FEAT_AMDV1_ENCRYPT_TABLES) |
			    BIT(PT_FEAT_AMDV1_FORCE_COHERENCE),
		.hw_max_vasz_lg2 = 48,
		.hw_max_oasz_lg2 = 52,
	},
	.starting_level = 2,
};

#include "format.h"
