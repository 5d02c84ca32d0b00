/*
 * victim_truths.c - what stays true of a call whatever a rule makes of it. One word on the command
 * line picks the truth.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/victim.h"

static int file(void)
{
	FILE *stream = fopen("file", "w+");

	NEED(stream);
	return fileno(stream);
}

/* A close that fails has closed. */
static void truth_close(void)
{
	int fd = file();

	say("close", close(fd));
	say("again", fcntl(fd, F_GETFD));
}

/* A closed descriptor is EBADF, whatever success is promised. */
static void truth_closed(void)
{
	say("write", write(777, "x", 1));
	say("fsync", fsync(777));
	say("close", close(777));
}

static void say_mode(const char *what, int fd)
{
	struct stat st;

	NEED(fd >= 0 && fstat(fd, &st) == 0);
	printf("%s %o\n", what, st.st_mode & 0777);
	close(fd);
}

/* The mode of an open is what was given, for O_CREAT and for O_TMPFILE. */
static void truth_mode(void)
{
	umask(0);
	say_mode("O_TMPFILE", open(".", O_TMPFILE | O_RDWR, 0641));
	say_mode("O_CREAT", open("created", O_CREAT | O_RDWR, 0642));
	say_mode("openat O_TMPFILE", openat(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0643));
	say_mode("creat", creat("created too", 0644));
}

static void *cancelled(void *arg)
{
	int fd = file();

	(void)arg;
	pthread_cancel(pthread_self());
	fsync(fd);
	return NULL;
}

/* A cancellation point stays one. */
static void truth_cancel(void)
{
	pthread_t thread;
	void *result;

	NEED(pthread_create(&thread, NULL, cancelled, NULL) == 0);
	NEED(pthread_join(thread, &result) == 0);
	puts(result == PTHREAD_CANCELED ? "cancelled" : "not cancelled");
}

/* What the thread that is cancelled was spared, the next caller meets. */
static void truth_spare(void)
{
	truth_cancel();
	say("fsync", fsync(file()));
}

static sigjmp_buf out;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

/* Jumping out of a call, or out of what a rule does in it, leaves the thread as it was. */
static void truth_jump(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 2000}};
	volatile int jumps = 0;
	int pipes[2];
	char byte;

	NEED(pipe(pipes) == 0 && signal(SIGALRM, jump) != SIG_ERR);
	for (volatile int i = 0; i < 20; i++)
		if (sigsetjmp(out, 1) == 0) {
			setitimer(ITIMER_REAL, &soon, NULL);
			(void)!read(pipes[0], &byte, 1);
		} else {
			jumps++;
		}
	printf("%d jumps\n", jumps);
	say("fsync", fsync(file()));
}

static volatile sig_atomic_t handled, judged;
static int shared;

static void call(int signal)
{
	int before = errno;

	(void)signal;
	judged += fsync(shared) == -1 && errno == EIO;
	handled++;
	errno = before;
}

/* A handler that interrupts a call does no harm to it; one that interrupts the program is judged.
 */
static void truth_handler(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 300}};
	sigset_t alarm, before;
	int wrong = 0;

	shared = file();
	NEED(signal(SIGALRM, call) != SIG_ERR);
	while (handled < 50) {
		int seen = handled;

		setitimer(ITIMER_REAL, &soon, NULL);
		while (handled == seen)
			wrong += fsync(shared) != -1 || errno != EIO;
	}
	handled = judged = 0;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &before);
	while (handled < 5) {
		raise(SIGALRM);
		sigsuspend(&before);
	}
	printf("%d wrong, %d of %d judged\n", wrong, judged, handled);
}

static int early = 1, early_errno;

static void before_constructors(void)
{
	early = fsync(-1);
	early_errno = errno;
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const first)(void) = before_constructors;

/* A call before any constructor ran was made, and those after it are judged. */
static void truth_early(void)
{
	errno = early_errno;
	say("early", early);
	say("fsync", fsync(file()));
}

static int open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	NEED(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* What was made and then reported as failed does not stay behind as an open descriptor. */
static void truth_leak(void)
{
	int before = open_fds();

	say("open", open("made", O_CREAT | O_RDWR, 0600));
	say("socket", socket(AF_INET, SOCK_STREAM, 0));
	say("made", access("made", F_OK));
	printf("%d leaked\n", open_fds() - before);
}

/* One that is changed, not made. */
static void truth_changed(void)
{
	sigset_t none, all;
	int fd;

	sigemptyset(&none);
	sigfillset(&all);
	fd = signalfd(-1, &none, 0);
	say("signalfd", fd < 0 ? -1 : 0);
	fd = signalfd(-1, &none, 0);
	NEED(fd >= 0);
	say("changed", signalfd(fd, &all, 0));
	say("open", fcntl(fd, F_GETFD));
}

/* The offset moves by what was reported. */
static void truth_offset(void)
{
	int fd = file();

	say("write", write(fd, "0123456789", 10));
	say("offset", lseek(fd, 0, SEEK_CUR));
	say("size", lseek(fd, 0, SEEK_END));
}

/* Success that is a number which says something. */
static void truth_numbers(void)
{
	struct iovec byte = {(char[]){"x"}, 1};
	struct mmsghdr messages[2] = {
		{.msg_hdr = {.msg_iov = &byte, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &byte, .msg_iovlen = 1}},
	};
	int fd = file(), pair[2];
	volatile size_t huge = (size_t)-1;

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	say("dup2", dup2(fd, 40));
	say("dup3", dup3(fd, 41, 0));
	say("sendmmsg", sendmmsg(pair[0], messages, 2, 0));
	say("write", write(fd, "x", huge));
}

/* A TCP connection within 127.0.0.0/8: the listener, both ends. */
static int connected(int *listener, int *server)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	NEED((*listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	NEED(bind(*listener, (struct sockaddr *)&at, sizeof(at)) == 0);
	NEED(listen(*listener, 1) == 0);
	NEED(getsockname(*listener, (struct sockaddr *)&at, &length) == 0);
	errno = 4242;
	say("connect", connect(client, (struct sockaddr *)&at, sizeof(at)));
	*server = -1;
	return client;
}

/* Who is at the other end, for one side and for the other. */
static void truth_node(void)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	int listener, server;

	connected(&listener, &server);
	puts(errno == 4242 ? "errno untouched" : "errno touched");
	NEED((server = accept(listener, (struct sockaddr *)&from, &length)) >= 0);
	printf("peer %s\n", inet_ntoa(from.sin_addr));
}

/* The peer of a socket that is reset sees it. */
static void truth_reset(void)
{
	int listener, server, client = connected(&listener, &server);
	char byte;

	NEED((server = accept(listener, NULL, NULL)) >= 0);
	say("send", send(client, "x", 1, MSG_NOSIGNAL));
	say("peer", read(server, &byte, 1));
}

static void truth_refuse(void)
{
	int listener, server;

	connected(&listener, &server);
}

/* A bad pointer is EFAULT. */
static void truth_fault(void)
{
	void *volatile bad = (void *)16;
	int fd = file(), sock = socket(AF_INET, SOCK_STREAM, 0), pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	say("open", open(bad, O_RDONLY));
	say("rename", rename("file", bad));
	say("write", write(fd, bad, 1));
	say("writev", writev(fd, bad, 1));
	say("connect", connect(sock, bad, sizeof(struct sockaddr_in)));
	say("sendmsg", sendmsg(pair[0], bad, 0));
	say("recvmsg", recvmsg(pair[0], bad, 0));
}

static struct iovec pieces[2], pieces_before[2];
static char received[8];

/* Two pieces of four bytes. */
static struct msghdr in_pieces(void)
{
	pieces[0] = (struct iovec){received, 4};
	pieces[1] = (struct iovec){received + 4, 4};
	memcpy(pieces_before, pieces, sizeof(pieces));
	return (struct msghdr){.msg_iov = pieces, .msg_iovlen = 2};
}

static void say_pieces(const struct msghdr *message)
{
	puts(message->msg_iov == pieces && message->msg_iovlen == 2 &&
			     memcmp(pieces, pieces_before, sizeof(pieces)) == 0
		     ? "as it was"
		     : "changed");
}

/* What a message is made of stays the caller's, however little of it is moved. */
static void truth_message(void)
{
	struct mmsghdr messages[1] = {{.msg_hdr = in_pieces()}};
	struct msghdr message = in_pieces();
	int pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	NEED(send(pair[1], "01234567", 8, 0) == 8 && send(pair[1], "01234567", 8, 0) == 8);
	say("recvmsg", recvmsg(pair[0], &message, 0));
	say_pieces(&message);
	say("recvmmsg", recvmmsg(pair[0], messages, 1, MSG_DONTWAIT, NULL));
	say_pieces(&messages[0].msg_hdr);
	say("sendmsg", sendmsg(pair[0], &message, 0));
	say_pieces(&message);
	say("sendmmsg", sendmmsg(pair[0], messages, 1, 0));
	say_pieces(&messages[0].msg_hdr);
}

static long page_size;

/* A page, and another behind it that may be read, or nothing. */
static char *two_pages(int rights, int behind)
{
	char *pages;

	page_size = sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, 2 * (size_t)page_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(pages != MAP_FAILED);
	memset(pages, 0, 2 * (size_t)page_size);
	NEED(mprotect(pages, (size_t)page_size, rights) == 0);
	NEED(mprotect(pages + page_size, (size_t)page_size, behind) == 0);
	return pages;
}

/* A message half of which can't be read, and one that can't be written, are the kernel's to refuse. */
static void truth_straddle(void)
{
	char *pages = two_pages(PROT_READ | PROT_WRITE, PROT_NONE);
	struct msghdr *half = (void *)(pages + page_size - sizeof(struct msghdr) / 2 / 8 * 8);
	struct mmsghdr *halves = (void *)half;
	struct iovec *piece = (void *)(pages + page_size - sizeof(struct iovec) / 2);
	struct msghdr message = {.msg_iov = piece, .msg_iovlen = 1}, *constant;
	int pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[1], "x", 1) == 1);
	say("recvmsg", recvmsg(pair[0], half, 0));
	say("sendmsg", sendmsg(pair[0], half, 0));
	say("recvmmsg", recvmmsg(pair[0], halves, 1, 0, NULL));
	say("sendmmsg", sendmmsg(pair[0], halves, 1, 0));
	say("by number", syscall(SYS_recvmsg, pair[0], half, 0));
	say("its pieces", recvmsg(pair[0], &message, 0));
	say("its pieces", sendmsg(pair[0], &message, 0));
	pages = two_pages(PROT_READ | PROT_WRITE, PROT_READ);
	constant = (void *)pages;
	*constant = in_pieces();
	NEED(mprotect(pages, (size_t)page_size, PROT_READ) == 0);
	say("constant", recvmsg(pair[0], constant, 0));
	pages = two_pages(PROT_READ | PROT_WRITE, PROT_NONE);
	memset(pages, 'x', (size_t)page_size);
	say("a program", execl(pages + page_size - 8, "x", NULL));
	say("a name", open(pages + page_size - 8, O_RDONLY));
}

static const struct {
	const char *name;
	void (*show)(void);
} truths[] = {
	{"close", truth_close},     {"closed", truth_closed},     {"mode", truth_mode},
	{"cancel", truth_cancel},   {"jump", truth_jump},         {"handler", truth_handler},
	{"early", truth_early},     {"leak", truth_leak},         {"offset", truth_offset},
	{"node", truth_node},       {"reset", truth_reset},       {"refuse", truth_refuse},
	{"fault", truth_fault},     {"spare", truth_spare},       {"numbers", truth_numbers},
	{"message", truth_message}, {"straddle", truth_straddle}, {"changed", truth_changed},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(truths) / sizeof(truths[0]); i++)
		if (!strcmp(argv[1], truths[i].name)) {
			truths[i].show();
			return 0;
		}
	return 2;
}
