/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: what the kernel sources under test get from the kernel, in user space */
#ifndef HF_SHIM_KERNEL_H
#define HF_SHIM_KERNEL_H

/*
 * Included in front of every kernel source file (-include). The kernel's own headers are used
 * where they can be: those of tools/include, which are made for user space, then those of
 * include/. Those that cannot are empty files (bench/walk.mk has the list), and what is
 * needed of them is here, in mm.h and in iommu.h.
 */

#define CONFIG_X86 1
#define CONFIG_X86_64 1
#define CONFIG_64BIT 1
#define CONFIG_SMP 1
#define CONFIG_NUMA 1
#define CONFIG_MEMCG 1
#define CONFIG_PHYS_ADDR_T_64BIT 1
#define CONFIG_TRANSPARENT_HUGEPAGE 1
#define CONFIG_ZONE_DMA 1
#define CONFIG_ZONE_DMA32 1
#define CONFIG_ZONE_DEVICE 1
#define CONFIG_PCP_BATCH_SCALE_MAX 5
#define CONFIG_SPARSEMEM_VMEMMAP 1
#define CONFIG_KEXEC_HANDOVER 1
#define CONFIG_IOMMU_PT 1
#define CONFIG_IOMMU_PT_HANDOVER 1

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/types.h>
#include <linux/kconfig.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#define __nonnull_args(...) __attribute__((__nonnull__(__VA_ARGS__)))	/* for cleanup.h */
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/stringify.h>
#include <asm/atomic.h>
#include <asm/bug.h>

/* The checks of types in tools are not those of the kernel */
#undef min
#undef max
#undef min_t
#undef max_t
#undef clamp
#define auto __auto_type
#define statically_true(x) (__builtin_constant_p(x) && (x))
#define __UNIQUE_ID(name) __PASTE(__UNIQUE_ID_##name##_, __COUNTER__)
#include <linux/minmax.h>

typedef u64 dma_addr_t;
typedef unsigned long pgoff_t;

#define U32_MAX ((u32)~0U)
#define U64_MAX ((u64)~0ULL)
#undef static_assert
#define static_assert _Static_assert
#undef noinline
#define noinline __attribute__((__noinline__))
#define __cleanup(f) __attribute__((__cleanup__(f)))
#define ____cacheline_aligned_in_smp __attribute__((aligned(64)))
#define __ffs64 __ffs
#define SZ_512G (512ULL << 30)
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define memset_after(obj, v, member)						\
({										\
	size_t from = offsetof(typeof(*(obj)), member) + sizeof((obj)->member);	\
	memset((char *)(obj) + from, v, sizeof(*(obj)) - from);			\
})

/* Code that is not a module has none of these */
#undef EXPORT_SYMBOL
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL(sym)
#define EXPORT_SYMBOL_GPL(sym)
#define EXPORT_SYMBOL_NS_GPL(sym, ns)
#define MODULE_LICENSE(x)
#define MODULE_DESCRIPTION(x)
#define MODULE_IMPORT_NS(x)

/* Shown as it stands, without its arguments: %pa and the like are printk's alone */
void hf_printk(const char *format, ...);
#define pr_err(...) hf_printk(__VA_ARGS__)
#define pr_warn pr_err
#define pr_err_ratelimited pr_err
#define pr_warn_ratelimited pr_err

/* A processor of its own: what can be preempted in the kernel just runs on here */
#define cond_resched() do { } while (0)
#define might_sleep() do { } while (0)
#define smp_processor_id() 0
#define rcu_read_lock() do { } while (0)
#define rcu_read_unlock() do { } while (0)
#define lockdep_assert_held(lock) do { } while (0)

#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define prefetchw(p) asm volatile("prefetchw %0" : : "m"(*(const char *)(p)))
#define hf_try_cmpxchg(ptr, oldp, new, order) \
	__atomic_compare_exchange_n(ptr, oldp, new, false, order, __ATOMIC_RELAXED)
#define try_cmpxchg64(ptr, oldp, new) hf_try_cmpxchg(ptr, oldp, new, __ATOMIC_SEQ_CST)
#define try_cmpxchg64_release(ptr, oldp, new) hf_try_cmpxchg(ptr, oldp, new, __ATOMIC_RELEASE)
#define try_cmpxchg_release try_cmpxchg64_release
#define try_cmpxchg try_cmpxchg64
#define smp_store_release(ptr, new) __atomic_store_n(ptr, new, __ATOMIC_RELEASE)
#define xchg(ptr, new) __atomic_exchange_n(ptr, new, __ATOMIC_SEQ_CST)

static inline void *memset64(u64 *s, u64 v, size_t count)
{
	asm volatile("rep stosq" : "+D"(s), "+c"(count) : "a"(v) : "memory");
	return s;
}

/*
 * A lock that nobody else wants costs one locked instruction and a store, as in the kernel.
 * Interrupts are not switched off; user space has none.
 */
typedef struct {
	int locked;
} spinlock_t;

static inline bool spin_trylock(spinlock_t *lock)
{
	return !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

static inline void spin_lock(spinlock_t *lock)
{
	while (!spin_trylock(lock))
		;
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

#define spin_lock_irqsave(lock, flags) do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) do { (void)(flags); spin_unlock(lock); } while (0)
DEFINE_LOCK_GUARD_0(preempt, (void)0, (void)0)
DEFINE_LOCK_GUARD_1(spinlock_irqsave, spinlock_t, spin_lock(_T->lock), spin_unlock(_T->lock))

/* CLOCK_MONOTONIC */
u64 ktime_get_ns(void);

/* Memory encryption is compiled in and off, as on any machine with a distribution's kernel */
extern u64 sme_me_mask;
#define __sme_set(x) ((x) | sme_me_mask)
#define __sme_clr(x) ((x) & ~sme_me_mask)

#include "mm.h"
#include "iommu.h"

#endif
