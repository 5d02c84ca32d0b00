/*
 * Goal: what other tools' rules mean is kept, and what can't be kept is refused with the reason.
 * Method: tables of texts and their native rules, which the parser reads again.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failpoint/import.h"
#include "failpoint/rule.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static int collect(void *arg, const char *native)
{
	struct rule rule;

	assert_int_equal(rule_parse(&rule, native, strlen(native), NULL), 0);
	strcat(strcat(arg, *(char *)arg ? " | " : ""), native);
	return 0;
}

static const struct {
	const char *dialect, *text, *native;
} accepted[] = {
	{"strace", "inject=fsync,write:error=EIO:when=3+2",
	 "write,fsync:per=thread = 3+2@error(EIO)"},
	{"strace", "strace -f -e inject=fsync:error=5", "fsync:per=thread = error(EIO)"},
	{"strace", "-efault=fsync", "fsync:per=thread = error!(ENOSYS)"},
	{"strace", "fault=fsync:error=EPERM:when=2", "fsync:per=thread = 2@error!(EPERM)"},
	{"strace", "inject=write:retval=0:when=2..9", "write:per=thread = 2..9@return(0)"},
	{"strace", "inject=write:signal=SIGTERM:when=3", "write:per=thread = 3@kill(SIGTERM)"},
	{"strace", "inject=fsync:delay_enter=1500", "fsync:per=thread = delay(1500us)"},
	{"strace", "inject=fsync:delay_enter=2ms:delay_exit=1s:error=EIO:when=2+",
	 "fsync:per=thread = 2+@delay(2ms),error(EIO) | fsync:at=exit:per=thread = 2+@delay(1s)"},
	{"strace", "--inject=openat:error=ENOENT", "open,openat:per=thread = error(ENOENT)"},
	{"strace", "inject=sendto:error=EPIPE -P /tmp/s",
	 "send,sendto:path=/tmp/s:per=thread = error(EPIPE)"},
	{"strace", "-P '/tmp/a b' -P /x* -e inject=pwrite64:error=EIO",
	 "pwrite:path=\"/tmp/a b\",/x\\*:per=thread = error(EIO)"},
	{"strace", "--trace-path=/a inject=%all:delay_enter=5s",
	 "%all:path=/a:per=thread = delay(5s)"},
	{"strace", "inject=read:error=EIO inject=write:error=EIO",
	 "read:per=thread = error(EIO) | write:per=thread = error(EIO)"},

	{"failrs", "put=20%3*return(1)->pause", "app/put = 20%3*return(1) -> pause"},
	{"failrs", "a/b=off;c::d=sleep(10);\n# x\n e = 1*delay(5)->off",
	 "a/b = off | app/c::d = delay(10ms) | app/e = 1*delay(5ms) -> off"},
	{"failrs", "put=panic(out; \"of\" it)", "app/put = print(\"out; \\\"of\\\" it\"),abort"},
	{"failrs", "put=panic", "app/put = print(put),abort"},
	{"failrs", "put=print", "app/put = print(put)"},
	{"failrs", "put=yield", "app/put = delay(0)"},
	{"failrs", "put=return(EIO)", "app/put = error(EIO)"},
	{"failrs", "put=return(-3)", "app/put = return(-3)"},

	{"gofail", "app/put=5*off->1%return(5)", "app/put = 5*off -> 1%return(5)"},
	{"gofail", "my/pkg/put=return(\"EIO\")", "my/pkg/put = error(EIO)"},
	{"gofail", "put=sleep(\"10ms\");get=sleep(10)",
	 "app/put = delay(10ms) | app/get = delay(10ms)"},
	{"gofail", "put=return(true);get=return(false)",
	 "app/put = return(1) | app/get = return(0)"},
	{"gofail", "put=break", "app/put = kill(SIGTRAP)"},
	{"gofail", "put=print(\"a->b;c\")", "app/put = print(\"a->b;c\")"},
	{"gofail", "put=panic", "app/put = print(put),abort"},

	{"fail9", "debug.fail_point.put=10%return(5)->2*delay(20)",
	 "app/put = 10%return(5) -> 2*delay(20ms)"},
	{"fail9", "sysctl debug.fail_point.put=\"2.1%return\"", "app/put = 2.1%return(0)"},
	{"fail9", "put=1*pause\nget=3*break->sleep(5)",
	 "app/put = 1*pause | app/get = 3*kill(SIGTRAP) -> delay(5ms)"},

	{"fiu", "enable name=posix/io/rw/write,failinfo=28", "write = error(ENOSPC)"},
	{"fiu", "enable_random name=posix/io/rw/write,failinfo=28,probability=0.1",
	 "write = 10%error(ENOSPC)"},
	{"fiu",
	 "enable_random probability=.005,name=posix/io/oc/open,failinfo=13,failnum=1,onetime",
	 "open = 0.5%1*error(EACCES)"},
	{"fiu", "enable name=posix/io/sync/*,failinfo=5", "fsync,fdatasync = error(EIO)"},
	{"fiu", "enable name=posix/io/sync/*,failinfo=1", "fsync,fdatasync = error!(EPERM)"},
	{"fiu", "enable name=storage/commit,failnum=3", "storage/commit = return(3)"},
	{"fiu", "enable name=storage/*,onetime", "storage/** = 1*return(1)"},
	{"fiu", "enable name=commit", "app/commit = return(1)"},
	{"fiu",
	 "fiu-run -x -c 'enable name=posix/io/rw/read,failinfo=5' -c \"enable name=a/b\" ls -l",
	 "read = error(EIO) | a/b = return(1)"},
	{"fiu", "fiu-ctrl -f /tmp/x -c 'enable name=posix/io/rw/read,failinfo=5' 123",
	 "read = error(EIO)"},
	{"fiu", "enable name=a/b\n# c\nenable name=c/d\n", "a/b = return(1) | c/d = return(1)"},
};

static void other_dialects_become_native_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(accepted); i++) {
		char native[2048] = "";
		struct why why = {""};

		if (import_rules(accepted[i].dialect, accepted[i].text, collect, native, &why))
			fail_msg("%s -- %s", accepted[i].text, why.text);
		if (strcmp(native, accepted[i].native) != 0)
			fail_msg("%s\n  gives %s\n  not %s", accepted[i].text, native,
				 accepted[i].native);
	}
}

static void a_wildcard_of_libfiu_is_every_call_of_ours_in_the_group(void **state)
{
	static const char *const some[] = {"fsync", "write",  "connect",
					   "open",  "rename", "recvmsg"};
	char native[2048] = "";

	(void)state;
	assert_int_equal(import_rules("fiu",
				      "enable_random name=posix/io/*,failinfo=5,probability=.05",
				      collect, native, NULL),
			 0);
	for (size_t i = 0; i < LENGTH(some); i++)
		assert_non_null(strstr(native, some[i]));
	assert_non_null(strstr(native, " = 5%error!(EIO)"));
}

static const struct {
	const char *dialect, *text, *says;
} refused[] = {
	{"strase", "", "unknown dialect \"strase\", did you mean \"strace\"?"},
	{"strace", "", "strace: there is no rule in \"\""},
	{"strace", "inject=fsync", "injects nothing"},
	{"strace", "-e trace=fsync", "\"trace=fsync\" injects nothing"},
	{"strace", "-o x inject=fsync:error=EIO", "\"-o\" injects nothing"},
	{"strace", "inject=fsycn:error=EIO", "\"fsycn\" is no call that failkit intercepts"},
	{"strace", "inject=/sync:error=EIO", "\"/sync\" is a pattern over system calls"},
	{"strace", "inject=!fsync:error=EIO", "\"!fsync\" is a pattern"},
	{"strace", "inject=%network:error=EIO", "\"%network\" holds other calls"},
	{"strace", "inject=fsync:error=EFOO", "\"EFOO\" is no errno"},
	{"strace", "inject=write:error=EIO:retval=3", "\"3\" is a second result"},
	{"strace", "inject=write:retval=-1", "a call reports failure by its errno"},
	{"strace", "inject=write:syscall=getpid", "\"getpid\" would run instead"},
	{"strace", "inject=write:poke_enter=@arg1=00", "would be written to memory"},
	{"strace", "inject=write:signal=SIGFOO", "unknown signal \"SIGFOO\""},
	{"strace", "inject=write:error=EIO:when=0", "wants first[..last][+[step]]"},
	{"strace", "inject=write:error=EIO:when=5%1", "\"5%1\" is no when= expression"},
	{"strace", "inject=write:errno=EIO", "\"errno=EIO\" is no option"},
	{"strace", "-P x inject=write:error=EIO", "\"x\" depends on the folder"},

	{"failrs", "put", "\"put\" wants NAME=TERMS"},
	{"failrs", "put=boom", "\"boom\" is no action of this tool"},
	{"failrs", "put=break", "\"break\" is no action of this tool"},
	{"failrs", "put=return", "\"return\" has no value here"},
	{"failrs", "put=return(abc)", "\"abc\" can't be returned"},
	{"failrs", "put=sleep(x)", "\"x\" is no duration"},
	{"failrs", "put=sleep(1", "wants \")\" at its end"},
	{"failrs", "put=off->return(1)", "a term without a count or chance"},
	{"failrs", "put=2*3*off", "\"*\" twice in one term"},
	{"failrs", "put=", "\"\" is no action of this tool"},
	{"failrs", "a b=off", "\"a b\" is no name for a failpoint"},
	{"failrs", "put=pause(3)", "\"3\" is an argument too many"},
	{"gofail", "app/put=5*off->1%return(\"x\")", "\"\"x\"\" can't be returned"},
	{"gofail", "put=pause", "\"pause\" is no action of this tool"},
	{"gofail", "put=sleep(\"1m30s\")", "is no duration"},
	{"fail9", "put=return(5)[pid 12]", "is for one process"},

	{"fiu", "enable name=posix/io/rw/write", "leaves the errno to libfiu's dice"},
	{"fiu", "enable name=posix/io/rw/write/reduce,failinfo=5",
	 "is no call that failkit intercepts"},
	{"fiu", "enable name=libc/mm/nothing,failinfo=12", "is no call that failkit intercepts"},
	{"fiu", "enable name=posix/io/rw/write,failinfo=5,failnum=0", "never fails"},
	{"fiu", "enable_stack_by_name name=a/b,func_name=f", "needs the clause stack="},
	{"fiu", "enable_stack name=a/b", "needs the clause stack="},
	{"fiu", "disable name=a/b", "failctl rm"},
	{"fiu", "enabel name=a/b", "\"enabel\" is no command of libfiu"},
	{"fiu", "enable failnum=1", "wants name="},
	{"fiu", "enable name=a/b,foo=1", "\"foo=1\" is no parameter"},
	{"fiu", "enable name=a/b,failinfo=1", "has a failinfo"},
	{"fiu", "enable name=a/b,failnum=x", "\"x\" is no number"},
	{"fiu", "enable name=a/b,probability=0.5", "must have a probability="},
	{"fiu", "enable_random name=a/b", "must have a probability="},
	{"fiu", "enable_random name=a/b,probability=2", "is no probability"},
	{"fiu", "fiu-run -q x", "\"-q\" is no option known here"},
};

static void what_cannot_be_kept_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(refused); i++) {
		char native[2048] = "";
		struct why why = {""};

		if (!import_rules(refused[i].dialect, refused[i].text, collect, native, &why))
			fail_msg("%s gives %s", refused[i].text, native);
		if (!strstr(why.text, refused[i].says))
			fail_msg("%s\n  says %s\n  not %s", refused[i].text, why.text,
				 refused[i].says);
		assert_string_equal(native, "");
		assert_int_not_equal(
			import_rules(refused[i].dialect, refused[i].text, collect, native, NULL),
			0);
	}
}

static int stop(void *arg, const char *native)
{
	(void)native;
	++*(int *)arg;
	return -EBUSY;
}

static void the_callers_answer_ends_it(void **state)
{
	int times = 0;

	(void)state;
	assert_int_equal(import_rules("failrs", "a=off;b=off", stop, &times, NULL), -EBUSY);
	assert_int_equal(times, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_dialects_become_native_rules),
		cmocka_unit_test(a_wildcard_of_libfiu_is_every_call_of_ours_in_the_group),
		cmocka_unit_test(what_cannot_be_kept_is_refused_with_the_reason),
		cmocka_unit_test(the_callers_answer_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
