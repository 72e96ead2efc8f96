# SPDX-License-Identifier: GPL-2.0-only
# Description: builds build/bench/reserve from bench/ and from the sources of build/linux.

reserve_linux := $(B)/linux
reserve_dir := $(B)/bench/reserve-obj
reserve_tools := $(reserve_linux)/tools

# The kernel's flags, as far as they change what code means, and the headers of its own user-space
# build of memblock.c
reserve_flags = -O2 -g -std=gnu11 -D_GNU_SOURCE -Wall -Werror -Wno-unused-variable \
	-Wno-unused-but-set-variable -fno-strict-aliasing \
	-fno-strict-overflow -MMD -MP -DCONFIG_PHYS_ADDR_T_64BIT -DCONFIG_NUMA \
	-DCONFIG_NODES_SHIFT=6 -DCONFIG_MEMBLOCK_KHO_SCRATCH -I. -I$(reserve_dir) \
	-I$(reserve_linux) -I$(reserve_tools)/testing/memblock -I$(reserve_tools)/include \
	-I$(reserve_tools)/arch/x86/include -idirafter $(reserve_linux)/include

$(B)/bench/reserve: $(reserve_dir)/reserve.o $(reserve_dir)/before.o $(reserve_dir)/after.o \
		$(reserve_dir)/find_bit.o $(addprefix $(B)/bench/,options.o document.o repeat.o)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -ljansson

$(reserve_dir)/reserve.o: bench/reserve.c bench/reserve.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -c -o $@ $<

$(reserve_dir)/find_bit.o: $(reserve_tools)/lib/find_bit.c bench/reserve.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(reserve_flags) -c -o $@ $<

# Two of memblock.c in one program: what they export stays within each
$(reserve_dir)/after.o: $(reserve_linux)/mm/memblock.c
$(reserve_dir)/before.o: $(reserve_dir)/memblock-base.c
$(reserve_dir)/after.o: reserve_more := -DRESERVE_AFTER
$(reserve_dir)/%.o: bench/reserve_side.c bench/reserve.mk $(reserve_dir)/asm/page.h
	$(call say,CC,$<)$(CC) $(reserve_flags) $(reserve_more) -DSIDE=reserve_$* \
		-DMEMBLOCK_C='"$(filter %/memblock.c %/memblock-base.c,$^)"' -c -o $@ $<
	$(Q)objcopy --keep-global-symbol=reserve_$* --keep-global-symbol=reserve_tree_add $@

$(reserve_dir)/memblock-base.c: bench/reserve.mk
	@mkdir -p $(@D)
	$(Q)git -C $(reserve_linux) show base:mm/memblock.c >$@ || { rm -f $@; exit 1; }
$(reserve_dir)/asm/page.h:
	@mkdir -p $(@D)
	@: >$@

-include $(wildcard $(reserve_dir)/*.d)
