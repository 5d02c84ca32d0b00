/*
 * calls.h - the table of interposed calls (calls.def), as numbers and facts.
 *
 * calls.def is read many times: here for ids and facts, in preload/ for wrappers, real pointers and
 * the export map, by the docs and by the tests. A call is an operation: its 64-bit and fortified
 * twins are ALIAS rows and share its id, so that a rule about pwrite covers pwrite64.
 *
 * The class of a call may depend on its subject: a write on a socket is %send, on a file %write.
 * Such rows carry both bits, and match.c refines them once the kind of the fd is known.
 *
 * Everything here is constant data: usable anywhere, also inside an intercepted call.
 */
#ifndef FAILPOINT_CALLS_H
#define FAILPOINT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALL_MAX = 512 };

enum call_id {
#define CALL(name, ...)   CALL_##name,
#define CUSTOM(name, ...) CALL_##name,
#define ALIAS(alias, name)
#include "calls.def"
#undef CALL
#undef CUSTOM
#undef ALIAS
	CALL_COUNT
};

/*
 * Classes, as a mask. CLASS_ALL is what reaches the kernel: memory, and the streams that libc keeps
 * in it, are meant only when they are named.
 */
enum {
	CLASS_WRITE = 1 << 0,
	CLASS_READ = 1 << 1,
	CLASS_SYNC = 1 << 2,
	CLASS_SEND = 1 << 3,
	CLASS_RECV = 1 << 4,
	CLASS_CONNECT = 1 << 5,
	CLASS_SPACE = 1 << 6,
	CLASS_META = 1 << 7,
	CLASS_CLOCK = 1 << 8,
	CLASS_ALL = (1 << 9) - 1,
	CLASS_ALLOC = 1 << 9,
	CLASS_STDIO = 1 << 10,
	CLASS_EVERY = (1 << 11) - 1,
};

enum call_fails {
	FAILS_MINUS1, /* returns -1 and sets errno */
	FAILS_ERRNUM, /* returns the errno itself, 0 on success: posix_fallocate */
	FAILS_NULL,   /* returns NULL and sets errno */
	FAILS_ZERO,   /* returns 0 and sets errno: fwrite */
	FAILS_EAI,    /* returns a code of its own that says the same: getaddrinfo */
	FAILS_NEVER,  /* has no way to report failure */
};

/* What a call is about; which fields of struct hit (engine.h) its wrapper fills. */
enum call_subject {
	SUBJECT_NONE,
	SUBJECT_FD,
	SUBJECT_MAPPING, /* a descriptor, or -1 for plain memory */
	SUBJECT_PATH,    /* path relative to dirfd (AT_FDCWD when it has none) */
	SUBJECT_PATHS,   /* from: path, dirfd; to: path2, dirfd2 */
};

struct call_info {
	const char *name;
	uint32_t classes;
	uint8_t fails;          /* enum call_fails */
	uint8_t subject;        /* enum call_subject */
	bool amount;            /* moves bytes: short() applies, len= means something */
	bool makes;             /* success can't be made up: lie does not apply */
	bool network;           /* refuse, reset apply */
	long number;            /* its system call, -1 for none */
	const uint16_t *errnos; /* what it may legally fail with, 0 ends the list */
};

extern const struct call_info call_table[CALL_COUNT];

struct call_alias {
	const char *alias;
	uint16_t call;
};
extern const struct call_alias call_aliases[]; /* ends with a NULL alias */

/* The id of a call or of one of its aliases, -1 when there is none. */
int calls_find(const char *name, size_t length);

/* The bit of a class named without its "%", 0 when there is none; and back. */
uint32_t calls_class(const char *name, size_t length);
const char *calls_class_name(uint32_t bit);

bool calls_errno_is_legal(unsigned call, int error);

/* "EIO" -> EIO, 0 when unknown; and back, NULL when unknown. A portable table, no locale. */
int calls_errno(const char *name, size_t length);
const char *calls_errno_name(int error);

/* The i-th name known (calls, then aliases), NULL after the last: for near misses and completions.
 */
const char *calls_name_at(size_t i);

/* A hash over names, ids and facts: equal when both sides mean the same by an id. */
uint64_t calls_hash(void);

#endif
