/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A channel moves the speed of its modules times their width, however many modules it has. Type 17
 * has no field for the channel: only where every module's locator spells one out do modules share
 * it; otherwise each counts, and the sum is a bound from above.
 */
#include "dmi.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"

enum { MAX_MODULES = 256, RAW_BYTES = 1024, NAME_BYTES = 96, MEMORY_DEVICE = 17 };
/* Offsets in the structure. */
enum {
    DATA_WIDTH = 0x0a,
    SIZE = 0x0c,
    DEVICE_LOCATOR = 0x10,
    BANK_LOCATOR = 0x11,
    SPEED = 0x15,
    CONFIGURED_SPEED = 0x20,
    EXTENDED_SPEED = 0x54,
    EXTENDED_CONFIGURED_SPEED = 0x58
};
enum { NOT_KNOWN = 0xffff, EXTENDED = 0xffff };

struct module {
    double gb_per_s;
    uint32_t mt_per_s, width_bits;
    char channel[2 * NAME_BYTES]; /* "" if the locators do not tell */
};

struct raw {
    unsigned char bytes[RAW_BYTES];
    size_t count, formatted; /* of the whole entry; of the part before the strings */
};

static uint32_t word(const struct raw *raw, size_t at)
{
    return at + 2 <= raw->formatted ? (uint32_t)raw->bytes[at] | (uint32_t)raw->bytes[at + 1] << 8
                                    : 0;
}

static uint32_t dword(const struct raw *raw, size_t at)
{
    return word(raw, at) | word(raw, at + 2) << 16;
}

/* String number raw[at] of the zero-terminated ones that follow the formatted part; "" if none. */
static void string(const struct raw *raw, size_t at, char text[NAME_BYTES])
{
    unsigned number = at < raw->formatted ? raw->bytes[at] : 0;
    size_t i = raw->formatted;
    text[0] = '\0';
    for (; number > 1 && i < raw->count; number--) {
        while (i < raw->count && raw->bytes[i])
            i++;
        i++;
    }
    for (size_t n = 0; number == 1 && i < raw->count && raw->bytes[i] && n + 1 < NAME_BYTES; n++) {
        text[n] = (char)toupper(raw->bytes[i++]);
        text[n + 1] = '\0';
    }
}

static uint32_t speed(const struct raw *raw, size_t at, size_t extended_at)
{
    uint32_t value = word(raw, at);
    return value == EXTENDED ? dword(raw, extended_at) & 0x7fffffff : value;
}

static bool begins(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strncmp(text, *words, strlen(*words)))
            return true;
    return false;
}

/* "P0 CHANNEL A", or what of "CONTROLLER1-CHANNELA-DIMM0" names the channel. */
static bool take_channel(const char *text, char channel[NAME_BYTES])
{
    const char *at = strstr(text, "CHANNEL");
    if (!at)
        return false;
    at += strlen("CHANNEL");
    while (*at == ' ' || *at == '_' || *at == '-')
        at++;
    if (!isalnum((unsigned char)*at))
        return false;
    while (isdigit((unsigned char)*at) && isdigit((unsigned char)at[1]))
        at++;
    if (isalpha((unsigned char)*at) && isalpha((unsigned char)at[1]))
        return false; /* a word, not the name of a channel */
    snprintf(channel, NAME_BYTES, "%.*s", (int)(at + 1 - text), text);
    return true;
}

/* One locator names the channel, the other may name the socket or the slot; anything else is not
 * understood, and then the channel is not known. */
static void find_channel(const struct raw *raw, struct module *module)
{
    static const char *const slots[] = {"DIMM", "BANK", "SLOT", NULL};
    static const char *const sockets[] = {"P0",   "P1",   "P2",     "P3", "CPU",
                                          "NODE", "PROC", "SOCKET", NULL};
    char device[NAME_BYTES], bank[NAME_BYTES], channel[NAME_BYTES];
    string(raw, DEVICE_LOCATOR, device);
    string(raw, BANK_LOCATOR, bank);
    const char *other = bank;
    if (!take_channel(device, channel)) {
        other = device;
        if (!take_channel(bank, channel))
            return;
    }
    if (!*other || begins(other, slots))
        snprintf(module->channel, sizeof module->channel, "%s", channel);
    else if (begins(other, sockets) && !strstr(other, "DIMM"))
        snprintf(module->channel, sizeof module->channel, "%s/%s", other, channel);
}

/* 1: a module; 0: an empty slot; -ENODATA: speed or width are not told; -errno of reading. */
static int read_module(const char *root, unsigned instance, struct module *module)
{
    char path[64];
    struct raw raw = {.count = 0};
    snprintf(path, sizeof path, "/sys/firmware/dmi/entries/17-%u/raw", instance);
    FILE *file = kvr_file_open(root, path);
    if (!file)
        return -errno;
    raw.count = fread(raw.bytes, 1, sizeof raw.bytes, file);
    int rc = ferror(file) ? -EIO : 0;
    fclose(file);
    if (rc)
        return rc;
    raw.formatted = raw.count > 1 ? raw.bytes[1] : 0;
    if (raw.count < 4 || raw.bytes[0] != MEMORY_DEVICE || raw.formatted > raw.count)
        return -ENODATA;
    if (word(&raw, SIZE) == 0)
        return 0;
    *module = (struct module){.width_bits = word(&raw, DATA_WIDTH)};
    module->mt_per_s = speed(&raw, CONFIGURED_SPEED, EXTENDED_CONFIGURED_SPEED);
    if (!module->mt_per_s)
        module->mt_per_s = speed(&raw, SPEED, EXTENDED_SPEED);
    if (!module->mt_per_s || !module->width_bits || module->width_bits == NOT_KNOWN)
        return -ENODATA;
    module->gb_per_s = (double)module->mt_per_s * module->width_bits / 8 / 1e3;
    find_channel(&raw, module);
    return 1;
}

/* Sums up; a channel runs at the speed of its slowest module. */
static void add_up(const struct module *modules, uint32_t count, struct kvr_memory_peak *peak)
{
    bool told = true, alike = true;
    double all = 0, distinct = 0;
    const struct module *fastest = &modules[0];
    for (uint32_t i = 0; i < count; i++) {
        double slowest = modules[i].gb_per_s;
        bool first = true;
        for (uint32_t j = 0; j < count; j++) {
            bool same = j != i && !strcmp(modules[j].channel, modules[i].channel);
            first &= !(same && j < i);
            slowest = same && modules[j].gb_per_s < slowest ? modules[j].gb_per_s : slowest;
        }
        told &= modules[i].channel[0] != '\0';
        alike &= modules[i].gb_per_s == modules[0].gb_per_s;
        fastest = modules[i].gb_per_s > fastest->gb_per_s ? &modules[i] : fastest;
        all += modules[i].gb_per_s;
        distinct += first ? slowest : 0;
        peak->channels += first;
    }
    peak->modules = count;
    peak->mt_per_s = fastest->mt_per_s;
    peak->gb_per_s = told ? distinct : all;
    peak->upper_bound = !told && count > 1;
    if (!told)
        peak->channels = count == 1 ? 1 : 0;
    int n = snprintf(
        peak->text, sizeof peak->text,
        "%" PRIu32 " memory module%s of %s%" PRIu32 " MT/s x %" PRIu32 " bit by firmware", count,
        count == 1 ? "" : "s", alike ? "" : "up to ", fastest->mt_per_s, fastest->width_bits);
    if (peak->upper_bound)
        snprintf(peak->text + n, sizeof peak->text - (size_t)n,
                 "; at most, because it does not tell which share a channel");
    else
        snprintf(peak->text + n, sizeof peak->text - (size_t)n, " on %" PRIu32 " channel%s",
                 peak->channels, peak->channels == 1 ? "" : "s");
}

void kvr_memory_peak_load(const char *root, struct kvr_memory_peak *peak)
{
    struct module modules[MAX_MODULES];
    uint32_t count = 0;
    bool untold = false;
    int rc = 0;
    *peak = (struct kvr_memory_peak){.text = ""};
    for (unsigned i = 0; count < MAX_MODULES; i++) {
        rc = read_module(root, i, &modules[count]);
        if (rc == -ENODATA)
            untold = true;
        else if (rc < 0)
            break;
        else
            count += (uint32_t)rc;
    }
    if (rc == -EACCES || rc == -EPERM) {
        snprintf(peak->text, sizeof peak->text,
                 "firmware's description of the memory modules is readable by root only");
        snprintf(peak->fix, sizeof peak->fix, "run as root, or give --peak-gb-per-s");
    } else if (untold || !count) {
        snprintf(peak->text, sizeof peak->text, "%s",
                 untold ? "firmware does not tell speed and width of every memory module"
                        : "firmware describes no memory module here (SMBIOS type 17), as in most "
                          "virtual machines");
        snprintf(peak->fix, sizeof peak->fix, "give --peak-gb-per-s, by data sheet");
    } else {
        add_up(modules, count, peak);
    }
}
