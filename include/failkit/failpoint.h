/*
 * failpoint.h - places in your own program that failkit can make fail.
 *
 *     FAILPOINT("wal/after-sync");                     act only: delay, pause, kill, print
 *     if (FAILPOINT_ERROR("wal/append")) return -1;    errno is set, true when an error was injected
 *     FAILPOINT_RETURN("put/commit", -EIO);            return: the rule's value or this default
 *     n = FAILPOINT_BUFFER("list/page", buf, n);       the length to go on with; maybe corrupted
 *
 * A name is one string literal that contains a "/"; keep to letters, digits and _ . - /. As long as
 * no rule is about it, a failpoint is a load, a test and a branch. Rules come from the plane that
 * FAILKIT_PLANE names (failctl run, failrun), or, for a program on its own, from FAILPOINTS:
 *
 *     FAILPOINTS='put/commit = 5*off->1%error(EIO); wal/sync = delay(20ms)' ./my-server
 *
 * What a rule can do where:
 *
 *     FAILPOINT           delay pause kill abort exit print
 *     FAILPOINT_ERROR     these, and error(E); return(V): true unless V is 0, errno untouched
 *     FAILPOINT_RETURN    these, and return(V): the function returns V; error(E): it returns the
 *                         default with errno set. In C++ a value that is no number is never
 *                         converted: the default is returned.
 *     FAILPOINT_BUFFER    these, and short(N): 1 to length - 1; corrupt(bits=N): in the buffer
 *
 * An action that a place can't do is not applied there and spends nothing.
 *
 * C and C++, gcc and clang, in inline and template functions, programs and shared objects. Link
 * with -lfailpoint. -DFAILPOINT_DISABLE compiles all of it to nothing.
 */
#ifndef FAILKIT_FAILPOINT_H
#define FAILKIT_FAILPOINT_H

#ifdef FAILPOINT_DISABLE
#define FAILPOINT(name)                        ((void)0)
#define FAILPOINT_ERROR(name)                  (0)
#define FAILPOINT_RETURN(name, value)          ((void)0)
#define FAILPOINT_BUFFER(name, buffer, length) (length)
#else

#include <stddef.h>

#ifdef __cplusplus
#include <type_traits>
extern "C" {
#endif

/*
 * What each failpoint leaves behind: a record in the section failkit_points, and its name, ended by
 * a 0, in failkit_names, where `failctl points PROGRAM` finds it. Assembler writes both: an
 * attribute on a static variable does not compile in C++'s inline and template functions.
 */
struct failpoint_site {
	const unsigned *armed; /* 0 there: pass. At first it points to `raised` below */
	long long name;        /* the name lies that far from this field */
	unsigned raised;
	unsigned id; /* index + 1 in the plane, 0: none yet */
	unsigned kind, line;
};

enum failpoint_kind { FAILPOINT_ACTS, FAILPOINT_FAILS, FAILPOINT_RETURNS, FAILPOINT_SHORTENS };

/* One a program or shared object: its records, linked into libfailpoint's list while it is loaded.
 */
struct failpoint_module {
	struct failpoint_site *begin, *end;
	struct failpoint_module *next;
	unsigned registered;
};

void failpoint_register(struct failpoint_module *module);
void failpoint_unregister(struct failpoint_module *module);

/* The way of an armed failpoint; one function a kind. */
void failpoint_act(struct failpoint_site *site);
int failpoint_fails(struct failpoint_site *site);
int failpoint_returns(struct failpoint_site *site, long long *value); /* 1: the default, 2: value */
size_t failpoint_damages(struct failpoint_site *site, void *buffer, size_t length);

#ifndef FAILPOINT_NO_MODULE /* libfailpoint itself */
extern struct failpoint_site failpoint_begin[] __asm__("__start_failkit_points")
	__attribute__((weak, visibility("hidden")));
extern struct failpoint_site failpoint_end[] __asm__("__stop_failkit_points")
	__attribute__((weak, visibility("hidden")));

/* Every source file has this; the linker keeps one for the module. */
__attribute__((weak, visibility("hidden"))) struct failpoint_module failpoint_module = {
	failpoint_begin, failpoint_end, NULL, 0};

__attribute__((constructor)) static void failpoint_load(void)
{
	failpoint_register(&failpoint_module);
}

__attribute__((destructor)) static void failpoint_unload(void)
{
	failpoint_unregister(&failpoint_module);
}
#endif

#ifdef __cplusplus
}
#endif

#define FAILPOINT_TEXT__(text) #text
#define FAILPOINT_TEXT_(text)  FAILPOINT_TEXT__(text)

#define FAILPOINT_RECORD_(name, kind)                                             \
	".pushsection failkit_names,\"a\",@progbits\n"                            \
	"661: .asciz " FAILPOINT_TEXT_(                                           \
		name) "\n"                                                        \
		      ".popsection\n"                                             \
		      ".pushsection failkit_points,\"aw\",@progbits\n"            \
		      ".balign 8\n"                                               \
		      "660: .8byte 660b + 16\n"                                   \
		      ".8byte 661b - .\n"                                         \
		      ".4byte 1, 0, " FAILPOINT_TEXT_(kind) ", " FAILPOINT_TEXT_( \
			      __LINE__) "\n"                                      \
					".popsection\n"

/* Is it armed? Sets site. Four instructions with the branch on x86-64. */
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
#define FAILPOINT_PASS_(name, kind, site, out)                                  \
	const void *site##word;                                                 \
	__asm__ volatile(FAILPOINT_RECORD_(name, kind) "leaq 660b(%%rip), %1\n" \
						       "movq (%1), %2\n"        \
						       "cmpl $0, (%2)"          \
			 : "=@ccne"(out), "=&r"(site), "=&r"(site##word)        \
			 :                                                      \
			 : "memory")
#elif defined(__x86_64__)
#define FAILPOINT_PASS_(name, kind, site, out)                                               \
	__asm__ volatile(FAILPOINT_RECORD_(name, kind) "leaq 660b(%%rip), %0" : "=r"(site)); \
	out = __atomic_load_n(site->armed, __ATOMIC_RELAXED) != 0
#elif defined(__aarch64__)
#define FAILPOINT_PASS_(name, kind, site, out)                                  \
	__asm__ volatile(FAILPOINT_RECORD_(name, kind) "adrp %0, 660b\n"        \
						       "add %0, %0, :lo12:660b" \
			 : "=r"(site));                                         \
	out = __atomic_load_n(site->armed, __ATOMIC_RELAXED) != 0
#else
#error "failpoints know x86-64 and aarch64; compile with -DFAILPOINT_DISABLE elsewhere"
#endif

#define FAILPOINT_SITE_(name, kind)             \
	struct failpoint_site *failpoint_site_; \
	int failpoint_armed_;                   \
	FAILPOINT_PASS_(name, kind, failpoint_site_, failpoint_armed_)

#define FAILPOINT_IS_ARMED_ __builtin_expect(failpoint_armed_, 0)

#define FAILPOINT(name)                                 \
	__extension__({                                 \
		FAILPOINT_SITE_(name, 0);               \
		if (FAILPOINT_IS_ARMED_)                \
			failpoint_act(failpoint_site_); \
		(void)0;                                \
	})

#define FAILPOINT_ERROR(name)                                               \
	__extension__({                                                     \
		FAILPOINT_SITE_(name, 1);                                   \
		FAILPOINT_IS_ARMED_ ? failpoint_fails(failpoint_site_) : 0; \
	})

#define FAILPOINT_RETURN(name, value)                                                  \
	do {                                                                           \
		FAILPOINT_SITE_(name, 2);                                              \
		if (FAILPOINT_IS_ARMED_) {                                             \
			long long failpoint_value_ = 0;                                \
			int failpoint_how_ =                                           \
				failpoint_returns(failpoint_site_, &failpoint_value_); \
			if (failpoint_how_ == 2)                                       \
				return FAILPOINT_CONVERT_(failpoint_value_, value);    \
			if (failpoint_how_)                                            \
				return value;                                          \
		}                                                                      \
	} while (0)

#define FAILPOINT_BUFFER(name, buffer, length)                                            \
	__extension__({                                                                   \
		size_t failpoint_length_ = (length);                                      \
		FAILPOINT_SITE_(name, 3);                                                 \
		FAILPOINT_IS_ARMED_                                                       \
		? failpoint_damages(failpoint_site_, (void *)(buffer), failpoint_length_) \
		: failpoint_length_;                                                      \
	})

#ifdef __cplusplus
template <class T, bool number = std::is_arithmetic<T>::value || std::is_enum<T>::value>
struct failpoint_convert {
	static T from(long long value, const T &)
	{
		return static_cast<T>(value);
	}
};
template <class T> struct failpoint_convert<T, false> {
	static T from(long long, const T &other)
	{
		return other;
	}
};
template <class T> T failpoint_from(long long value, const T &other)
{
	return failpoint_convert<T>::from(value, other);
}
#define FAILPOINT_CONVERT_(number, value) failpoint_from(number, value)
#else
#define FAILPOINT_CONVERT_(number, value) ((__typeof__(value))(number))
#endif

#endif
#endif
