/*
 * engine.h - what a site asks: "a thread passes here; does anything happen?"
 *
 *     wrapper (preload/)                        failpoint (lib_*.c)
 *       if (!engine_armed[CALL_fsync])            if (*site->armed)
 *           tail jump to libc's fsync                 engine_enter(), engine_leave()
 *       engine_enter(&hit)   HIT_DONE: hit.ret, hit.err are the result, do nothing
 *                            HIT_CALL: do the real call with hit.len, put the result in hit.ret/err
 *       engine_leave(&hit)   may replace hit.ret, hit.err (error_after, at=exit rules, sequences)
 *
 * Files of the core (Makefile: CORE) implement this. They run inside intercepted calls, in signal
 * handlers, in vfork children and before constructors: no malloc, no locks, no stdio, raw system
 * calls only, fixed limits, and errno is left as found (hit.err carries the answer; the wrapper
 * writes errno).
 *
 * The engine knows nothing of file descriptors or sockets. Facts about a subject are resolved by
 * whoever owns the call, through struct subject_ops, and only when a rule wants them.
 */
#ifndef FAILPOINT_ENGINE_H
#define FAILPOINT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "failpoint/calls.h"
#include "failpoint/rule.h"

enum { POINT_MAX = 1024, SITE_POINT = CALL_MAX }; /* site of point N: SITE_POINT + N */
enum { SUBJECT_PATH_MAX = 1024 };                 /* the tail of a longer path is kept */

/* One entry a call: 0 when nothing can match, else something must be asked. Points into this
 * process's slot of the plane; before attaching to a page that is raised throughout, after failing
 * open to one of zeroes. Never NULL. */
extern const uint32_t *engine_armed __attribute__((visibility("hidden")));

/* What a call is about, resolved. */
struct subject {
	const char *path;  /* absolute; NULL when there is none */
	const char *path2; /* rename's and link's "to" */
	uint8_t file;      /* enum file_kind */
	uint8_t sock;      /* enum sock_kind */
	bool datagram;     /* a socket that loses what a short call leaves */
	uint16_t peer_port, local_port;
	uint8_t peer[16], local[16]; /* IPv6, or IPv4 mapped; all zero when unknown */
	uint64_t device, inode;      /* of fd; for sockets inode is the cookie */
};

enum hit_answer { HIT_CALL, HIT_DONE };

enum { HIT_ACCOUNT_MAX = 2, HIT_FLIP_MAX = 64 };
#define HIT_NO_CLASS (UINT32_C(1) << 31) /* for hit.classes: it is of none */

/* An action that counts bytes, to be settled when the call returns: account.c. */
struct hit_account {
	void *scope;
	uint64_t bytes, limit, rule; /* reserved; the action's number; the rule's id */
	uint16_t index;
	uint8_t action, kind;
};

struct hit {
	/* Filled by the site. Fields that do not apply stay 0, fds -1. */
	uint32_t site;
	int fd, dirfd, dirfd2;
	const char *path, *path2;
	const void *address; /* struct sockaddr of connect, sendto, bind */
	uint32_t address_length;
	uint64_t len;            /* bytes asked for; engine_enter() may reduce it (short) */
	int64_t offset;          /* -1: the file's own */
	void *data;              /* the bytes in one piece, or */
	const struct iovec *iov; /* in several; only read unless they are being received */
	uint32_t iovs;
	uint32_t classes;      /* those of its call's that this hit is of; 0: all of them */
	uint64_t flags;        /* of open, send, mmap ... */
	bool can_return_value; /* a failpoint that takes return(V), error(E) */

	/* The result. */
	int64_t ret;
	int err; /* 0, or the errno that goes with ret */

	/* What is to be done to the bytes, by whoever owns the call: before writing them, or after
	 * reading them, engine_flips() says which. A datagram that was received is to be thrown
	 * away and the next one to be received: a hit of its own. */
	uint64_t corrupt_key;
	uint32_t corrupt_bits;
	bool drop;

	/* The engine's own. */
	const struct subject *subject; /* NULL until resolved */
	uint32_t after[2];             /* what engine_leave() has to do */
	int64_t after_number;
	uint32_t accounts;
	struct hit_account account[HIT_ACCOUNT_MAX];
};

struct hit_flip {
	uint64_t at; /* the byte */
	uint8_t mask;
};

/* Given by the interposer. All are called inside intercepted calls. */
struct subject_ops {
	const struct subject *(*resolve)(struct hit *hit); /* cached; cheap when known */
	bool (*verify)(
		struct hit *hit); /* before firing: is that still what the fd is? false: it was
				     stale, has been resolved anew, and is to be matched again */
	/* A number for what is remembered of the hit's fd just now, another one when that is
	 * another subject or was asked for anew; 0: nothing is. May be NULL. */
	uint64_t (*known)(const struct hit *hit);
	void (*reset)(int fd); /* make the peer of a TCP socket see RST */
	/* Can whoever owns the call do this enum action_kind to it? NULL: every one. */
	bool (*able)(const struct hit *hit, unsigned action);
	/* Its own code, in a shared object: no caller of its sites. NULL: it can't be told apart. */
	const char *code, *code_end;
};

/* Called once from a constructor or from the first passage; idempotent, may be called from several
 * engines in one process (a preloaded one and one linked in): they share the slot of (pid, start).
 * Reads FAILKIT_PLANE, FAILKIT_NODE, FAILKIT_STRICT. ops may be NULL. */
void engine_init(const struct subject_ops *ops);

/* In a new process image or a forked child, before anything else there; cheap, safe after vfork?
 * No: never in a vfork child, which shares our memory. */
void engine_forked(void);

/* Around exec: the slot is marked as executing, and unmarked when the exec failed. Both leave no
 * state in the thread, so they are safe in a vfork child. program is kept as it was given; NULL: not
 * known. */
void engine_exec_begin(const char *program);
void engine_exec_failed(void);

/* What rules can't reach, noted for the escape report (escape.c). */
void engine_bypassed(unsigned call, unsigned way); /* enum bypass_way (plane.h) */
void engine_notes_deep(void);                      /* from here on bypassed calls are counted */
void engine_notes_mapping(const char *path);       /* shared, writable, of a regular file */
void engine_notes_uring(void);                     /* an io_uring was made */
void engine_notes_program(const char *program);    /* a child is that; no exec of ours was passed */

int engine_enter(struct hit *hit); /* enum hit_answer */
void engine_leave(struct hit *hit);

/* Which bits of that many bytes corrupt() makes wrong: by offset, a byte once. */
unsigned engine_flips(const struct hit *hit, uint64_t length, struct hit_flip flips[HIT_FLIP_MAX]);

/* The address of this process's node, in host order; 0 when it has none. */
uint32_t engine_node_address(void);

/* True while this thread is inside the engine or a wrapper of ours: pass everything through. */
bool engine_inside(void);

#endif
