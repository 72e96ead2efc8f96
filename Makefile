# SPDX-License-Identifier: GPL-2.0-only
# Description: the door to Holdfast. `make` alone says what there is.

MAKEFLAGS += --no-builtin-rules --no-print-directory
B := build
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wvla -Wshadow \
	-Wstrict-prototypes -Werror -MMD -MP -Ilib -isystem $(B)/headers/include
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)" >&2;)

# A file with main() is a program; test_* and bench_* stand beside what they test.
agent_main := stress/agent.c stress/forward.c
lab_main := lab/supervise.c lab/frames.c
parts = $(filter-out $($(1)_main) $(2)/test_%.c $(2)/bench_%.c,$(wildcard $(2)/*.c))
lib_parts := $(filter-out lib/test_%.c,$(wildcard lib/*.c))
agent_objs := $(patsubst %.c,$(B)/obj/%.o,$(call parts,agent,stress) $(lib_parts))
lab_objs := $(patsubst %.c,$(B)/obj/%.o,$(call parts,lab,lab) $(lib_parts))
agent_libs := -ljansson -lisal -lpci
lab_libs := -ljansson -lisal -lm
# DPDK is used if it is there (libdpdk-dev); DPDK=off: not even then.
DPDK ?= $(shell pkg-config --exists libdpdk 2>/dev/null && echo on || echo off)
DPDK := $(DPDK)
dpdk_libs := $(if $(filter on,$(DPDK)),$(shell pkg-config --libs libdpdk))
tests := $(patsubst %.c,$(B)/test/%,$(wildcard lib/test_*.c stress/test_*.c lab/test_*.c))
benches := $(patsubst %.c,$(B)/test/%,$(wildcard stress/bench_*.c))

.PHONY: help run test exits fuzz kernel programs unit-tests fuzz-programs bench results clean FORCE
.DEFAULT_GOAL := help

help:
	@echo "Holdfast: does DMA survive a kernel update?"
	@echo
	@echo "  make run      build all that is needed, run cycles on each machine, report"
	@echo "                MACHINE=qemu-intel,qemu-amd  PROFILE=smoke|swap|restore  CYCLES=n  SWAPS=n"
	@echo "                LOAD=nvme,nic,fio,dpdk  CONTROL=name|all|list (broken on purpose)  EXIT=name"
	@echo "                MAP_GIB=n  STRETCH=1  JSON=1  FLAVOUR=debug (KASAN, lockdep, kmemleak)"
	@echo "                KERNEL_ARGS=words  KERNEL_IMAGE=file  QEMU=file (more: lab/run)"
	@echo "  make test     everything CI runs: unit tests, fuzzing, cycles, controls, exits"
	@echo "  make exits    every way in which a hand-over can end but the straight one (configs/exits)"
	@echo "  make fuzz     parsers fed anything (TARGET=name  SECONDS=n)"
	@echo "  make kernel   only the patched kernel (build/kernel/bzImage)"
	@echo "  make bench    what preserve, early reserve and the restore walk take, natively;"
	@echo "                our loads beside fio and testpmd in one guest"
	@echo "                SHAPE='amdv1 4K 1T scattered'  STRATEGY=all  JSON=1 (only the walk)"
	@echo "  make results  RESULTS.md and bench/plots from the result files of earlier runs"
	@echo "  make clean    remove build/ except the fetched and compiled kernel and emulator"
	@echo
	@echo "  Results: build/results/latest/. More: README.md, kernel/HANDOVER.md, lab/SCHEMA.md"

run:
	$(Q)lab/run

test:
	$(Q)lab/test

exits:
	$(Q)lab/exits

fuzz:
	$(Q)lab/deps fuzz
	$(Q)FUZZ_SECONDS=$(or $(SECONDS),600) lab/fuzz $(TARGET)

kernel:
	$(Q)lab/deps build
	$(Q)kernel/tree
	$(Q)kernel/build

programs: $(B)/bin/hf-agent $(B)/bin/hf-lab $(B)/bin/hf-frames
programs: $(if $(filter on,$(DPDK)),$(B)/bin/hf-forward)

# Loaded by the emulator: all but its two symbols is its own.
programs: $(B)/lib/hf-insn.so
$(B)/lib/hf-insn.so: bench/insn.c Makefile
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CFLAGS) -MF $(B)/obj/insn.d -fPIC -fvisibility=hidden -shared -o $@ $<

unit-tests: $(tests) $(benches)

bench:
	$(Q)lab/deps build
	$(Q)kernel/tree
	$(Q)$(MAKE) -s $(native_benches)
	$(Q)bench/run
ifeq ($(SHAPE)$(JSON),)
	$(Q)$(MAKE) -s $(benches)
	$(Q)for b in $(benches); do $$b || exit 1; done
	$(Q)MACHINE=$(or $(MACHINE),qemu-intel) PROFILE=bench lab/run
	$(Q)bench/map-insn
endif

# Of the kernel's own sources, in user space
native_benches := $(addprefix $(B)/bench/,walk reserve preserve)
include bench/walk.mk bench/reserve.mk bench/preserve.mk

results:
	$(Q)lab/deps results
	$(Q)lab/results

clean:
	rm -rf $(B)/obj $(B)/bin $(B)/lib $(B)/test $(B)/fuzz $(B)/initramfs $(B)/results \
		$(B)/bench $(B)/bench-sanitized

$(B)/bin/hf-agent: $(B)/obj/stress/agent.o $(B)/lib/agent.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(agent_libs)

$(B)/bin/hf-lab: $(B)/obj/lab/supervise.o $(B)/lib/lab.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(lab_libs)

$(B)/bin/hf-frames: $(B)/obj/lab/frames.o $(B)/lib/lab.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(lab_libs) $(dpdk_libs)

$(B)/bin/hf-forward: $(B)/obj/stress/forward.o $(B)/lib/agent.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -ljansson -lisal $(dpdk_libs)

# Its headers are not held to our warnings. The stamp changes when DPDK comes or goes.
dpdk_objs := $(B)/obj/lab/frames_dpdk.o $(B)/obj/stress/forward.o
$(dpdk_objs): $(B)/dpdk-is
ifeq ($(DPDK),on)
$(dpdk_objs): override CFLAGS += -DHF_DPDK \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk))
endif
$(B)/dpdk-is: FORCE
	@mkdir -p $(@D)
	@echo $(DPDK) | cmp -s - $@ || { rm -f $(B)/bin/hf-forward; echo $(DPDK) >$@; }
FORCE:

$(B)/lib/agent.a: $(agent_objs)
$(B)/lib/lab.a: $(lab_objs)
$(B)/lib/%.a:
	@mkdir -p $(@D)
	$(call say,AR,$@)rm -f $@; $(AR) crs $@ $^

# A test includes the file it tests; the rest of the subsystem comes from the archive.
$(B)/test/stress/%: $(B)/obj/stress/%.o $(B)/lib/agent.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(agent_libs) -lcmocka
$(B)/test/lab/%: $(B)/obj/lab/%.o $(B)/lib/lab.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(lab_libs) -lcmocka
$(B)/test/lib/%: $(B)/obj/lib/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -lisal -lcmocka

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CFLAGS) -c -o $@ $<

# Fuzz targets, see lab/fuzz: all that they link is built anew, by clang with its sanitizers.
FUZZ_CC ?= clang-14
fuzz_checks := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
fuzz_cover := -fsanitize=fuzzer-no-link
fuzz_flags = -O1 -g -std=gnu11 -D_GNU_SOURCE -w -MMD -MP -Ilib \
	-isystem $(B)/headers/include -fno-omit-frame-pointer $(fuzz_checks) $(fuzz_cover)
fuzz_targets := $(patsubst %.c,%,$(notdir $(wildcard fuzz/*.c)))

fuzz-programs: $(fuzz_targets:%=$(B)/fuzz/bin/%)

# Most of the time would go to patterns, and no input leads these astray.
$(B)/fuzz/obj/stress/blocks.o: fuzz_checks := -O2
$(B)/fuzz/obj/stress/blocks.o: fuzz_cover :=

$(B)/fuzz/bin/%: $(B)/fuzz/obj/fuzz/%.o $(B)/fuzz/parts.a
	@mkdir -p $(@D)
	$(call say,LD,$@)$(FUZZ_CC) $(fuzz_checks) -fsanitize=fuzzer -o $@ $^ $(agent_libs)

$(B)/fuzz/parts.a: $(patsubst %.c,$(B)/fuzz/obj/%.o,$(call parts,agent,stress) \
	$(call parts,lab,lab) $(lib_parts))
	$(call say,AR,$@)rm -f $@; $(AR) crs $@ $^

$(B)/fuzz/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)$(FUZZ_CC) $(fuzz_flags) -c -o $@ $<

.SECONDARY:
-include $(patsubst %.o,%.d,$(shell find $(B)/obj $(B)/fuzz/obj -name '*.o' 2>/dev/null))
