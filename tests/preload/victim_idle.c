/*
 * victim_idle.c - every kind of call once, in earnest, between two marks that show in a trace:
 * under an interposer that has nothing to do the kernel must see the same calls with the same
 * arguments and the same results as without one.
 */
#include <sys/syscall.h>
#include <sys/un.h>

#include "preload/real.h"
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

static void attributes(void)
{
	int fd = open("one", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
	struct timespec times[2] = {{1, 0}, {2, 0}};
	struct timeval old_times[2] = {{1, 0}, {2, 0}};
	struct statvfs room;
	struct statfs room_too;
	struct statx more;
	struct stat st;
	int proc = open("/proc", O_RDONLY);
	DIR *entries;

	stat("one", &st);
	lstat("missing", &st);
	fstat(fd, &st);
	fstatat(directory, "one", &st, AT_SYMLINK_NOFOLLOW);
	statx(directory, "one", 0, STATX_SIZE, &more);
	statfs("/proc", &room_too);
	fstatfs(proc, &room_too);
	statvfs("/proc", &room);
	fstatvfs(proc, &room);
	access("one", R_OK);
	faccessat(directory, "one", W_OK, 0);
	chmod("one", 0640);
	fchmod(fd, 0600);
	fchmodat(directory, "one", 0644, 0);
	chown("one", -1, -1);
	lchown("one", -1, -1);
	fchown(fd, -1, -1);
	fchownat(directory, "one", -1, -1, 0);
	utimensat(directory, "one", times, 0);
	futimens(fd, times);
	utimes("one", old_times);
	lutimes("one", old_times);
	utime("one", NULL);
	setxattr("one", "user.a", "b", 1, 0);
	lsetxattr("one", "user.b", "b", 1, 0);
	fsetxattr(fd, "user.c", "b", 1, 0);
	getxattr("one", "user.a", bytes, 8);
	lgetxattr("one", "user.z", bytes, 8);
	fgetxattr(fd, "user.a", bytes, 8);
	listxattr("one", bytes, 64);
	llistxattr("one", bytes, 64);
	flistxattr(fd, bytes, 64);
	removexattr("one", "user.a");
	lremovexattr("one", "user.b");
	fremovexattr(fd, "user.z");
	symlink("one", "link");
	symlinkat("one", directory, "link");
	readlink("link", bytes, 64);
	readlinkat(directory, "link", bytes, 64);
	remove("link");
	mkfifo("fifo", 0600);
	mknod("fifo", S_IFIFO | 0600, 0);
	unlink("fifo");
	close(proc);
	entries = opendir(".");
	while (readdir(entries))
		;
	closedir(entries);
	flock(fd, LOCK_EX);
	lockf(fd, F_TEST, 0);
	ioctl(fd, FIONREAD, &st);
	close(directory);
	close(fd);
}

static void others(void)
{
	int fd = open("one", O_RDWR), two[2], poller = epoll_create1(0), more[2];
	struct epoll_event event = {.events = EPOLLIN};
	struct timespec now, soon = {0, 1};
	struct timeval limit = {0, 1};
	struct pollfd polled;
	fd_set set;

	pipe(two);
	pipe2(more, O_CLOEXEC);
	write(fd, "hello", 5);
	lseek(fd, 0, SEEK_SET);
	splice(fd, NULL, two[1], NULL, 3, 0);
	tee(two[0], more[1], 2, 0);
	vmsplice(more[1], iov, 2, 0);
	copy_file_range(fd, NULL, fd, NULL, 0, 0);
	read(two[0], bytes, 1);
	polled = (struct pollfd){two[0], POLLIN, 0};
	poll(&polled, 1, 0);
	ppoll(&polled, 1, &soon, NULL);
	FD_ZERO(&set);
	FD_SET(two[0], &set);
	select(two[0] + 1, &set, NULL, NULL, &limit);
	pselect(two[0] + 1, &set, NULL, NULL, &soon, NULL);
	epoll_ctl(poller, EPOLL_CTL_ADD, two[0], &event);
	epoll_wait(poller, &event, 1, 0);
	epoll_pwait(poller, &event, 1, 0, NULL);
	epoll_pwait2(poller, &event, 1, &soon, NULL);
	for (int i = 0; i < 2; i++) {
		close(two[i]);
		close(more[i]);
	}
	socketpair(AF_UNIX, SOCK_STREAM, 0, two);
	setsockopt(two[0], SOL_SOCKET, SO_KEEPALIVE, bytes, 4);
	shutdown(two[0], SHUT_WR);
	close(two[0]);
	close(two[1]);
	close(eventfd(0, 0));
	close(timerfd_create(CLOCK_MONOTONIC, 0));
	close(inotify_init1(0));
	close(memfd_create("name", 0));
	clock_getres(CLOCK_PROCESS_CPUTIME_ID, &now);
	nanosleep(&soon, NULL);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL);
	usleep(1);
	sync();
	close(poller);
	close(fd);
	unlink("one");
}

static void streams(void)
{
	FILE *stream = fopen("one", "w+");
	char *line = NULL;
	size_t size = 0;

	fwrite("hello\n", 1, 6, stream);
	fflush(stream);
	fputs("world\n", stream);
	fputc('x', stream);
	fprintf(stream, "%d\n", 1);
	dprintf(fileno(stream), "%d\n", 2);
	fseek(stream, 0, SEEK_SET);
	fread(bytes, 1, 3, stream);
	fgets(bytes, 8, stream);
	fgetc(stream);
	getdelim(&line, &size, '\n', stream);
	stream = freopen("two", "w", stream);
	fputs("again", stream);
	fclose(stream);
	fclose(tmpfile());
	fclose(fdopen(open("one", O_RDONLY), "r"));
	remove("one");
	remove("two");
	free(line);
}

static void memory(void)
{
	char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("one", O_RDWR | O_CREAT, 0600);
	struct aiocb block = {.aio_fildes = fd};
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found;

	mprotect(at, 4096, PROT_READ);
	mlock(at, 4096);
	at = mremap(at, 8192, 4096, MREMAP_MAYMOVE);
	munmap(at, 4096);
	free(realloc(malloc(1000000), 2000000));
	free(memalign(4096, 1000000));
	aio_error(&block);
	aio_cancel(-1, NULL);
	if (getaddrinfo("127.0.0.1", NULL, &hints, &found) == 0)
		freeaddrinfo(found);
	syscall(SYS_io_submit, NULL, 0, NULL);
	close(fd);
	unlink("one");
}

static void clocks(void)
{
	struct timespec past = {1, 0};
	struct itimerspec at = {.it_value = {1, 0}};
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	timer_t timer;
	sem_t semaphore;

	clock_settime(99, &past);
	settimeofday(&(struct timeval){.tv_usec = -1}, NULL);
	clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL);
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
	timer_create(CLOCK_REALTIME, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer);
	timer_settime(timer, TIMER_ABSTIME, &at, NULL);
	timer_delete(timer);
	pthread_mutex_lock(&mutex);
	pthread_mutex_timedlock(&mutex, &past);
	pthread_mutex_clocklock(&mutex, CLOCK_REALTIME, &past);
	pthread_cond_timedwait(&condition, &mutex, &past);
	pthread_cond_clockwait(&condition, &mutex, CLOCK_REALTIME, &past);
	pthread_rwlock_wrlock(&lock);
	pthread_rwlock_timedrdlock(&lock, &past);
	pthread_rwlock_timedwrlock(&lock, &past);
	pthread_rwlock_clockrdlock(&lock, CLOCK_REALTIME, &past);
	pthread_rwlock_clockwrlock(&lock, CLOCK_REALTIME, &past);
	pthread_timedjoin_np(pthread_self(), NULL, &past);
	pthread_clockjoin_np(pthread_self(), NULL, CLOCK_REALTIME, &past);
	sem_init(&semaphore, 0, 0);
	sem_timedwait(&semaphore, &past);
	sem_clockwait(&semaphore, CLOCK_REALTIME, &past);
	close(fd);
}

static void shared(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
	struct timespec past = {1, 0};
	char name[] = "/failkit.idle";
	int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);

	close(fd);
	shm_unlink(name);
	mq_getattr(queue, &attributes);
	mq_send(queue, "x", 1, 0);
	mq_timedsend(queue, "x", 1, 0, &past);
	mq_receive(queue, bytes, 64, NULL);
	mq_timedreceive(queue, bytes, 64, NULL, &past);
	mq_notify(queue, NULL);
	mq_setattr(queue, &attributes, NULL);
	mq_unlink(name);
	mq_close(queue);
	sem_open(name, 0);
	sem_unlink(name);
	shmget(IPC_PRIVATE, 0, 0600);
	shmat(-1, NULL, 0);
	semget(IPC_PRIVATE, -1, 0);
	semop(-1, NULL, 0);
	msgget(-1, 0);
	msgsnd(-1, bytes, 8, 0);
	msgrcv(-1, bytes, 8, 0, 0);
}

static void places(void)
{
	int fd = open("one", O_RDWR | O_CREAT, 0600), directory = open(".", O_RDONLY);
	int watcher = inotify_init();
	FILE *stream = fopen("two", "w+");
	sigset_t set;
	fpos_t place;
	int number;

	lseek(fd, 3, SEEK_SET);
	readahead(fd, 0, 8);
	posix_fadvise(fd, 0, 8, POSIX_FADV_NORMAL);
	getdents64(directory, bytes, 0);
	getrandom(bytes, 0, GRND_NONBLOCK);
	inotify_add_watch(watcher, ".", IN_CREATE);
	sigemptyset(&set);
	close(signalfd(-1, &set, 0));
	open_by_handle_at(fd, NULL, 0);
	mlockall(0);
	madvise(NULL, 0, MADV_NORMAL);
	syscall(SYS_io_setup, -1, NULL);
	syscall(SYS_io_getevents, NULL, 0, 0, NULL, NULL);
	fputws(L"12 34\n", stream);
	fputwc(L'5', stream);
	fwprintf(stream, L"%d\n", 6);
	fflush(stream);
	fsetpos(stream, fgetpos(stream, &place) ? NULL : &place);
	rewind(stream);
	fgetwc(stream);
	fgetws((wchar_t *)(void *)bytes, 4, stream);
	ftell(stream);
	fclose(stream);
	stream = fopen("two", "r");
	fscanf(stream, "%d", &number);
	fclose(stream);
	close(watcher);
	close(directory);
	close(fd);
	unlink("one");
	unlink("two");
}

/* Results are for the trace to show. */
int main(void)
{
	/* Each call is judged at its first passage and at peace from then on. */
	for (int round = 0; round < 2; round++) {
		fsync(-100 - round);
		files();
		sockets();
		attributes();
		others();
		streams();
		memory();
		clocks();
		shared();
		places();
		unlink("four");
		unlink("nine");
		unlink("socket");
		rmdir("eight");
	}
	fsync(-102);
	return 0;
}
