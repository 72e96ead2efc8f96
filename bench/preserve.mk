# SPDX-License-Identifier: GPL-2.0-only
# Description: builds build/bench/preserve from bench/ and from the sources of build/linux.

preserve_linux := $(B)/linux
preserve_dir := $(B)/bench/preserve-obj
preserve_from := $(addprefix $(preserve_linux)/,include/linux/kexec_handover.h lib/bitmap.c \
	include/linux/kho/abi/kexec_handover.h kernel/liveupdate/kexec_handover.c \
	drivers/iommu/iommu-pages.h drivers/iommu/iommu-pages.c)

$(B)/bench/preserve: $(preserve_dir)/preserve.o $(preserve_dir)/preserve_kernel.o \
		$(addprefix $(B)/bench/,options.o document.o repeat.o)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -ljansson

$(preserve_dir)/preserve_source.h: bench/functions bench/preserve.mk $(wildcard $(preserve_from))
	@mkdir -p $(@D)
	$(call say,GEN,$@){ \
	bench/functions $(preserve_linux)/include/linux/kexec_handover.h "struct kho_run" && \
	bench/functions $(preserve_linux)/include/linux/kho/abi/kexec_handover.h \
		"enum kho_radix_consts" "struct kho_radix_node" "struct kho_radix_leaf" && \
	bench/functions $(preserve_linux)/drivers/iommu/iommu-pages.h "struct iommu_pages_batch" && \
	bench/functions $(preserve_linux)/lib/bitmap.c __bitmap_set __bitmap_clear && \
	bench/functions $(preserve_linux)/kernel/liveupdate/kexec_handover.c kho_radix_encode_key \
		kho_radix_get_bitmap_index "struct kho_radix_cursor" kho_radix_get_table_index kho_radix_alloc_node kho_radix_get_leaf \
		kho_radix_mark_run kho_radix_add_runs kho_radix_del_runs kho_preserve_runs \
		kho_unpreserve_runs && \
	bench/functions $(preserve_linux)/drivers/iommu/iommu-pages.c iommu_pages_kho_preserve \
		iommu_pages_kho_unpreserve batch_add batch_drop iommu_preserve_add \
		iommu_preserve_end iommu_preserve_pages iommu_unpreserve_add \
		iommu_unpreserve_end iommu_unpreserve_pages; \
	} >$@ || { rm -f $@; exit 1; }

$(preserve_dir)/preserve.o: bench/preserve.c bench/preserve.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -c -o $@ $<

# The kernel's own code is not held to our warnings.
$(preserve_dir)/preserve_kernel.o: bench/preserve_kernel.c $(preserve_dir)/preserve_source.h
	$(call say,CC,$<)$(CC) $(CFLAGS) -I$(preserve_dir) -w -fno-strict-aliasing \
		-Werror=implicit-function-declaration -c -o $@ $<

-include $(wildcard $(preserve_dir)/*.d)
