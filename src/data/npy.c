/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The .npy format (NumPy enhancement proposal 1, versions 1.0 to 3.0). The header is a Python
 * dictionary literal; npy_header.c reads it. Nothing is allocated on the word of the header alone:
 * the file must be long enough first.
 */
#include "npy.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../codec/codec.h"
#include "npy_header.h"

enum { MAX_HEADER_BYTES = 1 << 20, CHUNK_VALUES = 8192 };

struct reader {
    const char *path;
    FILE *file;
    uint64_t file_bytes;
    struct timespec modified; /* when the file was opened */
    char *error;
    size_t error_bytes;
};

static int refuse(struct reader *r, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes "path: sentence" to the caller's buffer and returns status. */
static int refuse(struct reader *r, int status, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (r->error && r->error_bytes)
        snprintf(r->error, r->error_bytes, "%s: %s", r->path, sentence);
    return status;
}

static int open_file(struct reader *r)
{
    struct stat facts;
    /* A named pipe that nobody writes to would hold up open() itself. */
    int fd = open(r->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    r->file = fd < 0 ? NULL : fdopen(fd, "rb");
    if (fd >= 0 && !r->file)
        close(fd);
    if (!r->file || fstat(fileno(r->file), &facts))
        return refuse(r, -errno, "cannot be opened: %s", strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return refuse(r, -EISDIR, "is a folder, not a .npy file");
    if (!S_ISREG(facts.st_mode))
        return refuse(r, -EINVAL, "is not a regular file");
    if (facts.st_size == 0)
        return refuse(r, -EINVAL, "is empty");
    r->file_bytes = (uint64_t)facts.st_size;
    r->modified = facts.st_mtim;
    return 0;
}

/* Values of two versions of a file belong to no tensor. */
static int check_unchanged(struct reader *r)
{
    struct stat facts;
    if (fstat(fileno(r->file), &facts))
        return refuse(r, -errno, "cannot be read: %s", strerror(errno));
    if ((uint64_t)facts.st_size != r->file_bytes ||
        facts.st_mtim.tv_sec != r->modified.tv_sec || facts.st_mtim.tv_nsec != r->modified.tv_nsec)
        return refuse(r, -EINVAL, "was changed while it was read");
    return 0;
}

/* Reads exactly `bytes`, which the file was found to hold. */
static int read_exactly(struct reader *r, void *buffer, size_t bytes)
{
    if (fread(buffer, 1, bytes, r->file) == bytes)
        return 0;
    if (ferror(r->file))
        return refuse(r, errno ? -errno : -EIO, "cannot be read: %s", strerror(errno));
    return refuse(r, -EINVAL, "became shorter while it was read");
}

/* Magic, version and the dictionary; *data_at receives the offset of the values. */
static int read_header(struct reader *r, struct kvr_npy_header *header, uint64_t *data_at)
{
    unsigned char fixed[12];
    size_t fixed_bytes = 10;
    char *text = NULL;
    int status = 0;

    if (r->file_bytes < fixed_bytes)
        fixed_bytes = (size_t)r->file_bytes;
    status = read_exactly(r, fixed, fixed_bytes);
    if (status)
        return status;
    if (memcmp(fixed, "\x93NUMPY", fixed_bytes < 6 ? fixed_bytes : 6))
        return refuse(r, -EINVAL, "is not a .npy file (it does not begin with \\x93NUMPY)");
    if (fixed_bytes < 10)
        return refuse(r, -EINVAL, "is truncated within its header");
    if (fixed[6] < 1 || fixed[6] > 3 || fixed[7] != 0)
        return refuse(r, -EINVAL, "has .npy version %u.%u; versions 1.0, 2.0 and 3.0 are read",
                      fixed[6], fixed[7]);
    uint64_t header_bytes = fixed[8] | (uint64_t)fixed[9] << 8;
    if (fixed[6] > 1) { /* the length has four bytes from version 2 on */
        if (r->file_bytes < 12)
            return refuse(r, -EINVAL, "is truncated within its header");
        status = read_exactly(r, fixed + 10, 2);
        if (status)
            return status;
        header_bytes |= (uint64_t)fixed[10] << 16 | (uint64_t)fixed[11] << 24;
        fixed_bytes = 12;
    }
    if (header_bytes > r->file_bytes - fixed_bytes)
        return refuse(r, -EINVAL, "is truncated within its header");
    if (header_bytes > MAX_HEADER_BYTES)
        return refuse(r, -EINVAL, "has a header of %llu bytes; at most %d are read",
                      (unsigned long long)header_bytes, MAX_HEADER_BYTES);
    text = malloc(header_bytes + 1);
    if (!text)
        return refuse(r, -ENOMEM, "no memory for its header");
    status = read_exactly(r, text, header_bytes);
    if (!status) {
        const char *defect = NULL;
        text[header_bytes] = '\0';
        if (kvr_npy_parse_header(text, header_bytes, header, &defect))
            status = refuse(r, -EINVAL, "has a header that cannot be understood: %s", defect);
    }
    free(text);
    *data_at = fixed_bytes + header_bytes;
    return status;
}

/* Width of the values in bytes, or 0 with the reason written to the error. */
static size_t value_bytes(struct reader *r, const char *descr)
{
    const char *type = descr + strspn(descr, "<>=|");
    char order = type == descr ? '\0' : descr[0];
    const char *hint = "float16, float32 and float64 are read";

    if (type[0] == 'c')
        refuse(r, 0, "holds complex numbers (type %s); %s", descr, hint);
    else if (type[0] == 'i' || type[0] == 'u')
        refuse(r, 0, "holds integers (type %s); %s", descr, hint);
    else if (type[0] == 'b' || type[0] == '?')
        refuse(r, 0, "holds booleans (type %s); %s", descr, hint);
    else if (order == '>' && type[0] == 'f')
        refuse(r, 0, "is big-endian (type %s); little-endian values are read", descr);
    else if (strcmp(descr, "<f2") == 0)
        return 2;
    else if (strcmp(descr, "<f4") == 0)
        return 4;
    else if (strcmp(descr, "<f8") == 0)
        return 8;
    else
        refuse(r, 0, "has values of type %.40s; %s, written <f2, <f4 and <f8", descr, hint);
    return 0;
}

/* Axes and length of the values; *count receives their number. */
static int check_shape(struct reader *r, const struct kvr_npy_header *header, size_t item_bytes,
                       uint64_t data_at, size_t *count)
{
    uint64_t values = 1, bytes, present = r->file_bytes - data_at;
    if (header->axes < 2 || header->axes > 4)
        return refuse(r, -EINVAL,
                      "has %u ax%s; 2 to 4 are read ([layers, heads,] tokens, "
                      "channels)",
                      header->axes, header->axes == 1 ? "is" : "es");
    for (unsigned i = 0; i < header->axes; i++) {
        if (header->dims[i] == 0)
            return refuse(r, -EINVAL, "has no values: axis %u of its shape is 0", i);
    }
    for (unsigned i = 0; i < header->axes; i++) {
        if (__builtin_mul_overflow(values, header->dims[i], &values))
            return refuse(r, -EINVAL, "has a shape whose number of values overflows");
    }
    if (__builtin_mul_overflow(values, (uint64_t)item_bytes, &bytes))
        return refuse(r, -EINVAL, "has a shape whose size overflows");
    if (bytes > present)
        return refuse(r, -EINVAL,
                      "is truncated: its shape needs %llu bytes of values, the file "
                      "holds %llu",
                      (unsigned long long)bytes, (unsigned long long)present);
    if (bytes < present)
        return refuse(r, -EINVAL,
                      "is longer than its shape says: %llu bytes of values expected, "
                      "the file holds %llu",
                      (unsigned long long)bytes, (unsigned long long)present);
    if (values > PTRDIFF_MAX / sizeof(float))
        return refuse(r, -ENOMEM, "is too large for this machine's address space");
    *count = (size_t)values;
    return 0;
}

/* Value i of a chunk as float; *defect names what is wrong with it. Bits are examined instead of
 * comparing with 0, which a thread that treats subnormals as zero could not do. */
static float convert(const unsigned char *chunk, size_t item_bytes, size_t i, const char **defect)
{
    float value;
    if (item_bytes == 2) {
        uint16_t bits;
        memcpy(&bits, chunk + 2 * i, sizeof bits);
        value = kvr_half_to_float(le16toh(bits));
    } else if (item_bytes == 4) {
        uint32_t bits;
        memcpy(&bits, chunk + 4 * i, sizeof bits);
        bits = le32toh(bits);
        memcpy(&value, &bits, sizeof value);
    } else {
        uint64_t bits;
        double wide;
        memcpy(&bits, chunk + 8 * i, sizeof bits);
        bits = le64toh(bits);
        memcpy(&wide, &bits, sizeof wide);
        value = (float)wide;
        if (isfinite(wide) && !isfinite(value))
            *defect = "beyond the range of float32";
        else if (bits << 1 && fabsf(value) < FLT_MIN)
            *defect = "subnormal as float32";
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits &= 0x7fffffffu;
    if (!*defect && bits > 0x7f800000u)
        *defect = "NaN";
    else if (!*defect && bits == 0x7f800000u)
        *defect = "infinite";
    else if (!*defect && bits && bits < 0x00800000u)
        *defect = "subnormal as float32";
    return value;
}

static int read_values(struct reader *r, size_t item_bytes, size_t count, float *values)
{
    unsigned char chunk[CHUNK_VALUES * 8];
    for (size_t done = 0; done < count;) {
        size_t part = count - done < CHUNK_VALUES ? count - done : CHUNK_VALUES;
        int status = read_exactly(r, chunk, part * item_bytes);
        if (status)
            return status;
        for (size_t i = 0; i < part; i++) {
            const char *defect = NULL;
            values[done + i] = convert(chunk, item_bytes, i, &defect);
            if (defect)
                return refuse(r, -EINVAL, "value %zu (in file order, from 0) is %s", done + i,
                              defect);
        }
        done += part;
    }
    return 0;
}

int kvr_npy_read(const char *path, struct kvr_tensor *tensor, char *error, size_t error_bytes)
{
    struct reader r = {.path = path, .error = error, .error_bytes = error_bytes};
    struct kvr_npy_header header = {0};
    float *values = NULL;
    uint64_t data_at = 0;
    size_t count = 0, item_bytes = 0;

    memset(tensor, 0, sizeof *tensor);
    int status = open_file(&r);
    if (!status)
        status = read_header(&r, &header, &data_at);
    if (status)
        goto out;
    item_bytes = value_bytes(&r, header.descr);
    status = item_bytes ? 0 : -EINVAL;
    if (!status && header.fortran_order)
        status = refuse(&r, -EINVAL,
                        "is in Fortran order; C order is read (save it with "
                        "numpy.ascontiguousarray)");
    if (!status)
        status = check_shape(&r, &header, item_bytes, data_at, &count);
    if (status)
        goto out;
    values = malloc(count * sizeof *values);
    status = values ? read_values(&r, item_bytes, count, values)
                    : refuse(&r, -ENOMEM, "no memory for its %zu values", count);
    if (!status)
        status = check_unchanged(&r);
    if (status)
        goto out;
    for (unsigned i = 0; i < 4; i++)
        tensor->dims[i] = 1;
    for (unsigned i = 0; i < header.axes; i++)
        tensor->dims[4 - header.axes + i] = (size_t)header.dims[i];
    tensor->stored_half = item_bytes == 2;
    tensor->stored_bytes = (unsigned)item_bytes;
    tensor->values = values;
    values = NULL;
out:
    free(values);
    if (r.file)
        fclose(r.file);
    return status;
}

void kvr_tensor_free(struct kvr_tensor *tensor)
{
    free(tensor->values);
    memset(tensor, 0, sizeof *tensor);
}
