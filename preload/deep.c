/* deep.c - see deep.h for the model. */
#include "preload/deep.h"

#include <link.h>
#include <stdlib.h>

#include "failpoint/plane.h" /* enum bypass_way */
#include "preload/call.h"
#include "preload/custom_syscall.h"
#include "preload/raw.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2 /* si_code */
#endif

bool deep_on;
uint32_t deep_pid;
bool deep_bare;

enum { SELECTOR_ALLOW = 0, SELECTOR_BLOCK = 1 };
static __thread volatile char selector = SELECTOR_BLOCK;
static __thread const struct deep_mark *own_top;
static __thread uint32_t owner; /* the thread whose TLS this is */

/* Code, as it is loaded. */
struct code {
	uintptr_t from, bytes;
};
/* This library's, where system calls are exempt; and whose calls are told apart when counted. */
static struct code text, libc_text, loader_text;

/* ---- Marks ---- */

/* Where this thread keeps its marks; NULL: nowhere. */
static const struct deep_mark **top_slot(void)
{
	if (!__atomic_load_n(&deep_bare, __ATOMIC_RELAXED) || owner == raw_gettid())
		return &own_top;
	return deep_lent_top();
}

const struct deep_mark *deep_mark_above(uintptr_t sp)
{
	const struct deep_mark **slot = top_slot(), *mark = slot ? *slot : NULL;

	while (mark && mark->self == mark) {
		if (sp < (uintptr_t)mark)
			return mark;
		mark = mark->before;
	}
	return NULL;
}

void deep_mark_begin(struct deep_mark *mark, bool trap, bool passes)
{
	const struct deep_mark **slot = top_slot();

	*mark = (struct deep_mark){NULL, deep_mark_above((uintptr_t)mark), trap, passes};
	if (!slot)
		return;
	mark->self = mark;
	*slot = mark;
}

void deep_mark_end(struct deep_mark *mark)
{
	if (mark->self != mark)
		return;
	mark->self = NULL;
	*top_slot() = mark->before;
}

const struct deep_mark *deep_mark_top(void)
{
	return own_top;
}

void deep_mark_reset(const struct deep_mark *top)
{
	own_top = top;
}

bool deep_trapped(void)
{
	const struct deep_mark *mark = deep_mark_above((uintptr_t)__builtin_frame_address(0));

	return mark && mark->trap;
}

/* A call that is system calls of libc's own: those have been judged as a whole. What merely may
 * lead to some (a fork, a command, a stream) has not. */
void deep_call_begin(unsigned site, struct deep_mark *mark)
{
	mark->self = NULL;
	if (deep_is_own(site) || (call_table[site].number < 0 && site != CALL_posix_fallocate))
		return;
	deep_mark_begin(mark, deep_trapped(), true);
}

/* ---- A trapped call ---- */

/* A wrapper answers with -1 and errno; and errno is the program's, which asked the kernel. */
static long route_judged(const struct deep_trap *t)
{
	int before = errno;
	struct deep_mark mark;
	long ret;

	deep_mark_begin(&mark, true, !deep_is_own(syscall_site(t->number)));
	ret = syscall_routed(t->number, t->argument[0], t->argument[1], t->argument[2],
			     t->argument[3], t->argument[4], t->argument[5]);
	deep_mark_end(&mark);
	if (ret == -1)
		ret = -errno;
	errno = before;
	return ret;
}

long deep_route(const struct deep_trap *t)
{
	if (syscall_is_judged(t->number))
		return route_judged(t);
	return raw_syscall(t->number, t->argument[0], t->argument[1], t->argument[2],
			   t->argument[3], t->argument[4], t->argument[5]);
}

__attribute__((used)) long deep_judge(struct deep_trap *trap)
{
	deep_guard *guard = deep_guard_of(trap->number);

	return guard ? guard(trap) : deep_route(trap);
}

static bool is_judged_already(const ucontext_t *context)
{
	const struct deep_mark *mark = deep_mark_above(deep_arch_sp(context));

	return mark && mark->passes;
}

static bool is_in(const struct code *code, uintptr_t at)
{
	return at - code->from < code->bytes;
}

/* A call that passed no name of ours. What libc does for a wrapper whose real call is left to it
 * can't be told from what it does by itself, so those are not counted. */
static void count(const ucontext_t *context, long number)
{
	uintptr_t at = deep_arch_ip(context);
	unsigned call = syscall_site(number);

	if (call == CALL_COUNT || is_judged_already(context))
		return;
	if (is_in(&loader_text, at))
		engine_bypassed(call, BYPASS_LOADER);
	else if (!is_in(&libc_text, at))
		engine_bypassed(call, BYPASS_INLINE);
	else if (deep_is_own(call))
		engine_bypassed(call, BYPASS_LIBC);
}

static void handle(int sig, siginfo_t *info, void *at)
{
	ucontext_t *context = at;
	long number = deep_arch_trap(context).number;

	(void)sig;
	if (info->si_code == SYS_USER_DISPATCH && !deep_arch_is_foreign(info))
		count(context, number);
	if (info->si_code != SYS_USER_DISPATCH)
		deep_guard_foreign(info, at);
	else if (deep_arch_is_foreign(info))
		deep_arch_call(context, deep_again_foreign);
	else if (number == SYS_rt_sigreturn)
		deep_guard_return(context);
	else if (deep_fork_way(context))
		return;
	else if (deep_guard_of(number) ||
		 (syscall_is_judged(number) && !is_judged_already(context)))
		deep_arch_call(context, deep_enter);
	else
		deep_arch_call(context, deep_again);
}

/* ---- Arming ---- */

void deep_install(void)
{
	struct {
		void (*handler)(int, siginfo_t *, void *);
		unsigned long flags;
		deep_stub *restorer;
		uint64_t mask;
	} action = {handle, SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000 /* SA_RESTORER */,
		    deep_sigreturn, ~UINT64_C(0)};

	raw(SYS_rt_sigaction, SIGSYS, &action, 0, sizeof(action.mask));
}

static long dispatch(long how, uintptr_t at, uintptr_t bytes, const volatile char *selects)
{
	return raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, how, at, bytes, selects);
}

/* Attached to a plane? Of the words that belong to no call none is ever lowered. */
static bool is_attached(void)
{
	return engine_armed[CALL_MAX - 1] != 0;
}

void deep_arm(bool shared)
{
	uint64_t only = UINT64_C(1) << (SIGSYS - 1);

	raw(SYS_rt_sigprocmask, SIG_UNBLOCK, &only, 0, sizeof(only));
	if (!shared && raw_getpid() == deep_pid)
		owner = raw_gettid();
	selector = is_attached() ? SELECTOR_BLOCK : SELECTOR_ALLOW;
	dispatch(PR_SYS_DISPATCH_ON, text.from, text.bytes, shared ? NULL : &selector);
}

/* Some address in code that is looked for, and where it was found. */
struct search {
	uintptr_t inside;
	struct code *found;
};

static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct search *search = arg;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		struct code code = {info->dlpi_addr + p->p_vaddr, p->p_memsz};

		if (p->p_type == PT_LOAD && p->p_flags & PF_X && is_in(&code, search->inside)) {
			*search->found = code;
			return 1;
		}
	}
	return 0;
}

static bool find_texts(void)
{
	struct search libc = {(uintptr_t)real_syscall, &libc_text};
	struct search loader = {(uintptr_t)_r_debug.r_brk, &loader_text};

	dl_iterate_phdr(find_code, &libc);
	dl_iterate_phdr(find_code, &loader);
	return dl_iterate_phdr(find_code, &(struct search){(uintptr_t)deep_again, &text});
}

static void say(const char *line)
{
	raw_write(2, line, raw_length(line));
}

void deep_start(void)
{
	const char *asked = getenv("FAILKIT_DEEP");

	if (!asked || !raw_equal(asked, "1") || deep_on || !is_attached())
		return;
	if (dispatch(PR_SYS_DISPATCH_OFF, 0, 0, NULL) < 0 || !find_texts()) {
		say("failkit: the deep tier needs Syscall User Dispatch, which this kernel has "
		    "not: "
		    "only calls of libc's names are seen\n");
		return;
	}
	deep_pid = raw_getpid();
	deep_own_calls();
	deep_install();
	deep_stack_make(false);
	deep_on = true;
	engine_notes_deep();
	deep_arm(false);
}
