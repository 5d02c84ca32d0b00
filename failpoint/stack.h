/*
 * stack.h - who called? The call stack of the thread that passes, inside the intercepted call.
 *
 *     stack_walk.c     from a frame to its caller: registers, memory that may be read
 *     stack_rule.c     where a caller's registers lie: .eh_frame; stack_program.c runs what it says
 *     stack_object.c   which program or shared object is at an address: /proc/self/maps
 *     stack_symbol.c   which functions are: the object's file, .symtab or .dynsym
 *     stack_cplus.c    "_ZN3wal4SyncEv" is wal::Sync
 *     stack.c          stack= and caller=
 *     stack_keep.c     the stack of a thread that pauses, by names, for failctl ps
 *
 * libunwind and libgcc take locks, in the loader and of their own, when they meet an address for the
 * first time; a child that was forked meanwhile, or a signal handler, would wait for them for ever.
 * So the tables that every compiler leaves behind for them are read here: no lock, no allocation, no
 * library to be loaded, nothing to be asked for beforehand: a rule that comes late works, too.
 *
 *     address -> rule, verdict       found once, then remembered; both caches are plain arrays
 *     first time                     /proc/self/maps is read, and the object's file: microseconds
 *
 * Where there are no tables (code made at run time) the frame pointer is followed as far as it makes
 * sense. No word of a stack is read before the kernel was asked whether its page may be: a wrong
 * step ends the walk, not the program. Stacks grow down on x86-64 and aarch64.
 */
#ifndef FAILPOINT_STACK_H
#define FAILPOINT_STACK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failpoint/core.h"

enum { STACK_FRAME_MAX = 256 }; /* of callers beyond nothing is known */

/* ---- stack_walk.c ---- */

/* A passage through a function: where it will go on, with which registers. */
struct stack_walk {
	uintptr_t pc, sp, fp;
	uintptr_t page; /* the last that was found readable */
	bool exact;     /* a signal came at pc; else a call returns there */
	bool over;      /* this is where the thread began */
};

/* The frame of the function that asks. */
#if defined(__x86_64__)
#define STACK_HERE(walk)                                                                  \
	do {                                                                              \
		(walk)->page = 1;                                                         \
		(walk)->exact = true;                                                     \
		(walk)->over = false;                                                     \
		__asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"     \
				 : "=r"((walk)->pc), "=r"((walk)->sp), "=r"((walk)->fp)); \
	} while (0)
#elif defined(__aarch64__)
#define STACK_HERE(walk)                                                                  \
	do {                                                                              \
		(walk)->page = 1;                                                         \
		(walk)->exact = true;                                                     \
		(walk)->over = false;                                                     \
		__asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29"                 \
				 : "=r"((walk)->pc), "=r"((walk)->sp), "=r"((walk)->fp)); \
	} while (0)
#endif

/* Goes to the caller; false: this was the first, or what it left can't be understood. */
CORE_HIDDEN bool stack_up(struct stack_walk *walk);
/* An address within the call, for whoever looks up what is there. */
static inline uintptr_t stack_code(const struct stack_walk *walk)
{
	return walk->exact ? walk->pc : walk->pc - 1;
}

/* ---- stack_rule.c ---- */

enum stack_base {
	BASE_NONE,
	BASE_END,
	BASE_SP,
	BASE_FP,
	BASE_AT_SP,
	BASE_AT_FP,
	BASE_SIGNAL,
	BASE_CHAIN
};
enum stack_saved { SAVED_NOT, SAVED_AT_CFA, SAVED_AT_FP };

/* cfa, the sp of the caller: base + offset, or (BASE_AT_) what lies there. */
struct stack_rule {
	uint8_t base;     /* BASE_END: there is no caller; BASE_NONE: it can't be told */
	uint8_t fp_saved; /* where the caller's frame pointer is, if it was changed */
	int32_t offset;
	int16_t fp_offset, ra_offset; /* the return address: from cfa */
};

CORE_HIDDEN struct stack_rule stack_rule_at(uintptr_t code);

/* ---- stack_object.c ---- */

struct stack_object {
	uintptr_t base; /* where its ELF header is; 0: no object, but memory without a name */
	uintptr_t bias; /* address - what the file says */
	uintptr_t end;
	uintptr_t frames;    /* .eh_frame_hdr, 0: none */
	char path[PATH_MAX]; /* absolute; "[vdso]" */
};

/* Memory for what is looked up once; it is big, so it never lies on a stack. */
struct stack_scratch {
	struct stack_object object;
	char text[8192];
	char name[1024];
};

CORE_HIDDEN void *stack_map(size_t size, int flags, int fd); /* NULL: no memory */
CORE_HIDDEN void stack_unmap(const void *mapping, size_t size);
CORE_HIDDEN struct stack_scratch *stack_scratch_take(void); /* NULL: no memory */
CORE_HIDDEN void stack_scratch_give(struct stack_scratch *scratch);
/* Fills scratch->object; false: nothing is mapped there from a file. */
CORE_HIDDEN bool stack_object_at(struct stack_scratch *scratch, uintptr_t address);
/* Fills object.path; false: no file is mapped there shared and writable. */
CORE_HIDDEN bool stack_shared_file_at(struct stack_scratch *scratch, uintptr_t address);

/* ---- stack_symbol.c ---- */

/* Gives each name of the function at the address, with the distance from its beginning, until one
 * is taken: returns whether one was. */
typedef bool stack_name_fn(void *arg, const char *name, uint64_t distance);
CORE_HIDDEN bool stack_symbols_at(struct stack_scratch *scratch, uintptr_t address,
				  stack_name_fn *take, void *arg);

/* ---- stack_cplus.c ---- */

/* Writes the qualified name, without parameters and template arguments: "rocksdb::DBImpl::Write".
 * False: it is no mangled name of a function, or one too odd. */
CORE_HIDDEN bool stack_cplus_name(const char *mangled, char *out, size_t size);

/* ---- stack.c ---- */

/* Does a function on the stack have a name that fits; is the caller's object one that does? fits
 * gets a path or a name, text is what the rule says; the answer for each address is remembered, so
 * it must depend on nothing else. */
struct stack_pattern {
	const void *arg;
	bool (*fits)(const void *arg, const char *text);
	uint64_t key; /* of what fits() would answer */
};
CORE_HIDDEN bool stack_has(const struct hit *hit, const struct stack_pattern *pattern);
CORE_HIDDEN bool stack_caller_is(const struct hit *hit, const struct stack_pattern *pattern);

/* Goes from the walk's frame, which is deeper than the hit, to the one that called the site. A hit
 * lies in a frame of whoever owns the site. */
CORE_HIDDEN bool stack_leave_engine(struct stack_walk *walk, const struct hit *hit);

/* A function that must be known again on the stack: they stand side by side. */
#define STACK_DOOR __attribute__((noinline, section("failkit_doors")))

/* Is the frame of a door, whose __builtin_frame_address(0) that was, still below us? True also when
 * that can't be told. */
CORE_HIDDEN bool stack_passes(uintptr_t frame);

/* ---- stack_keep.c ---- */

/* Leaves this thread's stack where its cell leads to; not when there is no room. Drop is for whoever
 * owns the cell. */
CORE_HIDDEN void stack_keep(struct plane_cell *cell, const struct hit *hit);
CORE_HIDDEN void stack_drop(struct plane_cell *cell);

/* An object went: what was known about its addresses is no more. */
CORE_HIDDEN extern _Atomic uint32_t stack_generation;

#endif
