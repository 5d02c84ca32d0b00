/*
 * victim_idle.c - every kind of call once, in earnest, between two marks that show in a trace:
 * under an interposer that has nothing to do the kernel must see the same calls with the same
 * arguments and the same results as without one.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static char bytes[64];
static struct iovec iov[2] = {{bytes, 3}, {bytes + 8, 4}};

static void files(void)
{
	int fd = open("one", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);

	write(fd, "hello", 5);
	pwrite(fd, "hello", 5, 3);
	writev(fd, iov, 2);
	pwritev(fd, iov, 2, 1);
	pwritev2(fd, iov, 2, 1, 0);
	fsync(fd);
	fdatasync(fd);
	sync_file_range(fd, 0, 0, 0);
	read(fd, bytes, 8);
	pread(fd, bytes, 8, 0);
	readv(fd, iov, 2);
	preadv(fd, iov, 2, 0);
	preadv2(fd, iov, 2, 0, 0);
	ftruncate(fd, 3);
	truncate("one", 2);
	fallocate(fd, 0, 0, 100);
	posix_fallocate(fd, 0, 100);
	rename("one", "two");
	renameat(directory, "two", directory, "three");
	renameat2(directory, "three", directory, "four", 0);
	link("four", "five");
	linkat(directory, "four", directory, "six", 0);
	unlink("five");
	unlinkat(directory, "six", 0);
	mkdir("seven", 0700);
	mkdirat(directory, "eight", 0700);
	rmdir("seven");
	rmdir("missing");
	close(openat(directory, "four", O_WRONLY));
	close(creat("nine", 0600));
	close(dup(fd));
	dup2(fd, 50);
	dup3(fd, 51, O_CLOEXEC);
	close(fcntl(fd, F_DUPFD, 60));
	close_range(50, 51, 0);
	close(directory);
	close(fd);
	close(fd);
}

static void sockets(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "socket"};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	struct mmsghdr messages = {.msg_hdr = message};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	int file = open("nine", O_RDWR), server;

	bind(listener, (struct sockaddr *)&at, sizeof(at));
	listen(listener, 1);
	connect(client, (struct sockaddr *)&at, sizeof(at));
	server = accept(listener, NULL, NULL);
	accept4(file, NULL, NULL, 0);
	send(client, "hello", 5, 0);
	sendto(client, "hello", 5, 0, NULL, 0);
	sendmsg(client, &message, 0);
	sendmmsg(client, &messages, 1, 0);
	sendfile(client, file, NULL, 8);
	recv(server, bytes, 2, 0);
	recvfrom(server, bytes, 2, 0, NULL, NULL);
	recvmsg(server, &message, 0);
	recvmmsg(server, &messages, 1, 0, NULL);
	syscall(SYS_write, client, "x", 1);
	syscall(SYS_close, client);
	syscall(SYS_openat, AT_FDCWD, "missing", O_RDONLY, 0);
	close(server);
	close(listener);
	close(file);
}

/* Results are for the trace to show. */
int main(void)
{
	/* Each call is judged at its first passage and at peace from then on. */
	for (int round = 0; round < 2; round++) {
		fsync(-100 - round);
		files();
		sockets();
		unlink("four");
		unlink("nine");
		unlink("socket");
		rmdir("eight");
	}
	fsync(-102);
	return 0;
}
