/*
 * points_victim.c - passes through failpoints of every kind and prints what came of it.
 *
 * Compiled by points.bats as C and as C++, by every compiler there is, as a program and with a
 * shared object (-DPART) that has failpoints of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failkit/failpoint.h"

#ifdef __cplusplus
extern "C"
#endif
	int
	in_part(void);

#ifdef PART
int in_part(void)
{
	FAILPOINT_RETURN("part/commit", -1);
	return 0;
}
#else

/* Inlined into both callers: two records, one name. */
static inline int put(void)
{
	FAILPOINT_RETURN("put/commit", -EIO);
	return 0;
}

#ifdef __cplusplus
#include <string>

template <class T> T in_template(T value)
{
	FAILPOINT_RETURN("cxx/template", T());
	return value;
}

static void more(void)
{
	std::string text = in_template(std::string("text"));

	printf("template %d %s\n", in_template(5), text.c_str());
}
#else
static void more(void)
{
	printf("template 5 text\n");
}
#endif

static void once(const char *who)
{
	char buffer[100] = "";
	int failed;

	errno = ENOTTY;
	failed = FAILPOINT_ERROR("wal/append");
	printf("%s error %d %d ", who, failed, failed ? errno : 0);
	FAILPOINT("wal/after-sync");
	printf("return %d ", put());
	printf("part %d ", in_part());
	printf("buffer %d", (int)FAILPOINT_BUFFER("list/page", buffer, sizeof(buffer)));
	printf("%s\n", failed || errno == ENOTTY || errno == EIO ? "" : " errno changed");
	fflush(stdout);
}

/* Before any constructor of ours that registers failpoints may have run. */
__attribute__((constructor(101))) static void early(void)
{
	if (getenv("EARLY"))
		printf("early %d\n", put());
}

int main(void)
{
	int status;

	once("first");
	once("second");
	more();
	fflush(stdout);
	if (fork() == 0) {
		once("child");
		_exit(0);
	}
	if (wait(&status) > 0)
		printf("status %d\n", status);
	return 0;
}
#endif
