/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A recursive-descent reader of the one Python literal that .npy files hold. Strict in what it
 * accepts as a value, because a header that is misread silently changes every number after it.
 */
#include "npy_header.h"

#include <errno.h>
#include <string.h>

struct cursor {
    const char *at, *end;
    const char *defect; /* the first one found; NULL: none yet */
};

static int fail(struct cursor *c, const char *defect)
{
    if (!c->defect)
        c->defect = defect;
    return -EINVAL;
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && *c->at && strchr(" \t\r\n\f\v", *c->at))
        c->at++;
}

/* Consumes `mark` after optional spaces; false leaves the cursor before it. */
static bool accept(struct cursor *c, char mark)
{
    skip_space(c);
    if (c->at == c->end || *c->at != mark)
        return false;
    c->at++;
    return true;
}

static int parse_string(struct cursor *c, char *text, size_t bytes)
{
    char quote = accept(c, '\'') ? '\'' : accept(c, '"') ? '"' : '\0';
    size_t length = 0;
    if (!quote)
        return fail(c, "a quoted string is expected");
    while (c->at < c->end && *c->at != quote) {
        if (*c->at == '\\' || (unsigned char)*c->at < ' ')
            return fail(c, "a string holds an escape or control character");
        if (length + 1 == bytes)
            return fail(c, "a string is too long");
        text[length++] = *c->at++;
    }
    if (c->at == c->end)
        return fail(c, "a string does not end");
    c->at++;
    text[length] = '\0';
    return 0;
}

static bool accept_word(struct cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length))
        return false;
    c->at += length;
    return true;
}

static int parse_boolean(struct cursor *c, bool *value)
{
    *value = accept_word(c, "True");
    if (*value || accept_word(c, "False"))
        return 0;
    return fail(c, "fortran_order is neither True nor False");
}

static int parse_count(struct cursor *c, uint64_t *value)
{
    const char *start = c->at;
    *value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(*c->at - '0'), value))
            return fail(c, "an axis of shape overflows");
    }
    if (c->at == start)
        return fail(c, "shape is not a tuple of non-negative integers");
    return 0;
}

static int parse_shape(struct cursor *c, struct kvr_npy_header *header)
{
    bool comma = false;
    if (!accept(c, '('))
        return fail(c, "shape is not a tuple");
    while (!accept(c, ')')) {
        if (header->axes && !comma)
            return fail(c, "shape is not a tuple of non-negative integers");
        if (header->axes == KVR_NPY_MAX_AXES)
            return fail(c, "shape has too many axes");
        if (parse_count(c, &header->dims[header->axes]))
            return -EINVAL;
        header->axes++;
        comma = accept(c, ',');
    }
    if (header->axes == 1 && !comma)
        return fail(c, "shape is a number, not a tuple");
    return 0;
}

/* One `key: value`. seen[] holds which of the three keys have been met. */
static int parse_item(struct cursor *c, struct kvr_npy_header *header, bool seen[3])
{
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    char key[32];
    unsigned which = 0;
    if (parse_string(c, key, sizeof key))
        return -EINVAL;
    while (which < 3 && strcmp(key, names[which]))
        which++;
    if (which == 3)
        return fail(c, "it has a key other than descr, fortran_order and shape");
    if (seen[which])
        return fail(c, "a key occurs twice");
    seen[which] = true;
    if (!accept(c, ':'))
        return fail(c, "a key has no value");
    skip_space(c);
    if (which == 0 && c->at < c->end && (*c->at == '[' || *c->at == '('))
        return fail(c, "its values are records, not numbers");
    if (which == 0)
        return parse_string(c, header->descr, sizeof header->descr);
    return which == 1 ? parse_boolean(c, &header->fortran_order) : parse_shape(c, header);
}

int kvr_npy_parse_header(const char *text, size_t bytes, struct kvr_npy_header *header,
                         const char **defect)
{
    struct cursor c = {.at = text, .end = text + bytes};
    bool seen[3] = {false, false, false}, comma = true;

    memset(header, 0, sizeof *header);
    if (!accept(&c, '{'))
        fail(&c, "it is not a dictionary");
    while (!c.defect && !accept(&c, '}')) {
        if (!comma)
            fail(&c, c.at == c.end ? "it does not end" : "items are not separated by commas");
        else if (!parse_item(&c, header, seen))
            comma = accept(&c, ',');
    }
    skip_space(&c);
    if (!c.defect && c.at != c.end)
        fail(&c, "something follows the dictionary");
    if (!seen[0])
        fail(&c, "the key 'descr' is missing");
    if (!seen[1])
        fail(&c, "the key 'fortran_order' is missing");
    if (!seen[2])
        fail(&c, "the key 'shape' is missing");
    *defect = c.defect;
    return c.defect ? -EINVAL : 0;
}
