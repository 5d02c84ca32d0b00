/*
 * notify_target.c - whose call is it? The processes of the target, each with a slot in the plane.
 *
 * A notification names a thread. Which process that is, is looked up in /proc and remembered for a
 * second: process ids are given out in turn, so a number does not come back in that time. Only the
 * thread that receives looks; those that act hold their target by its count of users.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failpoint/notify_impl.h"

enum { TARGETS_MAX = SLOT_MAX, THREADS_MAX = 4096, STATUS_BYTES = 4096, START_TIME = 20 };
static const int64_t remembered_ns = 1000000000;

static struct target targets[TARGETS_MAX];
static struct {
	uint32_t tid;
	struct target *target;
	int64_t seen_ns;
} threads[THREADS_MAX];

__thread struct passage *notify_passage;

/* ---- Processes ---- */

static void forget(struct target *target)
{
	if (target->pidfd >= 0)
		close(target->pidfd);
	for (unsigned i = 0; i < THREADS_MAX; i++)
		if (threads[i].target == target)
			threads[i].target = NULL;
	target->identity.pid = 0;
}

static bool is_free(struct target *target)
{
	if (!target->identity.pid)
		return true;
	if (atomic_load(&target->users) || identity_may_live(&target->identity))
		return false;
	forget(target);
	return true;
}

/* The dead are looked for from the front, so few places are ever used. */
static struct target *find_room(void)
{
	for (unsigned i = 0; i < TARGETS_MAX; i++)
		if (is_free(&targets[i]))
			return &targets[i];
	return NULL;
}

static void read_comm(char comm[16], uint32_t tid)
{
	char path[64];
	long n;

	memset(comm, 0, 16);
	proc_path(path, tid, "comm", -1);
	n = proc_read(path, comm, 16);
	if (n > 0 && comm[n - 1] == '\n')
		comm[n - 1] = 0;
}

/* As it sees itself, so that libfailpoint in it has the same slot; but one in a pid namespace of its
 * own is known by our number for it. */
static bool identify(struct identity *out, uint32_t pid, uint32_t *parent)
{
	char path[64], text[1024];
	const char *end;
	uint64_t number;

	proc_path(path, pid, "stat", -1);
	if (proc_read(path, text, sizeof(text)) <= 0 || !(end = strrchr(text, ')')))
		return false;
	identity_self(out);
	out->pid = pid;
	proc_field(end, ")", 1, 10, &number);
	*parent = (uint32_t)number;
	proc_field(end, ")", START_TIME - 1, 10, &out->start_ticks);
	return true;
}

static struct target *add(const struct identity *identity, uint32_t parent)
{
	struct target *target = find_room();
	struct core_state *before = core_now;
	bool attached;

	if (!target)
		return NULL;
	target->state = core_base;
	core_now = &target->state;
	read_comm(core.comm, identity->pid);
	attached = slot_attach_as(identity, parent);
	core_now = before;
	if (!attached)
		return NULL;
	target->pidfd = (int)raw_syscall(SYS_pidfd_open, identity->pid, 0, 0, 0, 0, 0);
	target->identity = *identity;
	return target;
}

static struct target *find_process(uint32_t pid)
{
	static bool said;
	struct identity identity;
	struct target *target;
	uint32_t parent;

	if (!identify(&identity, pid, &parent))
		return NULL;
	for (unsigned i = 0; i < TARGETS_MAX; i++)
		if (memcmp(&targets[i].identity, &identity, sizeof(identity)) == 0)
			return &targets[i];
	target = add(&identity, parent);
	if (!target && !said)
		attach_say("notify tier", "no slot is free: too many processes; nothing is "
					  "injected in some");
	said |= !target;
	return target;
}

/* A process may become another program. */
static void refresh(struct target *target)
{
	char comm[16];

	read_comm(comm, target->identity.pid);
	if (memcmp(comm, target->state.comm, sizeof(comm)) == 0)
		return;
	if (atomic_load(&target->users) == 0)
		memcpy(target->state.comm, comm, sizeof(comm));
	memcpy(target->state.slot->comm, comm, sizeof(comm));
}

static struct target *look_up(uint32_t tid)
{
	char path[64], text[STATUS_BYTES];
	struct target *target;
	uint64_t pid;

	proc_path(path, tid, "status", -1);
	if (proc_read(path, text, sizeof(text)) <= 0 || !proc_field(text, "Tgid:", 0, 10, &pid))
		return NULL;
	target = find_process((uint32_t)pid);
	if (target)
		refresh(target);
	return target;
}

struct target *notify_target_find(uint32_t tid)
{
	unsigned i = tid % THREADS_MAX;
	int64_t now = raw_now_ns();

	if (threads[i].tid != tid || !threads[i].target ||
	    now - threads[i].seen_ns > remembered_ns) {
		threads[i].target = look_up(tid);
		threads[i].tid = tid;
		threads[i].seen_ns = now;
	}
	if (threads[i].target)
		atomic_fetch_add(&threads[i].target->users, 1);
	return threads[i].target;
}

void notify_target_leave(struct target *target)
{
	atomic_fetch_sub(&target->users, 1);
}

/* ---- whose.h ---- */

uint32_t whose_pid(void)
{
	return core.pid;
}

uint32_t whose_tid(void)
{
	return notify_passage->tid;
}

void whose_thread_name(char name[16])
{
	read_comm(name, notify_passage->tid);
}

bool whose_fd_is_open(int fd)
{
	struct statx st;
	char path[64];

	proc_path(path, notify_passage->tid, "fd", fd);
	return fd >= 0 && raw_syscall(SYS_statx, AT_FDCWD, (long)path, AT_SYMLINK_NOFOLLOW, 0,
				      (long)&st, 0) == 0;
}

int64_t whose_tell(int fd)
{
	char path[64], text[STATUS_BYTES];
	uint64_t at;

	proc_path(path, notify_passage->tid, "fdinfo", fd);
	if (proc_read(path, text, sizeof(text)) <= 0 || !proc_field(text, "pos:", 0, 10, &at))
		return -EBADF;
	return (int64_t)at;
}

void whose_signal(int signal)
{
	raw_kill(core.pid, signal);
}

void whose_kill(void)
{
	whose_signal(SIGKILL);
}

/* A program that catches the signal ends in its own way; one that won't hear it is killed. */
void whose_abort(void)
{
	char path[64], text[STATUS_BYTES];
	uint64_t blocked = 0, ignored = 0;

	proc_path(path, notify_passage->tid, "status", -1);
	if (proc_read(path, text, sizeof(text)) > 0) {
		proc_field(text, "SigBlk:", 0, 16, &blocked);
		proc_field(text, "SigIgn:", 0, 16, &ignored);
	}
	if ((blocked | ignored) >> (SIGABRT - 1) & 1)
		whose_kill();
	else
		raw_syscall(SYS_tgkill, core.pid, notify_passage->tid, SIGABRT, 0, 0, 0);
}

void whose_sleep(void)
{
	notify_hand_over();
}
