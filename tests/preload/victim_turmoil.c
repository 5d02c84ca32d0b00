/*
 * victim_turmoil.c - 16 threads do all that makes a descriptor mean something else, as fast as they
 * can, while rules about their files come and go.
 *
 *     victim_turmoil DIR calls    writes, syncs, dup, close and reuse of a number, descriptors passed
 *                                 over sockets, fork, exec; and a failpoint
 *     victim_turmoil DIR points   the failpoint, fork and exec alone
 *     victim_turmoil DIR child    what an executed child does before it ends
 *
 * Rules are about *.hit; a *.safe must never fail, whatever number its descriptor has and whoever
 * had that number before. DIR/page (turmoil.h) counts, and tells when to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failkit/failpoint.h"
#include "tests/preload/turmoil.h"

enum { THREADS = 16 };

static struct turmoil *page;
static const char *dir, *self;
static bool calls;

static void wrong(const char *what, int number)
{
	if (atomic_fetch_add(&page->wrong, 1) == 0)
		snprintf(page->what, sizeof(page->what), "%s: %s", what, strerror(number));
}

static int open_one(int thread, const char *ending)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d.%s", dir, thread, ending);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		wrong(path, errno);
	return fd;
}

/* To a *.hit: may fail as the rules say, and may be short. */
static void write_hit(int fd)
{
	ssize_t n = pwrite(fd, "12345678", 8, 0);

	atomic_fetch_add(&page->writes, 1);
	if (n < 0 && errno == EDQUOT)
		atomic_fetch_add(&page->once, 1);
	else if (n < 0 && errno == EIO)
		atomic_fetch_add(&page->often, 1);
	else if (n <= 0)
		wrong("pwrite to a hit", errno);
}

static void write_safe(int fd)
{
	if (pwrite(fd, "12345678", 8, 0) != 8)
		wrong("pwrite to a safe", errno);
	if (fsync(fd) < 0)
		wrong("fsync of a safe", errno);
}

static void pass_point(void)
{
	atomic_fetch_add(&page->points, 1);
	if (!FAILPOINT_ERROR("turmoil/point"))
		return;
	if (errno == ENOLCK)
		atomic_fetch_add(&page->once, 1);
	else if (errno == EAGAIN)
		atomic_fetch_add(&page->often, 1);
	else
		wrong("the point", errno);
}

/* The number that was a hit is a safe a moment later, and the other way round. */
static void reuse(int thread, int *hit, int *safe)
{
	int number = *hit;

	close(*hit);
	int other = open_one(thread, "safe");
	if (other == number)
		atomic_fetch_add(&page->reused, 1);
	write_safe(other);
	if (dup2(*safe, other) < 0)
		wrong("dup2", errno);
	write_safe(other);
	close(other);
	*hit = open_one(thread, "hit");
	if (dup3(*hit, *safe, O_CLOEXEC) < 0)
		wrong("dup3", errno);
	write_hit(*safe);
	close(*safe);
	*safe = open_one(thread, "safe");
}

static void send_one(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	char byte = 'x';
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket, &message, 0) != 1)
		wrong("sendmsg", errno);
}

static int receive_one(int socket)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		wrong("recvmsg", errno);
	else
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void pass_descriptors(int hit, int safe)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		wrong("socketpair", errno);
		return;
	}
	for (int i = 0; i < 2; i++) {
		send_one(ends[0], i ? safe : hit);
		int fd = receive_one(ends[1]);
		if (i)
			write_safe(fd);
		else
			write_hit(fd);
		close(fd);
	}
	close(ends[0]);
	close(ends[1]);
	atomic_fetch_add(&page->passed, 1);
}

/* In a forked or executed child: no memory is asked for. */
static void be_child(int hit, int safe)
{
	for (int i = 0; i < 3; i++) {
		if (calls) {
			write_hit(hit);
			write_safe(safe);
		}
		pass_point();
	}
}

static void have_child(int hit, int safe, bool execute)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (execute)
			execl(self, self, dir, calls ? "child" : "child-points", NULL);
		else
			be_child(hit, safe);
		_exit(execute ? 127 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		wrong("a child", pid < 0 ? errno : status);
	atomic_fetch_add(execute ? &page->executions : &page->forks, 1);
}

static void *storm(void *arg)
{
	int thread = (int)(intptr_t)arg, hit = open_one(thread, "hit"),
	    safe = open_one(thread, "safe");

	atomic_fetch_add(&page->threads, 1);
	for (unsigned turn = (unsigned)thread; !atomic_load(&page->stop); turn++) {
		pass_point();
		if (calls) {
			write_hit(hit);
			write_safe(safe);
			if (turn % 4 == 0)
				reuse(thread, &hit, &safe);
			if (turn % 4 == 2)
				pass_descriptors(hit, safe);
		}
		if (turn % 64 == 1)
			have_child(hit, safe, false);
		if (turn % 128 == 3)
			have_child(hit, safe, true);
	}
	return NULL;
}

static void map_page(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/page", dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		exit(9);
	close(fd);
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];

	if (argc != 3)
		return 2;
	self = argv[0];
	dir = argv[1];
	calls = !strcmp(argv[2], "calls") || !strcmp(argv[2], "child");
	map_page();
	if (!strncmp(argv[2], "child", 5)) {
		be_child(open_one(THREADS, "hit"), open_one(THREADS, "safe"));
		return 0;
	}
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, storm, (void *)(intptr_t)i))
			return 9;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
