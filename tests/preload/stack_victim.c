/*
 * stack_victim.c - who writes? Built by stacks.bats in several ways, in C and in C++, as a program
 * and (-DPART) a shared object. Each line is what a write said, by the way it was reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN __attribute__((noinline)) /* a function that stays one, and calls others */
#define STAY(r)                                              \
	do {                                                 \
		__asm__ volatile("" : "+r"(r) : : "memory"); \
		return r;                                    \
	} while (0)

#ifdef __cplusplus
extern "C" {
#endif
int part_write(int fd);
#ifdef __cplusplus
}
#endif

#ifdef PART
OWN int part_write(int fd)
{
	int r = (int)write(fd, "part", 4);

	STAY(r);
}
#else

static int fd, calls;

static void say(const char *what, int r)
{
	printf("%s %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

static OWN int log_write(const char *text)
{
	int r = (int)write(fd, text, strlen(text));

	STAY(r);
}

/* A frame whose size is known at run time only. */
static OWN int wal_append(const char *text)
{
	char *copy = (char *)__builtin_alloca(strlen(text) + 100);
	int r;

	strcpy(copy, text);
	r = log_write(copy);
	STAY(r);
}

static OWN int table_flush(const char *text)
{
	int r = log_write(text);

	STAY(r);
}

static int compare(const void *a, const void *b)
{
	if (!calls++)
		say("callback", log_write("callback"));
	return *(const int *)a - *(const int *)b;
}

static OWN int sort_numbers(void)
{
	int numbers[] = {3, 1, 2};
	int r = 0;

	qsort(numbers, 3, sizeof(numbers[0]), compare);
	STAY(r);
}

static void handle(int number)
{
	(void)number;
	say("handler", log_write("handler"));
}

static OWN int interrupted(void)
{
	int r = raise(SIGUSR1);

	STAY(r);
}

#ifdef __cplusplus
namespace store
{
template <class T> struct Wal {
	OWN int Append(T text) const
	{
		int r = log_write(text);

		STAY(r);
	}
};
namespace
{
OWN int hidden()
{
	auto inner = [] {
		int r = log_write("lambda");

		STAY(r);
	};
	int r = inner();

	STAY(r);
}
} // namespace
} // namespace store
#endif

int main(void)
{
	fd = open("log", O_CREAT | O_TRUNC | O_RDWR, 0600);
	signal(SIGUSR1, handle);
	say("append", wal_append("append"));
	say("flush", table_flush("flush"));
	sort_numbers();
	interrupted();
	say("part", part_write(fd));
#ifdef __cplusplus
	say("method", store::Wal<const char *>().Append("method"));
	say("lambda", store::hidden());
#endif
	return 0;
}
#endif
