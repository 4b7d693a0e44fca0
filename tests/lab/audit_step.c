/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Audits scan_audit on this very CPU: stops it before every instruction between audit_begin and
 * audit_end (ptrace), decodes the instruction (Zydis) and notes what it is about to read and write.
 * So kernels of instruction sets that no emulator knows are audited too.
 * usage: audit_step BEGIN-ADDRESS END-ADDRESS PROGRAM ARGUMENTS...
 * exit codes: 0, 77 if this process may not trace, 1 else
 */
#include <Zydis/Zydis.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"

enum { MOST_STEPS = 4000000, CACHE_ENTRIES = 1 << 14 };

struct decoded {
    uint64_t address; /* 0: empty */
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

struct stepper {
    pid_t child;
    ZydisDecoder decoder;
    struct audit audit;
    uint64_t vague; /* accesses through masks or vectors of addresses that may touch the keys */
    struct decoded cache[CACHE_ENTRIES];
};

static int fail(const char *what)
{
    fprintf(stderr, "audit_step: %s: %s\n", what, strerror(errno));
    return 1;
}

static uint64_t register_value(const struct user_regs_struct *r, ZydisRegister name)
{
    switch (ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name)) {
    case ZYDIS_REGISTER_RAX: return r->rax;
    case ZYDIS_REGISTER_RBX: return r->rbx;
    case ZYDIS_REGISTER_RCX: return r->rcx;
    case ZYDIS_REGISTER_RDX: return r->rdx;
    case ZYDIS_REGISTER_RSI: return r->rsi;
    case ZYDIS_REGISTER_RDI: return r->rdi;
    case ZYDIS_REGISTER_RBP: return r->rbp;
    case ZYDIS_REGISTER_RSP: return r->rsp;
    case ZYDIS_REGISTER_R8: return r->r8;
    case ZYDIS_REGISTER_R9: return r->r9;
    case ZYDIS_REGISTER_R10: return r->r10;
    case ZYDIS_REGISTER_R11: return r->r11;
    case ZYDIS_REGISTER_R12: return r->r12;
    case ZYDIS_REGISTER_R13: return r->r13;
    case ZYDIS_REGISTER_R14: return r->r14;
    case ZYDIS_REGISTER_R15: return r->r15;
    default: return 0; /* no register */
    }
}

static const struct decoded *decode(struct stepper *s, uint64_t address)
{
    struct decoded *d = &s->cache[address % CACHE_ENTRIES];
    unsigned char bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
    struct iovec local = {bytes, sizeof bytes}, remote = {(void *)(uintptr_t)address, sizeof bytes};
    if (d->address == address)
        return d;
    ssize_t got = process_vm_readv(s->child, &local, 1, &remote, 1, 0);
    if (got < 1 || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, bytes, (ZyanUSize)got,
                                                        &d->instruction, d->operands)))
        return NULL;
    d->address = address;
    return d;
}

static void note_operand(struct stepper *s, const struct decoded *d,
                         const ZydisDecodedOperand *operand, const struct user_regs_struct *r)
{
    const ZydisDecodedInstruction *i = &d->instruction;
    uint64_t address = (uint64_t)operand->mem.disp.value;
    if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || operand->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
        return;
    address += operand->mem.base == ZYDIS_REGISTER_RIP ? d->address + i->length
                                                       : register_value(r, operand->mem.base);
    bool is_masked = i->avx.mask.reg != ZYDIS_REGISTER_NONE && i->avx.mask.reg != ZYDIS_REGISTER_K0;
    if (operand->mem.type == ZYDIS_MEMOP_TYPE_VSIB || is_masked) {
        s->vague += address >= s->audit.first && address < s->audit.end;
        return;
    }
    address += register_value(r, operand->mem.index) * operand->mem.scale;
    if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
        audit_access(&s->audit, address, operand->size / 8, 0);
    if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
        audit_access(&s->audit, address, operand->size / 8, 1);
}

/* What the instruction at r->rip is about to do. */
static int note(struct stepper *s, const struct user_regs_struct *r)
{
    const struct decoded *d = decode(s, r->rip);
    if (!d)
        return fail("an instruction that cannot be decoded");
    s->audit.instructions++;
    s->audit.system_calls += d->instruction.meta.category == ZYDIS_CATEGORY_SYSCALL ||
                             d->instruction.meta.category == ZYDIS_CATEGORY_INTERRUPT;
    if (d->instruction.meta.category == ZYDIS_CATEGORY_PREFETCH ||
        d->instruction.meta.category == ZYDIS_CATEGORY_NOP ||
        d->instruction.meta.category == ZYDIS_CATEGORY_WIDENOP)
        return 0;
    for (unsigned i = 0; i < d->instruction.operand_count; i++)
        note_operand(s, d, &d->operands[i], r);
    return 0;
}

/* Runs the child to `address`. */
static int run_to(pid_t child, uint64_t address, struct user_regs_struct *r)
{
    int status;
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, child, address, 0);
    if (errno || ptrace(PTRACE_POKETEXT, child, address, (word & ~0xffl) | 0xcc) ||
        ptrace(PTRACE_CONT, child, 0, 0) || waitpid(child, &status, 0) != child)
        return fail("a breakpoint");
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
        fprintf(stderr, "audit_step: the program never came to its marker\n");
        return 1;
    }
    if (ptrace(PTRACE_GETREGS, child, 0, r))
        return fail("registers");
    r->rip = address;
    if (ptrace(PTRACE_SETREGS, child, 0, r) || ptrace(PTRACE_POKETEXT, child, address, word))
        return fail("registers");
    return 0;
}

static int step_to(struct stepper *s, uint64_t end, struct user_regs_struct *r)
{
    for (unsigned steps = 0; steps < MOST_STEPS; steps++) {
        int status;
        if (ptrace(PTRACE_SINGLESTEP, s->child, 0, 0) || waitpid(s->child, &status, 0) != s->child)
            return fail("a step");
        if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, s->child, 0, r))
            return fail("the program ended between its markers");
        if (r->rip == end)
            return 0;
        if (note(s, r))
            return 1;
    }
    fprintf(stderr, "audit_step: more than %d steps\n", MOST_STEPS);
    return 1;
}

/* The steps of audit_begin itself, up to its return, are not the scan's: its two reads are counted
 * and taken back. */
static int audit_child(struct stepper *s, uint64_t begin, uint64_t end)
{
    struct user_regs_struct r;
    if (run_to(s->child, begin, &r))
        return 1;
    uint64_t first = r.rdi, last = r.rsi;
    uint64_t back = 0;
    struct iovec local = {&back, sizeof back}, remote = {(void *)(uintptr_t)r.rsp, sizeof back};
    if (process_vm_readv(s->child, &local, 1, &remote, 1, 0) != (ssize_t)sizeof back)
        return fail("the stack");
    if (run_to(s->child, back, &r))
        return 1;
    if (audit_open(&s->audit, first, last + 1))
        return fail("memory");
    int rc = note(s, &r) || step_to(s, end, &r);
    if (rc == 0) {
        printf("vague=%" PRIu64 " ", s->vague);
        audit_print(&s->audit, stdout);
    }
    free(s->audit.bytes);
    return rc;
}

int main(int argc, char **argv)
{
    static struct stepper s;
    int status;
    if (argc < 4) {
        fprintf(stderr, "audit_step: BEGIN-ADDRESS END-ADDRESS PROGRAM ARGUMENTS...\n");
        return 1;
    }
    ZydisDecoderInit(&s.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    s.child = fork();
    if (s.child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
            execv(argv[3], argv + 3);
        _exit(77);
    }
    if (s.child < 0 || waitpid(s.child, &status, 0) != s.child)
        return fail("a child");
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "audit_step: this process may not trace its child, or %s cannot start\n",
                argv[3]);
        return 77;
    }
    int rc = audit_child(&s, strtoull(argv[1], NULL, 16), strtoull(argv[2], NULL, 16));
    kill(s.child, SIGKILL);
    waitpid(s.child, &status, 0);
    return rc;
}
