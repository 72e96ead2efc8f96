// SPDX-License-Identifier: GPL-2.0-only
/* Description: what is mapped, and where its tables are: 'amdv1 4K 1T scattered' */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repeat.h"
#include "shape.h"

#define PAGE_LG2 12
#define TABLE_LG2 9	/* entries of a table, in every format here */
#define MAX_LEVELS 5

static const struct format *const formats[] = { &format_amdv1, &format_vtdss, &format_x86_64 };
static const char *const fills[] = { "dense", "sparse", "holes" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int log2_of(uint64_t n)
{
	return 63 - __builtin_clzll(n);
}

/* '4K', '1T'; 0 if it is not that, or no power of two */
static uint64_t parse_size(const char *word)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t n = strtoull(word, &end, 10);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

	if (!isdigit((unsigned char)*word) || !n || n & (n - 1) || !unit || end[1] ||
	    n > 1024)
		return 0;
	return n << (10 * (unit - units + 1));
}

static void name_size(char *text, size_t size, uint64_t bytes)
{
	int unit = (log2_of(bytes) - 10) / 10;

	snprintf(text, size, "%llu%c", (unsigned long long)(bytes >> (10 * (unit + 1))),
		 "KMGT"[unit]);
}

static int bad(char *error, size_t size, const char *what, const char *word, const char *known)
{
	snprintf(error, size, "no %s '%s': there are %s", what, word, known);
	return -EINVAL;
}

static int parse_leaf(struct shape *shape, const char *word, char *error, size_t size)
{
	uint64_t sizes = shape->format->leaf_sizes();
	char known[256] = "", one[16];

	shape->leaf = parse_size(word);
	if (shape->leaf & sizes)
		return 0;
	for (int i = PAGE_LG2; i < 50; i++) {
		if (!(sizes >> i & 1))
			continue;
		name_size(one, sizeof(one), 1ULL << i);
		if (*known)
			strcat(known, ", ");
		strcat(known, one);
	}
	return bad(error, size, "leaf", word, known);
}

/* The words behind the size, in any order */
static int parse_word(struct shape *shape, const char *word, bool *placed)
{
	if (!strcmp(word, "scattered") || !strcmp(word, "contiguous")) {
		shape->scattered = *word == 's';
		*placed = true;
		return 0;
	}
	if (!strcmp(word, "cold") || !strcmp(word, "warm")) {
		shape->warm = *word == 'w';
		return 0;
	}
	for (size_t i = 0; i < COUNT(fills); i++) {
		if (!strcmp(word, fills[i])) {
			shape->fill = (enum fill)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void name_shape(struct shape *shape)
{
	char leaf[16], mapped[16];

	name_size(leaf, sizeof(leaf), shape->leaf);
	name_size(mapped, sizeof(mapped), shape->size);
	snprintf(shape->name, sizeof(shape->name), "%s %s %s %s%s%s%s", shape->format->name, leaf,
		 mapped, shape->scattered ? "scattered" : "contiguous",
		 shape->fill == FILL_DENSE ? "" : " ",
		 shape->fill == FILL_DENSE ? "" : fills[shape->fill], shape->warm ? " warm" : "");
}

int shape_parse(struct shape *shape, const char *text, char *error, size_t size)
{
	char words[128], *save, *word;
	bool placed = false;

	*shape = (struct shape){ 0 };
	if (strlen(text) >= sizeof(words))
		return bad(error, size, "shape", text, "FORMAT LEAF SIZE PLACEMENT [FILL] [CACHE]");
	strcpy(words, text);

	word = strtok_r(words, " ", &save);
	for (size_t i = 0; word && i < COUNT(formats); i++)
		if (!strcmp(word, formats[i]->name))
			shape->format = formats[i];
	if (!shape->format)
		return bad(error, size, "format", word ? word : "", "amdv1, vtdss, x86_64");

	word = strtok_r(NULL, " ", &save);
	if (parse_leaf(shape, word ? word : "", error, size))
		return -EINVAL;

	word = strtok_r(NULL, " ", &save);
	shape->size = parse_size(word ? word : "");
	if (shape->size < shape->leaf || shape->size > 1ULL << 46)
		return bad(error, size, "size", word ? word : "",
			   "powers of two from one leaf to 64T: 1G, 1T");

	while ((word = strtok_r(NULL, " ", &save)))
		if (parse_word(shape, word, &placed))
			return bad(error, size, "word", word,
				   "contiguous, scattered; dense, sparse, holes; cold, warm");
	if (!placed)
		return bad(error, size, "placement", "", "contiguous, scattered");
	name_shape(shape);
	return 0;
}

static int leaf_level(const struct shape *shape)
{
	return (log2_of(shape->leaf) - PAGE_LG2) / TABLE_LG2;
}

/* Bytes that one table at a level maps */
static uint64_t table_span(int level)
{
	return 1ULL << (PAGE_LG2 + TABLE_LG2 * (level + 1));
}

size_t shape_max_tables(const struct shape *shape)
{
	size_t tables = 0;

	for (int level = leaf_level(shape); level < MAX_LEVELS; level++) {
		uint64_t span = table_span(level);

		tables += shape->size > span ? (size_t)(shape->size / span) : 1;
	}
	return tables + 1;
}

static int map_all(const struct shape *shape)
{
	uint64_t span = table_span(leaf_level(shape)), state = 1;
	int ret = 0;

	if (shape->fill == FILL_DENSE)
		return shape->format->map(0, shape->size, shape->leaf);
	if (span > shape->size)
		span = shape->size;
	for (uint64_t iova = 0; !ret && iova < shape->size; iova += span) {
		uint64_t n = repeat_random(&state);

		if (shape->fill == FILL_SPARSE)
			ret = shape->format->map(iova + n % (span / shape->leaf) * shape->leaf,
						 shape->leaf, shape->leaf);
		else if (n & 1)
			ret = shape->format->map(iova, span, shape->leaf);
	}
	return ret;
}

int shape_build(const struct shape *shape)
{
	int ret = shape->format->create();

	if (!ret)
		ret = map_all(shape);
	return ret ? ret : shape->format->preserve();
}
