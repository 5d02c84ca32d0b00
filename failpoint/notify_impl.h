/*
 * notify_impl.h - what the files of the notify tier share; notify.h is the manual.
 *
 * Compiled with FAILPOINT_ON_BEHALF: `core` is the process that the calling thread serves.
 */
#ifndef FAILPOINT_NOTIFY_IMPL_H
#define FAILPOINT_NOTIFY_IMPL_H

#include <linux/filter.h>
#include <linux/limits.h>
#include <linux/seccomp.h>
#include <sys/socket.h>

#include "failpoint/core.h"
#include "failpoint/notify.h"

enum { NUMBER_MAX = 512 }; /* system calls */

/* ---- notify_row.c ---- */

/* Which argument of the system call is what: 0 to 5, or -1. */
struct notify_row {
	int8_t fd, dirfd, path, dirfd2, path2, flags, address, address_length;
	int8_t buffer, length, offset; /* of the bytes it moves */
	int8_t vector, count;          /* an array of struct iovec */
	int8_t message;                /* a struct msghdr */
};
/* By call id; made by notify_rows_begin(). */
extern struct notify_row notify_rows[CALL_COUNT];
void notify_rows_begin(void);

/* ---- notify_filter.c ---- */

struct notify_calls {
	uint64_t call[CALL_MAX / 64];
	uint32_t classes;
};

/* Adds "%write,fsync"; -EINVAL with the nearest name. */
int notify_calls_add(struct notify_calls *calls, const char *text, struct why *why);
void notify_calls_add_rule(struct notify_calls *calls, const struct rule *rule);
/* The filter for them: at most size instructions. Returns how many, or -errno. */
int notify_filter_make(const struct notify_calls *calls, struct sock_filter *code, unsigned size,
		       struct why *why);
/* Can the call be seen among system calls? */
bool notify_call_is_seen(unsigned call);
/* Which call of the table a stopped system call is; -1: none. What libc makes of one kernel call,
 * such as open of openat, is taken for the one that some rule names. */
int notify_site(const struct seccomp_data *data);
/* Forgets what rules were there; cheap while the plane's version is the same. */
void notify_sites_update(void);
/* Says, once each, which live rules are about nothing that is stopped. Any thread may. */
void notify_tell_unseen(void);

/* ---- notify_target.c ---- */

struct target {
	struct core_state state; /* its slot, its node */
	struct identity identity;
	int pidfd;
	_Atomic unsigned users;
};

/* The process of a thread, counted as used; NULL: it is gone, or there is no room. Only by the
 * thread that receives. */
struct target *notify_target_find(uint32_t tid);
void notify_target_leave(struct target *target);

/* ---- One notification ---- */

struct passage {
	struct hit hit;
	struct subject subject;
	char path[SUBJECT_PATH_MAX], path2[SUBJECT_PATH_MAX]; /* the subject's */
	char name[PATH_MAX], name2[PATH_MAX];                 /* as the target wrote them */
	struct sockaddr_storage address;
	const struct seccomp_notif *notification;
	const struct notify_row *row;
	struct target *target;
	uint32_t tid;
	bool made;    /* hit.ret is a descriptor of ours that the target is to get */
	bool cloexec; /* with this flag */
};

/* The passage this thread serves now, for whose.h. */
extern __thread struct passage *notify_passage;

static inline uint64_t passage_argument(const struct passage *p, int position)
{
	return position < 0 ? 0 : p->notification->data.args[position];
}

/* ---- notify_memory.c ---- */

bool memory_read(uint32_t tid, void *to, uint64_t from, size_t size);
bool memory_write(uint32_t tid, uint64_t to, const void *from, size_t size);
/* A text and its 0; false when there is none that fits. */
bool memory_text(uint32_t tid, char *to, size_t size, uint64_t from);
/* "/proc/TID/WHAT", and with fd >= 0 "/proc/TID/WHAT/FD". */
void proc_path(char out[64], uint32_t tid, const char *what, int fd);
/* A whole small file of /proc; its length, or -errno. */
long proc_read(const char *path, char *text, size_t size);
/* The number that follows a name such as "Tgid:"; false when it isn't there. */
bool proc_field(const char *text, const char *name, unsigned skip, int base, uint64_t *number);

/* ---- notify_subject.c ---- */

extern const struct subject_ops notify_subject_ops;
/* A copy of the target's descriptor, or -errno. */
int notify_copy_fd(const struct passage *p, int fd);
/* Fills the hit from the arguments. */
void notify_fill(struct passage *p, int site);

/* ---- notify_perform.c, notify_perform_name.c ---- */

/* Could the call be made in the target's stead? */
bool notify_can_perform(const struct passage *p);
/* Makes it, with hit.len bytes; false when it could not be, and nothing was done. */
bool notify_perform(struct passage *p);
bool notify_can_perform_name(const struct passage *p);
bool notify_perform_name(struct passage *p);
void notify_note_result(struct passage *p, long result); /* a raw result into the hit */

/* ---- notify_serve.c ---- */

/* Serves notifications until the listener has no more; arg unused. */
void *notify_serve(void *arg);
/* Another thread is to receive: this one may block. */
void notify_hand_over(void);
extern int notify_listener;
/* Once there is a listener: serve on the core of the thread that waits. */
void notify_stay_near(void);

/* ---- notify_check.c ---- */

int notify_check_rule(const struct rule *rule, struct why *why);
bool notify_action_is_known(unsigned action);
/* Can the action be done to this call? */
bool notify_able(const struct passage *p, unsigned action);

/* ---- notify_guard.c ---- */

/* In the supervisor: children it has already are not the target's. */
void notify_guard_prepare(void);
/* In the go-between, before it forks: orphans come to us, and so does the supervisor's death. */
int notify_guard_begin(pid_t supervisor, struct why *why);
/* Waits for the command, ends what it leaves and exits with its status. */
_Noreturn void notify_guard(pid_t command);
/* Kills our descendants until there are none. */
void notify_kill_descendants(void);

#endif
