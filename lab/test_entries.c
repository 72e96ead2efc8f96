// SPDX-License-Identifier: GPL-2.0-only
/* Description: tests of what is made of the IOMMU's entries, on memory of a made-up guest */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "entries.c"

#define REGS 0xfed90000ULL
#define ROOT 0x10000ULL		/* of VT-d; of AMD the device table */
#define CONTEXT 0x20000ULL	/* for bus 0, and the next pages for the next buses */
#define TABLE_A 0x1aaa000ULL
#define TABLE_B 0x1bbb000ULL

static const struct lab_device devices[] = {
	{ "0000:01:00.0", "0000:00:03.0" }, { "0000:02:00.1", "0000:00:04.0" },
};
static const char *const beside[] = { "0000:00:08.0" };
static uint64_t memory[0x40000 / 8];
static uint64_t base;
static struct entries e;
static bool amd;

static uint32_t read_word(uint64_t at)
{
	uint64_t reg = REGS + (amd ? 0 : 0x20);
	uint64_t value = 0;

	if (at == reg || at == reg + 4)
		value = base;
	else if (at < sizeof(memory))
		value = memory[at / 8];
	return (uint32_t)(at & 4 ? value >> 32 : value);
}

static void look(void)
{
	uint64_t address[ENTRIES_WORDS];
	uint32_t value[ENTRIES_WORDS];
	unsigned int n = entries_addresses(&e, address);

	for (unsigned int i = 0; i < n; i++)
		value[i] = read_word(address[i]);
	entries_take(&e, value);
}

/* Until a change is believed. */
static void look_well(void)
{
	for (int i = 0; i < 12; i++)
		look();
}

static uint64_t *entry(unsigned int bus, unsigned int function)
{
	if (amd)
		return &memory[(ROOT + 32 * (bus << 8 | function)) / 8];
	return &memory[(CONTEXT + bus * 0x1000 + 16 * function) / 8];
}

static void set(uint64_t *at, uint64_t table, uint16_t domain)
{
	at[0] = table | (amd ? 3ULL << 61 | 4 << 9 | 3 : 1);
	at[1] = amd ? domain : (uint64_t)domain << 8 | 2;
}

static void begin(bool of_amd)
{
	amd = of_amd;
	memset(memory, 0, sizeof(memory));
	base = ROOT | (amd ? 0x1ff : 0);
	for (unsigned int bus = 0; bus < 3 && !amd; bus++)
		memory[(ROOT + 16 * bus) / 8] = (CONTEXT + bus * 0x1000) | 1;
	set(entry(1, 0), TABLE_A, 5);
	set(entry(2, 1), TABLE_B, 6);
	set(entry(0, 0x40), 0x1ccc000, 7);
	assert_int_equal(entries_init(&e, amd ? "amd" : "intel", REGS, devices, 2, beside, 1), 0);
	look_well();
	entries_reset(&e);
}

static void expect(unsigned int count, const char *text)
{
	assert_int_equal(entries_complaints(&e), count);
	if (count)
		assert_non_null(strstr(entries_complaint(&e), text));
	else
		assert_null(entries_complaint(&e));
}

/* Nothing, one replacement, interrupts' and ignored bits: no complaint. */
static void a_good_jump(void)
{
	look_well();
	expect(0, "");
	if (amd)
		entry(1, 0)[2] ^= 0x1234;
	set(entry(1, 0), 0x1ddd000, 9);
	look_well();
	set(entry(2, 1), 0x1eee000, 10);
	look_well();
	expect(0, "");
	assert_int_equal(e.entry[0].replaced, 1);
	assert_int_equal(e.entry[1].replaced, 1);
	assert_int_equal(e.entry[0].first_domain, 5);
	assert_int_equal(e.entry[0].domain, 9);
	entries_reset(&e);
	assert_int_equal(e.entry[0].replaced, 0);
	assert_int_equal(e.entry[0].first_domain, 9);
}

/* One look is enough, and it is not forgotten until the next jump. */
static void gone_for(unsigned int looks, uint64_t *at, uint64_t bad)
{
	uint64_t was = at[0];

	at[0] = bad;
	for (unsigned int i = 0; i < looks; i++)
		look();
	at[0] = was;
	look_well();
	expect(1, "lets no DMA through");
	entries_reset(&e);
	look_well();
	expect(0, "");
}

static void gone_once(uint64_t *at, uint64_t bad)
{
	gone_for(1, at, bad);
}

static void each_vendor(void (*test)(void))
{
	for (int vendor = 0; vendor < 2; vendor++) {
		begin(vendor);
		test();
	}
}

static void test_good_jump(void **state)
{
	(void)state;
	each_vendor(a_good_jump);
}

static void gone(void)
{
	gone_once(entry(1, 0), 0);
	gone_once(entry(2, 1), 0);
	/* Memory that cannot be read. */
	gone_once(entry(1, 0), UINT64_MAX);
}

static void test_entry_gone(void **state)
{
	(void)state;
	each_vendor(gone);
	/* Present, and yet nothing is translated: faults hidden; passed through. */
	begin(false);
	gone_once(entry(1, 0), TABLE_A | 3);
	gone_once(entry(1, 0), TABLE_A | 9);
	/* The way to it is not looked at each time. */
	gone_for(8, &memory[(ROOT + 16) / 8], 0);
	/* No read, no write, no translation, no levels, not valid: passed through. */
	begin(true);
	gone_once(entry(1, 0), TABLE_A | 1ULL << 62 | 4 << 9 | 3);
	gone_once(entry(1, 0), TABLE_A | 1ULL << 61 | 4 << 9 | 3);
	gone_once(entry(1, 0), TABLE_A | 3ULL << 61 | 4 << 9 | 1);
	gone_once(entry(1, 0), TABLE_A | 3ULL << 61 | 3);
	gone_once(entry(1, 0), TABLE_A | 3ULL << 61 | 4 << 9 | 2);
}

static void wrong_domain(void)
{
	set(entry(1, 0), TABLE_A, 8);
	look();
	/* It may have been read in halves. */
	expect(0, "");
	look();
	expect(1, "another domain ID for its page table");
}

static void same_domain(void)
{
	set(entry(2, 1), 0x1ddd000, 6);
	look_well();
	expect(1, "and the domain ID of the first");
}

static void other_form(void)
{
	entry(1, 0)[!amd] ^= amd ? 7 << 9 : 3;
	look_well();
	expect(1, "another form");
}

static void namesake(void)
{
	set(entry(0, 0x40), 0x1ccc000, 5);
	look_well();
	expect(1, "another page table elsewhere");
	/* The same table is no harm. */
	set(entry(0, 0x40), TABLE_A, 5);
	look_well();
	entries_reset(&e);
	look_well();
	expect(0, "");
	/* Two preserved ones: each has it. */
	set(entry(2, 1), 0x1fff000, 5);
	look_well();
	expect(2, "elsewhere");
}

static void test_domain_ids(void **state)
{
	(void)state;
	each_vendor(wrong_domain);
	each_vendor(same_domain);
	each_vendor(other_form);
	each_vendor(namesake);
}

/* Another root table with the same in it, as a kernel may make: followed, and not confused. */
static void test_tables_move(void **state)
{
	(void)state;
	begin(false);
	memcpy(&memory[0x8000 / 8], &memory[ROOT / 8], 4096);
	memcpy(&memory[0x9000 / 8], &memory[(CONTEXT + 0x1000) / 8], 4096);
	memory[(0x8000 + 16) / 8] = 0x9001;
	base = 0x8000;
	look_well();
	expect(0, "");
	memory[0x9000 / 8] = 0;
	look_well();
	expect(1, "lets no DMA through");
	/* And one that has nothing in it. */
	begin(false);
	base = 0x38000;
	look_well();
	expect(2, "lets no DMA through");
	begin(true);
	base = 0x3f000;
	look_well();
	expect(2, "lets no DMA through");
}

static void test_refusals(void **state)
{
	static const struct lab_device bad = { "01:00.0", "0000:00:03.0" };
	uint64_t address[ENTRIES_WORDS];

	(void)state;
	assert_int_equal(entries_init(&e, "arm", REGS, devices, 1, NULL, 0), -EINVAL);
	assert_int_equal(entries_init(&e, "amd", REGS, &bad, 1, NULL, 0), -EINVAL);
	/* A machine without registers to look at. */
	assert_int_equal(entries_init(&e, "amd", 0, devices, 1, NULL, 0), 0);
	assert_int_equal(entries_addresses(&e, address), 0);
	look();
	assert_int_equal(entries_complaints(&e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_jump), cmocka_unit_test(test_entry_gone),
		cmocka_unit_test(test_domain_ids), cmocka_unit_test(test_tables_move),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
