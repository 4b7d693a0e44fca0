/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values as users write them, in options and in profiles alike. Every parser returns 0 or -EINVAL
 * with a clause in why[] that continues a sentence starting with the quoted text: "is not a
 * number; give ...".
 */
#ifndef KVR_VALUES_H
#define KVR_VALUES_H

#include <stddef.h>
#include <stdint.h>

/* "512", "4k", "96M", "2G", "64KiB": k, M, G are powers of 1024, KiB, MiB, GiB mean the same;
 * min <= value <= max. */
int kvr_size_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, char *why,
                   size_t why_bytes);
/* A count without a suffix. */
int kvr_count_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value, char *why,
                    size_t why_bytes);
/* A finite number above 0 in decimal notation ("60", ".02"). */
int kvr_positive_parse(const char *text, double *value, char *why, size_t why_bytes);
/* A size, or a range "32k..4G" (each twice the one before) or "32k..4G:x4": the sizes first,
 * 4 * first, ... that do not exceed the last. Appends to values[0..max), leaving out those already
 * there. */
int kvr_bytes_parse(const char *text, uint64_t *values, size_t max, size_t *count, char *why,
                    size_t why_bytes);
/* "max" (UINT32_MAX) or a count of threads; whether the host has so many is the
 * plan's to say. */
int kvr_threads_parse(const char *text, uint32_t *threads, char *why, size_t why_bytes);

/* "heads", "contiguous" (*page_tokens = 0) or "pages:N" with N keys a page, a size such as 16. */
enum { KVR_MAX_PAGE_TOKENS = 1 << 20 };
int kvr_layout_parse(const char *text, uint32_t *page_tokens, char *why, size_t why_bytes);

/* Operations, element types of a codebook, and where it is found; NULL-terminated. */
extern const char *const kvr_op_names[];
extern const char *const kvr_codebook_names[];
extern const char *const kvr_residency_names[];
/* Of values: what --value-format takes. */
extern const char *const kvr_value_format_names[];
/* The most queries that share a key, and the most sequences that share a codebook. */
enum { KVR_MAX_QUERIES = 16, KVR_MAX_BATCH = 65536 };
/* The most bytes that are read between passes; 0 is none. */
#define KVR_MAX_EVICT_BYTES (UINT64_C(1) << 50)
/* 0 if `text` is one of names[] (NULL-terminated); else why = "is not one of a, b; ...". */
int kvr_word_parse(const char *text, const char *const *names, char *why, size_t why_bytes);

#endif
