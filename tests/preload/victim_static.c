/*
 * victim_static.c - a program that nothing can be loaded into: it is linked statically.
 *
 *     victim_static file        opens x.wal, writes ten bytes to it and syncs it, twice
 *     victim_static read        reads ten bytes of the file "in" and of a socket
 *     victim_static threads N   N threads sync slow.wal; one writes fast.wal 200 times meanwhile
 *     victim_static fork        the child syncs x.wal, then the parent
 *     victim_static exec        becomes "victim_static file"
 *     victim_static net         sends over a TCP connection to itself
 *     victim_static names       makes and renames, each from a folder of its own
 *     victim_static sequence    syncs, then sends; and once more
 *     victim_static linger      leaves a child in a session of its own that writes for ever, and
 *                               does the same
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static const char text[] = "0123456789";

#define TRY(what, expression)          \
	do {                           \
		errno = 0;             \
		say(what, expression); \
	} while (0)

static int open_file(const char *name)
{
	int fd;

	errno = 0;
	fd = open(name, O_RDWR | O_CREAT | O_APPEND, 0640);
	if (fd < 0)
		say("open", fd);
	return fd;
}

static int do_file(void)
{
	int fd = open_file("x.wal");
	struct stat st;

	for (int i = 0; i < 2; i++) {
		TRY("write", write(fd, text, 10));
		TRY("fsync", fsync(fd));
	}
	if (fstat(fd, &st) == 0)
		printf("size %ld mode %o offset %ld\n", (long)st.st_size, st.st_mode & 0777,
		       (long)lseek(fd, 0, SEEK_CUR));
	TRY("close", close(fd));
	return 7;
}

static int do_read(void)
{
	char first[4] = "", rest[16] = "";
	struct iovec iov[2] = {{first, 3}, {rest, 7}};
	int fd = open("in", O_RDONLY), pair[2];

	TRY("readv", readv(fd, iov, 2));
	printf("%s|%s\n", first, rest);
	memset(rest, 0, sizeof(rest));
	TRY("read", read(fd, rest, 10));
	printf("%s\n", rest);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	TRY("send", send(pair[0], text, 10, 0));
	memset(rest, 0, sizeof(rest));
	TRY("recv", recv(pair[1], rest, 10, 0));
	printf("%s\n", rest);
	return 0;
}

static void *sync_slowly(void *arg)
{
	int fd = open_file("slow.wal");

	(void)arg;
	if (fsync(fd))
		perror("fsync");
	return NULL;
}

static int do_threads(int count)
{
	pthread_t thread[256];
	int fd = open_file("fast.wal");

	for (int i = 0; i < count && i < 256; i++)
		NEED(pthread_create(&thread[i], NULL, sync_slowly, NULL) == 0);
	while (access("go", F_OK))
		usleep(1000);
	for (int i = 0; i < 200; i++)
		NEED(write(fd, text, 10) == 10 && fsync(fd) == 0);
	say("wrote", 200);
	fflush(stdout);
	for (int i = 0; i < count && i < 256; i++)
		pthread_join(thread[i], NULL);
	say("joined", count);
	return 0;
}

static int do_fork(void)
{
	int fd = open_file("x.wal");
	pid_t pid = fork();

	if (pid == 0) {
		TRY("child", fsync(fd));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	TRY("parent", fsync(fd));
	return 0;
}

static int do_net(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client, server;
	char got[16];

	address.sin_addr.s_addr = htonl(0x7f002a01);
	NEED(bind(listener, (struct sockaddr *)&address, length) == 0);
	NEED(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	NEED(listen(listener, 1) == 0);
	client = socket(AF_INET, SOCK_STREAM, 0);
	TRY("connect", connect(client, (struct sockaddr *)&address, length));
	if (errno)
		return 0;
	errno = 0;
	server = accept4(listener, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);
	printf("accept %s %s\n", server < 0 ? "-1" : "fd", strerrorname_np(errno));
	TRY("send", send(client, text, 10, MSG_NOSIGNAL));
	TRY("recv", recv(server, got, 10, MSG_DONTWAIT));
	return 0;
}

static int do_names(void)
{
	struct stat st;
	int fd;

	NEED(mkdir("folder", 0755) == 0 && chdir("folder") == 0);
	umask(027);
	errno = 0;
	fd = open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	printf("open %s %s\n", fd < 0 ? "-1" : "fd", strerrorname_np(errno));
	if (fd >= 0)
		printf("cloexec %d\n", fcntl(fd, F_GETFD));
	TRY("rename", rename("made", "renamed"));
	if (stat("renamed", &st) == 0)
		printf("mode %o\n", st.st_mode & 0777);
	return 0;
}

static int do_sequence(void)
{
	int fd = open_file("x.wal"), pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (int i = 0; i < 2; i++) {
		TRY("fsync", fsync(fd));
		TRY("send", send(pair[0], text, 10, 0));
	}
	return 0;
}

static _Noreturn void write_for_ever(void)
{
	int fd = open_file("x.wal");

	signal(SIGTERM, SIG_IGN);
	for (;;) {
		lseek(fd, 0, SEEK_SET);
		if (write(fd, text, 10) < 0)
			usleep(1000);
	}
}

static int do_linger(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid > 0)
			_exit(0);
		write_for_ever();
	}
	waitpid(pid, NULL, 0);
	write_for_ever();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*act)(void);
	} acts[] = {{"file", do_file},    {"read", do_read},   {"fork", do_fork},
		    {"net", do_net},      {"names", do_names}, {"sequence", do_sequence},
		    {"linger", do_linger}};

	setvbuf(stdout, NULL, _IOFBF, 4096);
	if (argc == 3 && !strcmp(argv[1], "threads"))
		return do_threads(atoi(argv[2]));
	if (argc == 2 && !strcmp(argv[1], "exec"))
		return execl("/proc/self/exe", argv[0], "file", NULL);
	for (size_t i = 0; argc == 2 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(argv[1], acts[i].name))
			return acts[i].act();
	return 2;
}
