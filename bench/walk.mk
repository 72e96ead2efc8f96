# SPDX-License-Identifier: GPL-2.0-only
# Description: builds build/bench/walk from bench/ and from the sources of build/linux.

LINUX := $(B)/linux
# SANITIZE=1: beside the other one, under AddressSanitizer and UndefinedBehaviorSanitizer
W := $(B)/bench$(if $(SANITIZE),-sanitized)
walk_checks := $(if $(SANITIZE),-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)

# Headers of the kernel that are empty here; bench/shim/ has what is needed of them.
walk_empty := asm/page.h linux/cacheflush.h linux/dma-mapping.h linux/iommu.h \
	linux/prefetch.h linux/mem_encrypt.h linux/mm.h linux/mm_types.h linux/sched.h \
	linux/timekeeping.h linux/atomic.h linux/export.h linux/bug.h linux/limits.h \
	linux/cpuset.h
walk_shims := $(walk_empty:%=$(W)/shim/%)

# Sources of the kernel, and what is compiled with them, get the kernel's flags: it has warnings
# of its own, and aliasing and overflow mean something else there.
walk_kernel_flags = -O2 -g -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-sign-compare -Wno-unused-but-set-variable \
	-Wno-maybe-uninitialized -Wno-missing-field-initializers \
	-fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks -fno-common \
	-mgeneral-regs-only -MMD -MP $(walk_checks) -include bench/shim/kernel.h \
	-I$(W) -I$(W)/shim -Ibench -I$(LINUX) -I$(LINUX)/tools/include \
	-I$(LINUX)/tools/arch/x86/include -idirafter $(LINUX)/include

walk_kernel := model floor format_amdv1 format_vtdss format_x86_64
walk_user := walk shape measure report fault options document repeat
walk_objs := $(walk_kernel:%=$(W)/%.o) $(W)/iommu-pages.o $(walk_user:%=$(W)/%.o)

$(W)/walk: $(walk_objs)
	$(call say,LD,$@)$(CC) $(walk_checks) $(LDFLAGS) -o $@ $^ -ljansson

$(walk_empty:%=$(W)/shim/%):
	@mkdir -p $(@D)
	@: >$@

# Functions out of files that cannot be built in user space as a whole
walk_from := $(LINUX)/include/linux/mmzone.h $(LINUX)/mm/internal.h $(LINUX)/mm/page_alloc.c \
	$(LINUX)/mm/swap.c $(LINUX)/mm/memcontrol.c $(LINUX)/mm/memory_hotplug.c \
	$(LINUX)/kernel/liveupdate/kexec_handover.c
$(W)/functions.h: bench/functions bench/walk.mk $(wildcard $(walk_from))
	@mkdir -p $(@D)
	$(call say,GEN,$@){ \
	bench/functions $(LINUX)/include/linux/mmzone.h "enum migratetype" \
		"#define NR_LOWORDER_PCP_LISTS" && \
	echo "#define NR_PCP_LISTS HF_PCP_LISTS" && \
	bench/functions $(LINUX)/include/linux/mmzone.h "struct per_cpu_pages" && \
	bench/functions $(LINUX)/mm/internal.h buddy_order page_is_buddy __find_buddy_pfn \
		find_buddy_page_pfn && \
	bench/functions $(LINUX)/mm/page_alloc.c order_to_pindex pindex_to_order \
		pcp_allowed_order set_buddy_order account_freepages __add_to_free_list \
		__del_page_from_free_list buddy_merge_likely __free_one_page free_pcppages_bulk \
		nr_pcp_free nr_pcp_high free_frozen_page_commit __free_frozen_pages \
		free_frozen_pages free_unref_folios calculate_totalreserve_pages \
		setup_per_zone_lowmem_reserve ?zone_add_managed_pages adjust_managed_page_count \
		zone_batchsize zone_highsize && \
	bench/functions $(LINUX)/mm/swap.c __folio_put folios_put_refs && \
	bench/functions $(LINUX)/mm/memcontrol.c lruvec_stat_mod_folio && \
	bench/functions $(LINUX)/mm/memory_hotplug.c pfn_to_online_page && \
	bench/functions $(LINUX)/kernel/liveupdate/kexec_handover.c "#define KHO_PAGE_MAGIC" \
		"union kho_page_info" kho_init_pages kho_init_folio \
		kho_restore_page kho_preserved_size kho_restore_folio \
		?kho_restore_batch_next ?kho_restore_folios ?kho_restore_batch_end; \
	} >$@ || { rm -f $@; exit 1; }

$(W)/model.o: $(W)/functions.h
$(walk_kernel:%=$(W)/%.o): $(W)/%.o: bench/%.c bench/walk.mk $(walk_shims)
	$(call say,CC,$<)$(CC) $(walk_kernel_flags) -c -o $@ $<
$(W)/iommu-pages.o: $(LINUX)/drivers/iommu/iommu-pages.c bench/walk.mk $(walk_shims)
	$(call say,CC,$<)$(CC) $(walk_kernel_flags) -c -o $@ $<
$(walk_user:%=$(W)/%.o): $(W)/%.o: bench/%.c bench/walk.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) $(walk_checks) -c -o $@ $<

-include $(wildcard $(W)/*.d)
