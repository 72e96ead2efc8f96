/* SPDX-License-Identifier: GPL-2.0-only */
/* Description: members of nested JSON objects by a dotted path */

#ifndef HF_JSON_AT_H
#define HF_JSON_AT_H

#include <jansson.h>
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

#endif /* HF_JSON_AT_H */
