/*
 * calls_page.c - prints docs/calls.md, made from the table of calls: `make docs`.
 */
#include <stdio.h>
#include <string.h>

#include "failpoint/calls.c"

static const char *const fails_how[] = {
	[FAILS_MINUS1] = "-1", [FAILS_ERRNUM] = "errno",    [FAILS_NULL] = "NULL",
	[FAILS_ZERO] = "0",    [FAILS_EAI] = "an EAI code", [FAILS_NEVER] = "never",
};

static const char *const subjects[] = {
	[SUBJECT_NONE] = "",     [SUBJECT_FD] = "fd",          [SUBJECT_MAPPING] = "fd or none",
	[SUBJECT_PATH] = "path", [SUBJECT_PATHS] = "from, to",
};

static const char head[] =
	"# The calls that can fail\n"
	"\n"
	"Made from `failpoint/calls*.def` by `make docs`; `failctl calls` prints the same. Each "
	"row "
	"is one call\n"
	"as rules name it. *Also* are second names with the same meaning: 64-bit, fortified and "
	"internal ones. A\n"
	"call without a class is meant only by its name; `%all` means neither `%stdio` nor "
	"`%alloc`. A rule about\n"
	"a class leaves alone the members that can't fail with its errno.\n"
	"\n"
	"## What a program may see, and what it can't\n"
	"\n"
	"- With nothing to do the interposer makes no system call of its own and changes no "
	"argument: a test\n"
	"  compares the two under strace. Two exceptions: a connection within 127.0.0.0/8 from a "
	"node that has an\n"
	"  address is bound to it first; and a `linkat` of a descriptor is followed by asking "
	"what it is.\n"
	"- A stream that is made to fail is marked (`ferror`), a failed `fflush` has dropped what "
	"the stream held\n"
	"  and a failed `fclose` has closed: libc does so. A stream without a descriptor and "
	"`fflush(NULL)` can't be\n"
	"  made to fail. `getc_unlocked` and `putc_unlocked` that the compiler inlined are not "
	"seen.\n"
	"- A file made with `O_TMPFILE` is known as `/folder/#NUMBER` until `linkat` gives it a "
	"name, and by that\n"
	"  name from then on; a later rename is not followed.\n"
	"- `poll`, `select` and `epoll_wait` can be delayed and watched, not failed.\n"
	"- Shared memory (`shm_open`) is called by its file, `/dev/shm/NAME`; a queue or a "
	"semaphore of POSIX `/NAME`.\n"
	"- Walks of libc's own (`nftw`, `fts_read`, `glob`, `realpath`) open and read inside libc: "
	"only `--deep` sees them.\n"
	"- `getaddrinfo` fails with `EAI_AGAIN` for EAGAIN, `EAI_MEMORY` for ENOMEM, `EAI_NONAME` "
	"for ENOENT,\n"
	"  `EAI_FAIL` for EIO, else with `EAI_SYSTEM` and that errno.\n"
	"- `io_submit` is judged block by block, each about its file and as a read, a write or a "
	"sync: those before the\n"
	"  one that fails are submitted, as the kernel does. A caller that is told fewer tries "
	"again, and meets\n"
	"  the rule again. What only a completion tells (EIO, ENOSPC) it does not say: `%write = "
	"error(EIO)` leaves\n"
	"  it alone, and `failctl escapes` names it. A disk that fails such requests is one under "
	"them (dm-error,\n"
	"  dm-flakey), or `pwrite` of a store that can be told to use it.\n"
	"- `dlopen` is judged before it is done, never after: libc must see its caller.\n"
	"- What is looked up by name (`dlsym`, `dlvsym`, by any handle) is the interposer's. An "
	"older version with other\n"
	"  arguments (`pthread_cond_timedwait@GLIBC_2.2.5`) stays libc's, and a plugin's "
	"own function of that name its own.\n"
	"- A copy (`splice`, `copy_file_range`, `sendfile`, `tee`) is about what is written to.\n"
	"- `short` leaves datagrams alone, since what is left of one is lost; `short!` does not.\n"
	"- Calls without a number are not seen when made by `syscall()`: their system call is "
	"another's, or takes\n"
	"  other arguments.\n";

static const char left_head[] =
	"\n"
	"## What is left out\n"
	"\n"
	"Of the names that libc gives to programs, these might be rows and are none. A test holds "
	"libc's list of names\n"
	"against this one: what stands in neither touches nothing that lasts, no network and no "
	"clock.\n"
	"\n"
	"| names | why |\n"
	"| --- | --- |\n";

static const char table_head[] = "\n"
				 "## The rows\n"
				 "\n"
				 "| call | class | about | fails by | number | also | errors |\n"
				 "| --- | --- | --- | --- | --- | --- | --- |\n";

#define LEFT(names, why) {names, why},
static const struct {
	const char *names, *why;
} left_out[] = {
#include "docs/calls_left.def"
};

static void print_left(const char *names, const char *why)
{
	printf("| ");
	while (*names) {
		int length = (int)strcspn(names, " ");

		printf("`%.*s` ", length, names);
		names += length + (names[length] != 0);
	}
	printf("| %s |\n", why);
}

static void print_classes(uint32_t bits)
{
	for (uint32_t left = bits; left; left &= left - 1)
		printf("%s%%%s", left == bits ? "" : " ", calls_class_name(left & -left));
}

static void print_aliases(unsigned call)
{
	const char *space = "";

	for (const struct call_alias *alias = call_aliases; alias->alias; alias++) {
		if (alias->call != call)
			continue;
		printf("%s`%s`", space, alias->alias);
		space = " ";
	}
}

static void print_call(unsigned id)
{
	const struct call_info *call = &call_table[id];

	printf("| `%s` | ", call->name);
	print_classes(call->classes);
	printf(" | %s%s | %s | %s | ", subjects[call->subject],
	       call->amount ? (call->subject ? ", bytes" : "bytes") : "", fails_how[call->fails],
	       call->number >= 0 ? "yes" : "");
	print_aliases(id);
	printf(" | ");
	for (const uint16_t *error = call->errnos; *error; error++)
		printf("%s%s", error == call->errnos ? "" : " ", calls_errno_name(*error));
	printf(" |\n");
}

int main(void)
{
	fputs(head, stdout);
	fputs(left_head, stdout);
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		print_left(left_out[i].names, left_out[i].why);
	fputs(table_head, stdout);
	for (unsigned i = 0; i < CALL_COUNT; i++)
		print_call(i);
	return 0;
}
