/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: JSON of the guest: members by a dotted path, any text, any sums */

#ifndef HF_JSON_AT_H
#define HF_JSON_AT_H

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The member at @path ("dma.lost") of @object, borrowed; NULL if it is not there. */
static inline json_t *json_at(json_t *object, const char *path)
{
	while (object && *path) {
		size_t len = strcspn(path, ".");

		object = json_object_getn(object, path, len);
		path += len + (path[len] == '.');
	}
	return object;
}

/* The integer at @path; 0 if there is none. */
static inline json_int_t json_int_at(json_t *object, const char *path)
{
	return json_integer_value(json_at(object, path));
}

/* The string at @path; "" if there is none. */
static inline const char *json_string_at(json_t *object, const char *path)
{
	const char *string = json_string_value(json_at(object, path));

	return string ? string : "";
}

/* @text as a string, whatever its bytes are: of no UTF-8, no string can be made. NULL: null. */
static inline json_t *json_text(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();
	char *copy = string ? NULL : strdup(text);

	if (!copy)
		return string;
	for (char *at = copy; *at; at++) {
		if ((unsigned char)*at > '~')
			*at = '?';
	}
	string = json_string(copy);
	free(copy);
	return string;
}

/* @a + @b; what is too much stays the most there is, and does not come to little. */
static inline json_int_t json_sum(json_int_t a, json_int_t b)
{
	json_int_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

#endif /* HF_JSON_AT_H */
