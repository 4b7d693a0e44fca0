/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plugin of QEMU's user mode that audits scan_audit. Debian ships no qemu-plugin.h: the functions
 * that are used are declared here, as version 1 of the interface has them (QEMU 4.2 to 8).
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "audit.h"

typedef uint64_t plugin_id;
typedef uint32_t memory_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

typedef void translated_fn(plugin_id id, struct qemu_plugin_tb *block);
typedef void executed_fn(unsigned cpu, void *context);
typedef void accessed_fn(unsigned cpu, memory_info info, uint64_t address, void *context);
typedef void called_fn(plugin_id id, unsigned cpu, int64_t number, uint64_t a, uint64_t b,
                       uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h);

enum { NO_REGISTERS = 0, READ_AND_WRITE = 3 };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated_fn *call);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block,
                                                        size_t index);
extern const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *instruction);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *instruction,
                                                   executed_fn *call, int flags, void *context);
/* Reads alone are not told of in some versions: both are asked for and told apart. */
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *instruction,
                                             accessed_fn *call, int flags, int kind,
                                             void *context);
extern unsigned qemu_plugin_mem_size_shift(memory_info info);
extern bool qemu_plugin_mem_is_store(memory_info info);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id id, called_fn *call);

extern int qemu_plugin_version;
extern int qemu_plugin_install(plugin_id id, const struct qemu_info_t *info, int argc, char **argv);

int qemu_plugin_version __attribute__((visibility("default"))) = 1;

/* The audited program has one thread. */
static struct audit audit;
static uint64_t first_read;
static bool has_first, is_open;

/* audit_begin reads the first byte of the keys, then the last one; its other accesses are its
 * return address and the like, which are no single bytes. */
static void marked(unsigned cpu, memory_info info, uint64_t address, void *context)
{
    (void)cpu, (void)context;
    if (qemu_plugin_mem_is_store(info) || qemu_plugin_mem_size_shift(info) != 0)
        return;
    if (!has_first) {
        first_read = address;
        has_first = true;
    } else if (!is_open) {
        is_open = audit_open(&audit, first_read, address + 1) == 0;
    }
}

static void ended(unsigned cpu, void *context)
{
    (void)cpu, (void)context;
    if (is_open)
        audit_print(&audit, stderr);
    is_open = has_first = false;
}

static void executed(unsigned cpu, void *context)
{
    (void)cpu, (void)context;
    audit.instructions += is_open;
}

static void accessed(unsigned cpu, memory_info info, uint64_t address, void *context)
{
    (void)cpu, (void)context;
    if (is_open)
        audit_access(&audit, address, UINT64_C(1) << qemu_plugin_mem_size_shift(info),
                     qemu_plugin_mem_is_store(info));
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)cpu, (void)number, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
    (void)g, (void)h;
    audit.system_calls += is_open;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const char *symbol = qemu_plugin_insn_symbol(instruction);
        if (symbol && strcmp(symbol, "audit_begin") == 0) {
            qemu_plugin_register_vcpu_mem_cb(instruction, marked, NO_REGISTERS, READ_AND_WRITE,
                                             NULL);
        } else if (symbol && strcmp(symbol, "audit_end") == 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, ended, NO_REGISTERS, NULL);
        } else {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, executed, NO_REGISTERS, NULL);
            qemu_plugin_register_vcpu_mem_cb(instruction, accessed, NO_REGISTERS, READ_AND_WRITE,
                                             NULL);
        }
    }
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id,
                                                               const struct qemu_info_t *info,
                                                               int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
