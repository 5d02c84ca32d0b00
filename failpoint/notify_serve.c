/*
 * notify_serve.c - one notification, from RECV to SEND; see notify.h.
 *
 * A call that no rule could match goes on at once. Else the engine is asked, and what it answers is
 * one of three things:
 *
 *     a result        it is sent, the call is not made
 *     go on           the target makes the call itself
 *     with less, or   we make it, ask the engine about the result, and send that; where we can't,
 *     and ask after   the target does
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "failpoint/notify_impl.h"

/* The most threads that serve; each takes STACK_BYTES of address space. */
enum { THREADS_MAX = 512, STACK_BYTES = 512 * 1024, FOLLOW_EVERY = 256 };

int notify_listener = -1;

/* ---- Who receives ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static unsigned thread_count = 1, idle;
static bool receiving = true; /* some thread does, or is about to */
static __thread bool is_receiver = true;

static void add_thread(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (thread_count >= THREADS_MAX)
		return;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	thread_count += pthread_create(&thread, &attributes, notify_serve, &thread_count) == 0;
	pthread_attr_destroy(&attributes);
}

/* Where no thread can be had, the first that is done receives. */
void notify_hand_over(void)
{
	if (!is_receiver)
		return;
	pthread_mutex_lock(&lock);
	receiving = is_receiver = false;
	if (idle)
		pthread_cond_signal(&turn);
	else
		add_thread();
	pthread_mutex_unlock(&lock);
}

static void become_receiver(void)
{
	if (is_receiver)
		return;
	pthread_mutex_lock(&lock);
	idle++;
	while (receiving)
		pthread_cond_wait(&turn, &lock);
	idle--;
	receiving = true;
	is_receiver = true;
	pthread_mutex_unlock(&lock);
}

/* ---- The target's core ---- */

/* Where the kernel wakes us on the core of the thread that waits, this is not needed. */
static bool follows;

/* Waking a thread on another core costs more than the whole call. */
static void follow(uint32_t tid)
{
	enum { PROCESSOR = 37 };
	char path[64], text[1024];
	uint64_t processor;
	const char *end;
	cpu_set_t one;

	proc_path(path, tid, "stat", -1);
	if (proc_read(path, text, sizeof(text)) <= 0 || !(end = strrchr(text, ')')) ||
	    !proc_field(end, ")", PROCESSOR - 1, 10, &processor) || processor >= CPU_SETSIZE)
		return;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void stay_near(uint32_t tid)
{
	static unsigned served;

	if (follows && served++ % FOLLOW_EVERY == 0)
		follow(tid);
}

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

void notify_stay_near(void)
{
	follows = ioctl(notify_listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
			SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0;
}

/* ---- Answers ---- */

static void answer(const struct passage *p, int64_t value, int error, uint32_t flags)
{
	struct seccomp_notif_resp response = {
		.id = p->notification->id, .val = value, .error = -error, .flags = flags};

	/* It fails when the thread was killed meanwhile. */
	ioctl(notify_listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void go_on(const struct passage *p)
{
	answer(p, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* The descriptor we made becomes one of the target's. */
static long give_fd(const struct passage *p)
{
	struct seccomp_notif_addfd add = {.id = p->notification->id,
					  .srcfd = (uint32_t)p->hit.ret,
					  .newfd_flags = p->cloexec ? O_CLOEXEC : 0};
	int fd = ioctl(notify_listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return fd < 0 ? -errno : fd;
}

static void answer_result(struct passage *p)
{
	answer(p, p->hit.err ? 0 : p->hit.ret, p->hit.err, 0);
}

/* The result of a call that we made: the engine may replace it, and then nobody gets what it made.
 */
static void answer_made(struct passage *p)
{
	int made = p->made ? (int)p->hit.ret : -1;

	engine_leave(&p->hit);
	if (made >= 0 && !p->hit.err && p->hit.ret == made)
		notify_note_result(p, give_fd(p));
	answer_result(p);
	if (made >= 0)
		close(made);
}

static void judge(struct passage *p)
{
	uint64_t asked = p->hit.len;
	int verdict = engine_enter(&p->hit);

	if (verdict == HIT_DONE)
		answer_result(p);
	else if ((p->hit.len != asked || p->hit.after[0] & (AFTER_WALK | AFTER_ERROR)) &&
		 notify_perform(p))
		answer_made(p);
	else
		go_on(p);
}

/* ---- Notifications ---- */

/* clone3 says in memory whether it makes a thread. */
static bool makes_thread(const struct seccomp_notif *n)
{
	uint64_t flags = 0;

	if (n->data.nr != SYS_clone3)
		return false;
	memory_read(n->pid, &flags, n->data.args[0], sizeof(flags));
	return flags & CLONE_THREAD;
}

static bool could_match(const struct target *target, int site)
{
	return atomic_load_explicit(&target->state.slot->armed[site], memory_order_acquire) != 0;
}

static void serve(struct passage *p, const struct seccomp_notif *n)
{
	int site;

	p->notification = n;
	p->tid = n->pid;
	p->made = p->cloexec = false;
	stay_near(n->pid);
	notify_sites_update();
	site = makes_thread(n) ? -1 : notify_site(&n->data);
	p->target = site >= 0 ? notify_target_find(n->pid) : NULL;
	if (!p->target) {
		go_on(p);
		return;
	}
	if (could_match(p->target, site)) {
		core_now = &p->target->state;
		notify_passage = p;
		notify_fill(p, site);
		judge(p);
		core_now = &core_base;
	} else {
		go_on(p);
	}
	notify_target_leave(p->target);
}

/* False when there will be no more. */
static bool receive(struct seccomp_notif *n)
{
	memset(n, 0, sizeof(*n));
	while (ioctl(notify_listener, SECCOMP_IOCTL_NOTIF_RECV, n) < 0) {
		if (errno != EINTR && errno != ENOENT)
			return false;
		memset(n, 0, sizeof(*n));
	}
	return true;
}

void *notify_serve(void *arg)
{
	struct seccomp_notif notification;
	struct passage passage = {0};

	is_receiver = arg == NULL;
	do
		become_receiver();
	while (receive(&notification) && (serve(&passage, &notification), true));
	return NULL;
}
