/*
 * victim_fds.c - a rule is about the file "wrong"; does a write to "right" ever meet it? Each
 * scenario first writes to a descriptor that is "wrong", so that it is known, then makes the same
 * number mean "right" in one of the ways there are, and writes there. And the other way round: a
 * number that was right and is wrong now is to fail. "victim_fds race" does it in four threads.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static int make(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	NEED(fd >= 0);
	return fd;
}

/* Fails on "wrong" and not on "right", or the scenario is reported. */
static void expect(const char *scenario, int fd, int fails)
{
	long ret = write(fd, "x", 1);

	if (fails ? ret == -1 && errno == EIO : ret == 1)
		printf("%s ok\n", scenario);
	else
		say(scenario, ret);
}

static void by_close(const char *from, const char *to, int fails)
{
	int fd = make(from), again;

	(void)!write(fd, "x", 1);
	NEED(close(fd) == 0 && (again = make(to)) == fd);
	expect("close and open", fd, fails);
	close(again);
}

static void by_number(const char *from, const char *to, int fails)
{
	int fd = make(from), again;

	(void)!write(fd, "x", 1);
	NEED(syscall(SYS_close, fd) == 0);
	again = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT, 0600);
	NEED(again == fd);
	expect("close and open by number", fd, fails);
	close(again);
}

static void by_dup2(const char *from, const char *to, int fails)
{
	int fd = make(from), other = make(to);

	(void)!write(fd, "x", 1);
	NEED(dup2(other, fd) == fd);
	expect("dup2", fd, fails);
	close(fd);
	fd = make(from);
	(void)!write(fd, "x", 1);
	NEED(dup3(other, fd, O_CLOEXEC) == fd);
	expect("dup3", fd, fails);
	close(fd);
	NEED((fd = dup(other)) >= 0);
	expect("dup", fd, fails);
	close(fd);
	NEED((fd = fcntl(other, F_DUPFD_CLOEXEC, 50)) >= 50);
	expect("F_DUPFD_CLOEXEC", fd, fails);
	close(fd);
	close(other);
}

static void by_ranges(const char *from, const char *to, int fails)
{
	int fd = make(from);

	(void)!write(fd, "x", 1);
	NEED(close_range((unsigned)fd, (unsigned)fd, 0) == 0 && make(to) == fd);
	expect("close_range", fd, fails);
	close(fd);
	fd = make(from);
	(void)!write(fd, "x", 1);
	closefrom(fd);
	NEED(make(to) == fd);
	expect("closefrom", fd, fails);
	close(fd);
}

static void by_stream(const char *from, const char *to, int fails)
{
	FILE *stream = fopen(from, "w");
	int fd;

	NEED(stream);
	fd = fileno(stream);
	(void)!write(fd, "x", 1);
	NEED(fclose(stream) == 0 && make(to) == fd);
	expect("fclose", fd, fails);
	close(fd);
	NEED(stream = fopen(from, "w"));
	fd = fileno(stream);
	(void)!write(fd, "x", 1);
	NEED(freopen(to, "w", stream) && fileno(stream) == fd);
	expect("freopen", fd, fails);
	fclose(stream);
}

/* SCM_RIGHTS: a number that arrives. */
static void by_message(const char *from, const char *to, int fails)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int pair[2], other = make(to), fd;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &other, sizeof(other));
	NEED(sendmsg(pair[0], &message, 0) == 1);
	fd = make(from);
	(void)!write(fd, "x", 1);
	/* libc closes it without telling anyone: as if another library had. */
	NEED(fclose(fdopen(fd, "w")) == 0);
	NEED(recvmsg(pair[1], &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	expect("SCM_RIGHTS", fd, fails);
	close(fd);
	close(other);
	close(pair[0]);
	close(pair[1]);
}

static void by_rename(const char *from, const char *to, int fails)
{
	int fd = make(from);

	(void)!write(fd, "x", 1);
	NEED(rename(from, to) == 0);
	expect("rename", fd, fails);
	close(fd);
}

static void all(const char *from, const char *to, int fails)
{
	by_close(from, to, fails);
	by_number(from, to, fails);
	by_dup2(from, to, fails);
	by_ranges(from, to, fails);
	by_stream(from, to, fails);
	by_message(from, to, fails);
	by_rename(from, to, fails);
}

enum { RACERS = 4, ROUNDS = 3000 };
static int missed, hit_wrongly;

/* Numbers go from thread to thread all the time, and no thread knows the others'. */
static void *race(void *number)
{
	unsigned seed = (unsigned)(uintptr_t)number;

	for (int i = 0; i < ROUNDS; i++) {
		int fails = rand_r(&seed) & 1, fd = make(fails ? "wrong" : "right");

		for (int n = 0; n < 2; n++) {
			long ret = write(fd, "x", 1);

			if (fails && ret != -1)
				__atomic_fetch_add(&missed, 1, __ATOMIC_RELAXED);
			if (!fails && ret != 1)
				__atomic_fetch_add(&hit_wrongly, 1, __ATOMIC_RELAXED);
		}
		if (rand_r(&seed) & 1)
			close(fd);
		else
			syscall(SYS_close, fd);
	}
	return NULL;
}

static void all_threads(void)
{
	pthread_t threads[RACERS];

	for (uintptr_t i = 0; i < RACERS; i++)
		NEED(pthread_create(&threads[i], NULL, race, (void *)(i + 1)) == 0);
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	printf("%d missed, %d hit wrongly\n", missed, hit_wrongly);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "race")) {
		all_threads();
		return 0;
	}
	all("wrong", "right", 0);
	all("right", "wrong", 1);
	return 0;
}
