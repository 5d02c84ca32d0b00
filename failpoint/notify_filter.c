/*
 * notify_filter.c - which system calls are stopped, and which call of the table a stopped one is.
 * See notify_impl.h.
 *
 * libc makes one system call of several functions: open() is an openat from the working directory,
 * send() a sendto without an address. Rules are written with either name, so such a system call is
 * the one that some rule names; and its own where none does, or only a class.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

#include "failpoint/names.h"
#include "failpoint/notify_impl.h"

const char notify_calls_default[] = "%write,%sync,%send,%connect,%space,open,openat,creat,rename,"
				    "renameat,renameat2,unlink,unlinkat";

enum { NO_NUMBER = -1 };
#ifndef SYS_fork
#define SYS_fork  NO_NUMBER
#define SYS_vfork NO_NUMBER
#endif

/* ---- One system call, several names ---- */

static bool from_here(const uint64_t a[6])
{
	return (int)a[0] == AT_FDCWD;
}

static bool from_here_both(const uint64_t a[6])
{
	return (int)a[0] == AT_FDCWD && (int)a[2] == AT_FDCWD;
}

static bool renames_plainly(const uint64_t a[6])
{
	return from_here_both(a) && a[4] == 0;
}

static bool renames_at(const uint64_t a[6])
{
	return a[4] == 0;
}

static bool removes_file(const uint64_t a[6])
{
	return from_here(a) && a[2] == 0;
}

static bool removes_folder(const uint64_t a[6])
{
	return from_here(a) && a[2] == AT_REMOVEDIR;
}

static bool has_no_address(const uint64_t a[6])
{
	return a[4] == 0;
}

static bool allocates_plainly(const uint64_t a[6])
{
	return a[1] == 0;
}

static bool always(const uint64_t a[6])
{
	(void)a;
	return true;
}

static const struct second_name {
	long number;
	unsigned call;
	bool (*fits)(const uint64_t arguments[6]);
} second_names[] = {
	{SYS_openat, CALL_open, from_here},
	{SYS_sendto, CALL_send, has_no_address},
	{SYS_recvfrom, CALL_recv, has_no_address},
	{SYS_unlinkat, CALL_unlink, removes_file},
	{SYS_unlinkat, CALL_rmdir, removes_folder},
	{SYS_renameat2, CALL_rename, renames_plainly},
	{SYS_renameat2, CALL_renameat, renames_at},
#ifdef SYS_renameat
	{SYS_renameat, CALL_rename, from_here_both},
#endif
	{SYS_linkat, CALL_link, from_here_both},
	{SYS_mkdirat, CALL_mkdir, from_here},
	{SYS_accept4, CALL_accept, always},
	{SYS_dup3, CALL_dup2, always},
	{SYS_fallocate, CALL_posix_fallocate, allocates_plainly},
	{SYS_clone, CALL_fork, always},
	{SYS_clone3, CALL_fork, always},
	{SYS_fork, CALL_fork, always},
	{SYS_vfork, CALL_fork, always},
};
enum { SECOND_NAMES = sizeof(second_names) / sizeof(second_names[0]) };

/* Of calls that live rules name one by one; and at which version of the plane that was seen. */
static uint64_t named[CALL_MAX / 64];
static uint32_t named_version;
static struct notify_calls stopped;        /* what the filter was made for */
static int16_t site_of_number[NUMBER_MAX]; /* id + 1 */

static bool has(const uint64_t calls[CALL_MAX / 64], unsigned call)
{
	return calls[call / 64] >> call % 64 & 1;
}

static void note_names(const struct rule *rule)
{
	for (unsigned s = 0; s < rule->steps && s < RULE_STEP_MAX; s++)
		for (unsigned w = 0; w < CALL_MAX / 64; w++)
			named[w] |= rule->step[s].calls[w] | rule->step[s].unless_calls[w];
}

void notify_sites_update(void)
{
	uint32_t version = atomic_load_explicit(&core.head->version, memory_order_acquire);

	if (version == named_version)
		return;
	named_version = version;
	memset(named, 0, sizeof(named));
	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load(&core.head->live[i / 64]) >> i % 64 & 1)
			note_names(&core.rules[i].rule);
	notify_tell_unseen();
	for (unsigned i = 0; i < CALL_COUNT; i++)
		if (call_table[i].number >= 0 && call_table[i].number < NUMBER_MAX)
			site_of_number[call_table[i].number] = (int16_t)(i + 1);
}

int notify_site(const struct seccomp_data *data)
{
	unsigned number = (unsigned)data->nr;
	int own = number < NUMBER_MAX ? site_of_number[number] - 1 : -1;

	for (unsigned i = 0; i < SECOND_NAMES; i++) {
		const struct second_name *second = &second_names[i];
		uint64_t arguments[6];

		if (second->number != data->nr || (own >= 0 && !has(named, second->call)))
			continue;
		memcpy(arguments, data->args, sizeof(arguments));
		if (second->fits(arguments))
			return (int)second->call;
	}
	return own;
}

bool notify_call_is_seen(unsigned call)
{
	if (call_table[call].number >= 0)
		return true;
	for (unsigned i = 0; i < SECOND_NAMES; i++)
		if (second_names[i].call == call)
			return true;
	return false;
}

/* ---- Which are stopped ---- */

static int add_word(struct notify_calls *calls, const char *word, struct why *why)
{
	int call = calls_find(word, strlen(word));
	uint32_t class = word[0] == '%' ? calls_class(word + 1, strlen(word + 1)) : 0;

	if (word[0] == '%' && !class)
		return names_refuse(why, -EINVAL, "class", word + 1, names_class_at, NULL);
	if (!class && call < 0)
		return names_refuse(why, -EINVAL, "call", word, names_call_at, NULL);
	if (!class && !notify_call_is_seen((unsigned)call))
		return why_set(why, -EINVAL, "--calls: \"%s\" is no system call", word);
	calls->classes |= class;
	if (!class)
		calls->call[call / 64] |= UINT64_C(1) << call % 64;
	return 0;
}

int notify_calls_add(struct notify_calls *calls, const char *text, struct why *why)
{
	char copy[1024], *word, *rest = copy;

	if (strlen(text) >= sizeof(copy))
		return why_set(why, -EINVAL, "--calls takes %zu bytes at most", sizeof(copy) - 1);
	memcpy(copy, text, strlen(text) + 1);
	while ((word = strsep(&rest, ", "))) {
		int rc = *word ? add_word(calls, word, why) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

void notify_calls_add_rule(struct notify_calls *calls, const struct rule *rule)
{
	for (unsigned s = 0; s < rule->steps; s++) {
		calls->classes |= rule->step[s].classes | rule->step[s].unless_classes;
		for (unsigned w = 0; w < CALL_MAX / 64; w++)
			calls->call[w] |= rule->step[s].calls[w] | rule->step[s].unless_calls[w];
	}
}

static bool is_chosen(const struct notify_calls *calls, unsigned call)
{
	return has(calls->call, call) || (call_table[call].classes & calls->classes) != 0;
}

static bool is_stopped(const struct rule_step *step)
{
	bool about_calls = step->classes != 0;

	for (unsigned i = 0; i < CALL_COUNT; i++) {
		bool is_named = has(step->calls, i) || (call_table[i].classes & step->classes) != 0;

		about_calls |= is_named;
		if (is_named && is_chosen(&stopped, i))
			return true;
	}
	return !about_calls;
}

static void tell_unseen(unsigned entry, const struct rule *rule)
{
	static _Atomic uint64_t told[RULE_MAX];
	uint64_t id = atomic_load(&core.rules[entry].id);
	unsigned steps = rule->steps < RULE_STEP_MAX ? rule->steps : RULE_STEP_MAX;

	for (unsigned s = 0; s < steps; s++) {
		if (is_stopped(&rule->step[s]) || !match_process(rule, &rule->step[s]) ||
		    atomic_exchange(&told[entry], id) == id)
			continue;
		attach_say(rule->name[0] ? rule->name : rule->text,
			   "the rule is about calls that are not stopped: --calls says which are");
	}
}

void notify_tell_unseen(void)
{
	for (unsigned i = 0; i < RULE_MAX; i++)
		if (atomic_load(&core.head->live[i / 64]) >> i % 64 & 1)
			tell_unseen(i, &core.rules[i].rule);
}

/* Threads are no children: their clone is left alone. */
static int stop_at(scmp_filter_ctx filter, long number)
{
	if (number < 0)
		return 0;
	if (number == SYS_clone)
		return seccomp_rule_add(filter, SCMP_ACT_NOTIFY, (int)number, 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return seccomp_rule_add(filter, SCMP_ACT_NOTIFY, (int)number, 0);
}

static int stop_at_all(scmp_filter_ctx filter, const struct notify_calls *calls)
{
	int rc = 0;

	for (unsigned i = 0; i < CALL_COUNT && !rc; i++)
		if (is_chosen(calls, i))
			rc = stop_at(filter, call_table[i].number);
	for (unsigned i = 0; i < SECOND_NAMES && !rc; i++)
		if (is_chosen(calls, second_names[i].call))
			rc = stop_at(filter, second_names[i].number);
	return rc;
}

/* libseccomp writes programs to files only. */
static int export(scmp_filter_ctx filter, struct sock_filter *code, unsigned size)
{
	int fd = (int)raw_syscall(SYS_memfd_create, (long)"filter", 0, 0, 0, 0, 0);
	ssize_t n = fd;

	if (fd >= 0) {
		n = seccomp_export_bpf(filter, fd);
		if (n == 0)
			n = pread(fd, code, size * sizeof(*code), 0);
		close(fd);
	}
	if (n > 0 && (size_t)n == size * sizeof(*code))
		n = -E2BIG;
	return n < 0 ? (int)n : (int)((size_t)n / sizeof(*code));
}

int notify_filter_make(const struct notify_calls *calls, struct sock_filter *code, unsigned size,
		       struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = -ENOMEM;

	stopped = *calls;
	if (filter)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	if (filter && !rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (filter && !rc)
		rc = stop_at_all(filter, calls);
	if (filter && !rc)
		rc = export(filter, code, size);
	if (filter)
		seccomp_release(filter);
	return rc < 0 ? why_set(why, rc, "cannot make a seccomp filter: %s", strerror(-rc)) : rc;
}
