/*
 * Who called? The walk is compared, frame by frame, with libunwind's, from places that are hard: a
 * callback of libc, a signal handler on a stack of its own, another thread, a frame without a frame
 * pointer and of a size known only at run time. Names are compared with what the compiler made.
 */
#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "engine_support.h"

#include "failpoint/stack.h"

enum { FRAMES = 64 };

static uintptr_t ours[FRAMES], theirs[FRAMES];
static unsigned our_count, their_count;
static bool over;

static __attribute__((noinline)) unsigned walk_theirs(uintptr_t *out)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unsigned n = 0;
	unw_word_t pc;

	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	while (n < FRAMES && unw_step(&cursor) > 0) {
		unw_get_reg(&cursor, UNW_REG_IP, &pc);
		if (!pc)
			break;
		out[n++] = (uintptr_t)pc;
	}
	return n;
}

static __attribute__((noinline)) unsigned walk_ours(uintptr_t *out)
{
	struct stack_walk walk;
	unsigned n = 0;

	STACK_HERE(&walk);
	while (n < FRAMES && stack_up(&walk))
		out[n++] = walk.pc;
	over = walk.over;
	return n;
}

/* The two walks begin at different calls of one function; all after that is the same. */
static __attribute__((noinline)) void walk_both(void)
{
	our_count = walk_ours(ours);
	their_count = walk_theirs(theirs);
}

static void compare(unsigned at_least)
{
	assert_in_range(our_count, at_least, FRAMES);
	assert_true(over);
	for (unsigned i = 1; i < our_count; i++)
		if (i >= their_count || ours[i] != theirs[i])
			fail_msg("frame %u of %u: %lx, libunwind (%u) says %lx", i, our_count,
				 ours[i], their_count, i < their_count ? theirs[i] : 0);
	/* libunwind may go one step beyond the first function. */
	assert_in_range(their_count, our_count, our_count + 1);
}

static __attribute__((noinline)) int descend(int depth, int (*end)(void))
{
	volatile char *room = __builtin_alloca(16 + (size_t)depth * 16);
	int r;

	*room = (char)depth;
	r = depth ? descend(depth - 1, end) : end();
	return r + *room;
}

static int walk_here(void)
{
	walk_both();
	return 0;
}

static void a_walk_goes_as_libunwinds(void **state)
{
	(void)state;
	walk_here();
	compare(3);
	descend(20, walk_here);
	compare(23);
}

static int compare_and_walk(const void *a, const void *b)
{
	descend(3, walk_here);
	return *(const int *)a - *(const int *)b;
}

static void a_walk_leads_through_libc(void **state)
{
	int numbers[] = {3, 1, 2};

	(void)state;
	qsort(numbers, 3, sizeof(numbers[0]), compare_and_walk);
	compare(8);
}

static void walk_on_signal(int number)
{
	(void)number;
	descend(2, walk_here);
}

static int raise_signal(void)
{
	return raise(SIGUSR1);
}

static void a_walk_leads_out_of_a_signal_handler(void **state)
{
	static char room[1 << 16];
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};
	struct sigaction action = {.sa_handler = walk_on_signal};

	(void)state;
	for (int round = 0; round < 2; round++) {
		action.sa_flags = round ? SA_ONSTACK : 0;
		sigaltstack(&stack, NULL);
		sigaction(SIGUSR1, &action, NULL);
		descend(4, raise_signal);
		compare(12);
	}
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	signal(SIGUSR1, SIG_DFL);
}

static void *walk_in_thread(void *unused)
{
	descend(2, walk_here);
	return unused;
}

static void a_walk_ends_where_the_thread_began(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, walk_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	compare(5);
}

/* ---- Frames that are not there any more ---- */

static bool live, dead_lives;
static uintptr_t dead;

static __attribute__((noinline)) int look_for(uintptr_t frame)
{
	return stack_passes(frame);
}

static STACK_DOOR int ask_below(void)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	live = look_for(frame);
	dead_lives = look_for(dead);
	dead = frame;
	return live;
}

static void a_frame_is_found_while_it_lives(void **state)
{
	(void)state;
	dead = (uintptr_t)__builtin_frame_address(0) - 4096;
	ask_below();
	assert_true(live);
	assert_false(dead_lives);
	descend(10, ask_below);
	assert_true(live);
	assert_false(dead_lives);
}

/* ---- Names ---- */

static const struct {
	const char *mangled, *name;
} cplus[] = {
	{"_Z5flushv", "flush"},
	{"_ZL5flushv", "flush"},
	{"_ZN3wal4SyncEv", "wal::Sync"},
	{"_ZNK7rocksdb6DBImpl3GetERKNS_11ReadOptionsE", "rocksdb::DBImpl::Get"},
	{"_ZN12_GLOBAL__N_14syncEv", "(anonymous namespace)::sync"},
	{"_ZN3wal3LogC2Ev", "wal::Log::Log"},
	{"_ZN3wal3LogD0Ev", "wal::Log::~Log"},
	{"_ZN3wal3LogIiSt6vectorIiSaIiEEE6appendERKi", "wal::Log::append"},
	{"_ZN3wal3LogILi4EE6appendEv", "wal::Log::append"},
	{"_ZN3wal3LogILb1ENS_4PageILj16EEEE6appendEv", "wal::Log::append"},
	{"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector::push_back"},
	{"_ZSt4sortIPiEvT_S1_", "std::sort"},
	{"_ZZN3wal4SyncEvENKUlvE_clEv", "wal::Sync"},
	{"_ZN3waleqERKS_", "wal::operator"},
	{"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
	{"_ZN3wal4SyncB5cxx11Ev", "wal::Sync"},
};

static void a_mangled_name_is_read(void **state)
{
	char name[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cplus) / sizeof(cplus[0]); i++) {
		assert_true(stack_cplus_name(cplus[i].mangled, name, sizeof(name)));
		assert_string_equal(name, cplus[i].name);
	}
	assert_false(stack_cplus_name("main", name, sizeof(name)));
	assert_false(stack_cplus_name("_Z", name, sizeof(name)));
	assert_false(stack_cplus_name("_ZN", name, sizeof(name)));
}

/* Cut anywhere, and into a room that is too small: it ends, within it. */
static void a_broken_mangled_name_does_no_harm(void **state)
{
	char text[128], name[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cplus) / sizeof(cplus[0]); i++)
		for (size_t n = 2; n <= strlen(cplus[i].mangled); n++) {
			snprintf(text, sizeof(text), "%.*s", (int)n, cplus[i].mangled);
			stack_cplus_name(text, name, sizeof(name));
			assert_in_range(strlen(name), 0, sizeof(name) - 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_goes_as_libunwinds),
		cmocka_unit_test(a_walk_leads_through_libc),
		cmocka_unit_test(a_walk_leads_out_of_a_signal_handler),
		cmocka_unit_test(a_walk_ends_where_the_thread_began),
		cmocka_unit_test(a_frame_is_found_while_it_lives),
		cmocka_unit_test(a_mangled_name_is_read),
		cmocka_unit_test(a_broken_mangled_name_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
