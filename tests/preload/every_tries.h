/*
 * every_tries.h - one passage through each call of the table, for victim_every.c: under a rule that
 * fails it; harmless when it is not failed. Arguments are those the call would take.
 */
#ifndef TESTS_PRELOAD_EVERY_TRIES_H
#define TESTS_PRELOAD_EVERY_TRIES_H

/* By the kernel, so that no passage is counted. */
static int a_descriptor(void)
{
	int fd = raw_open("/dev/null", O_RDWR);

	NEED(fd >= 0);
	return fd;
}

TRY(write, write(file, bytes, 8))
TRY(pwrite, pwrite(file, bytes, 8, 0))
TRY(writev, writev(file, iov, 2))
TRY(pwritev, pwritev(file, iov, 2, 0))
TRY(pwritev2, pwritev2(file, iov, 2, 0, 0))
TRY(fsync, fsync(file))
TRY(fdatasync, fdatasync(file))
TRY(sync_file_range, sync_file_range(file, 0, 8, 0))
TRY(syncfs, syncfs(file))
TRY(msync, msync(page, 4096, MS_SYNC))
TRY(read, read(file, bytes, 8))
TRY(pread, pread(file, bytes, 8, 0))
TRY(readv, readv(file, iov, 2))
TRY(preadv, preadv(file, iov, 2, 0))
TRY(preadv2, preadv2(file, iov, 2, 0, 0))
TRY(recv, recv(sock, bytes, 8, 0))
TRY(recvfrom, recvfrom(sock, bytes, 8, 0, NULL, NULL))
TRY(recvmsg, recvmsg(sock, &message, 0))
TRY(recvmmsg, recvmmsg(sock, messages, 1, 0, NULL))
TRY(send, send(sock, bytes, 8, 0))
TRY(sendto, sendto(sock, bytes, 8, 0, TO, sizeof(target)))
TRY(sendmsg, sendmsg(sock, &message, 0))
TRY(sendmmsg, sendmmsg(sock, messages, 1, 0))
TRY(sendfile, sendfile(sock, file, NULL, 8))
TRY(socket, socket(AF_INET, SOCK_STREAM, 0))
TRY(connect, connect(sock, TO, sizeof(target)))
TRY(bind, bind(sock, TO, sizeof(target)))
TRY(listen, listen(sock, 1))
TRY(accept, accept(sock, NULL, NULL))
TRY(accept4, accept4(sock, NULL, NULL, 0))
TRY(open, open("nothing", O_RDONLY))
TRY(openat, openat(AT_FDCWD, "nothing", O_RDONLY))
TRY(creat, creat("made", 0600))
TRY(close, close(a_descriptor()))
TRY(rename, rename("nothing", "else"))
TRY(renameat, renameat(AT_FDCWD, "nothing", AT_FDCWD, "else"))
TRY(renameat2, renameat2(AT_FDCWD, "nothing", AT_FDCWD, "else", 0))
TRY(unlink, unlink("nothing"))
TRY(unlinkat, unlinkat(AT_FDCWD, "nothing", 0))
TRY(link, link("nothing", "else"))
TRY(linkat, linkat(AT_FDCWD, "nothing", AT_FDCWD, "else", 0))
TRY(mkdir, mkdir("made", 0700))
TRY(mkdirat, mkdirat(AT_FDCWD, "made", 0700))
TRY(rmdir, rmdir("nothing"))
TRY(ftruncate, ftruncate(file, 0))
TRY(truncate, truncate("nothing", 0))
TRY(fallocate, fallocate(file, 0, 0, 8))
TRY(posix_fallocate, posix_fallocate(file, 0, 8))
TRY(dup, dup(file))
TRY(dup2, dup2(file, 98))
TRY(dup3, dup3(file, 98, O_CLOEXEC))
TRY(fcntl, fcntl(file, F_GETFL))
TRY(close_range, close_range(900, 901, 0))
TRY(execve, execve("/bin/false", words, words + 1))
TRY(posix_spawn, posix_spawn(NULL, "/bin/false", NULL, NULL, words, words + 1))
TRY(system, system("exit 7"))
TRY(popen, popen("exit 7", "r"))

static struct stat st;
static struct statvfs room;
static struct statfs room_too;
static struct timespec now, soon = {0, 1};
static struct timeval clock_now;
static struct epoll_event event;
static int two[2];
static struct dirent **entries;
static char a_name[32] = "made.XXXXXX";

/* Opened when no more passage of opendir is counted. */
static DIR *a_directory(void)
{
	static DIR *open;

	if (!open)
		NEED(open = opendir("."));
	return open;
}

/* calls_names.def */
TRY(remove, remove("nothing"))
TRY(symlink, symlink("to", "made"))
TRY(symlinkat, symlinkat("to", AT_FDCWD, "made"))
TRY(readlink, readlink("nothing", bytes, 8))
TRY(readlinkat, readlinkat(AT_FDCWD, "nothing", bytes, 8))
TRY(mknod, mknod("made", S_IFIFO | 0600, 0))
TRY(mknodat, mknodat(AT_FDCWD, "made", S_IFIFO | 0600, 0))
TRY(mkfifo, mkfifo("made", 0600))
TRY(mkfifoat, mkfifoat(AT_FDCWD, "made", 0600))
TRY(mkstemp, mkstemp(a_name))
TRY(mkostemp, mkostemp(a_name, O_CLOEXEC))
TRY(mkstemps, mkstemps(a_name, 0))
TRY(mkostemps, mkostemps(a_name, 0, O_CLOEXEC))
TRY(mkdtemp, mkdtemp(a_name))
TRY(opendir, opendir("nothing"))
TRY(fdopendir, fdopendir(file))
TRY(readdir, readdir(a_directory()))
TRY(scandir, scandir("nothing", &entries, NULL, NULL))
TRY(stat, stat("nothing", &st))
TRY(lstat, lstat("nothing", &st))
TRY(fstat, fstat(file, &st))
TRY(fstatat, fstatat(AT_FDCWD, "nothing", &st, 0))
TRY(statx, statx(AT_FDCWD, "nothing", 0, 0, (struct statx *)page))
TRY(access, access("nothing", R_OK))
TRY(faccessat, faccessat(AT_FDCWD, "nothing", R_OK, 0))
TRY(chmod, chmod("nothing", 0600))
TRY(fchmod, fchmod(file, 0600))
TRY(fchmodat, fchmodat(AT_FDCWD, "nothing", 0600, 0))
TRY(lchmod, lchmod("nothing", 0600))
TRY(chown, chown("nothing", 0, 0))
TRY(lchown, lchown("nothing", 0, 0))
TRY(fchown, fchown(file, 0, 0))
TRY(fchownat, fchownat(AT_FDCWD, "nothing", 0, 0, 0))
TRY(utimensat, utimensat(AT_FDCWD, "nothing", NULL, 0))
TRY(futimens, futimens(file, NULL))
TRY(utimes, utimes("nothing", NULL))
TRY(lutimes, lutimes("nothing", NULL))
TRY(futimes, futimes(file, NULL))
TRY(utime, utime("nothing", NULL))
TRY(getxattr, getxattr("nothing", "user.a", bytes, 8))
TRY(lgetxattr, lgetxattr("nothing", "user.a", bytes, 8))
TRY(fgetxattr, fgetxattr(file, "user.a", bytes, 8))
TRY(setxattr, setxattr("nothing", "user.a", bytes, 8, 0))
TRY(lsetxattr, lsetxattr("nothing", "user.a", bytes, 8, 0))
TRY(fsetxattr, fsetxattr(file, "user.a", bytes, 8, 0))
TRY(listxattr, listxattr("nothing", bytes, 8))
TRY(llistxattr, llistxattr("nothing", bytes, 8))
TRY(flistxattr, flistxattr(file, bytes, 8))
TRY(removexattr, removexattr("nothing", "user.a"))
TRY(lremovexattr, lremovexattr("nothing", "user.a"))
TRY(fremovexattr, fremovexattr(file, "user.a"))
TRY(statvfs, statvfs("nothing", &room))
TRY(fstatvfs, fstatvfs(file, &room))
TRY(statfs, statfs("nothing", &room_too))
TRY(fstatfs, fstatfs(file, &room_too))

/* calls_more.def */
TRY(copy_file_range, copy_file_range(file, NULL, file, NULL, 8, 0))
TRY(splice, splice(sock, NULL, file, NULL, 8, 0))
TRY(tee, tee(sock, file, 8, 0))
TRY(vmsplice, vmsplice(file, iov, 2, 0))
TRY(sync, (sync(), 0))
TRY(flock, flock(file, LOCK_UN))
TRY(lockf, lockf(file, F_ULOCK, 0))
TRY(ioctl, ioctl(file, FIONREAD, two))
TRY(pipe, pipe(two))
TRY(pipe2, pipe2(two, O_CLOEXEC))
TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, two))
TRY(epoll_create, epoll_create(1))
TRY(epoll_create1, epoll_create1(0))
TRY(epoll_ctl, epoll_ctl(sock, EPOLL_CTL_ADD, file, &event))
TRY(eventfd, eventfd(0, 0))
TRY(timerfd_create, timerfd_create(CLOCK_MONOTONIC, 0))
TRY(inotify_init1, inotify_init1(0))
TRY(memfd_create, memfd_create("name", 0))
TRY(shutdown, shutdown(sock, SHUT_RD))
TRY(setsockopt, setsockopt(sock, SOL_SOCKET, SO_KEEPALIVE, bytes, 4))
TRY(getsockopt, getsockopt(sock, SOL_SOCKET, SO_KEEPALIVE, bytes, &length))
TRY(getsockname, getsockname(sock, (struct sockaddr *)page, &length))
TRY(getpeername, getpeername(sock, (struct sockaddr *)page, &length))

/* calls_wait.def */
TRY(clock_gettime, clock_gettime(CLOCK_REALTIME, &now))
TRY(clock_getres, clock_getres(CLOCK_REALTIME, &now))
TRY(clock_settime, clock_settime(CLOCK_MONOTONIC, &now))
TRY(gettimeofday, gettimeofday(&clock_now, NULL))
TRY(time, time(NULL))
TRY(nanosleep, nanosleep(&soon, NULL))
TRY(clock_nanosleep, clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL))
TRY(usleep, usleep(1))
TRY(sleep, sleep(0))
TRY(poll, poll(NULL, 0, 0))
TRY(ppoll, ppoll(NULL, 0, &soon, NULL))
TRY(select, select(0, NULL, NULL, NULL, &clock_now))
TRY(pselect, pselect(0, NULL, NULL, NULL, &soon, NULL))
TRY(epoll_wait, epoll_wait(file, &event, 1, 0))
TRY(epoll_pwait, epoll_pwait(file, &event, 1, 0, NULL))
TRY(epoll_pwait2, epoll_pwait2(file, &event, 1, &soon, NULL))

/* calls_stdio.def */
static FILE *a_stream(void)
{
	static FILE *stream;

	if (!stream)
		NEED(stream = fdopen(a_descriptor(), "r+"));
	return stream;
}

static char *line;
static size_t line_size;
TRY(fopen, fopen("nothing", "r"))
TRY(freopen, freopen("nothing", "r", fdopen(a_descriptor(), "r")))
TRY(tmpfile, tmpfile())
TRY(fdopen, fdopen(file, "r"))
TRY(fclose, fclose(fdopen(a_descriptor(), "w")))
TRY(fwrite, fwrite(bytes, 1, 8, a_stream()))
TRY(fputs, fputs("text", a_stream()))
TRY(fputc, fputc('x', a_stream()))
TRY(fprintf, fprintf(a_stream(), "%d", 1))
TRY(dprintf, dprintf(file, "%d", 1))
TRY(fflush, fflush(a_stream()))
TRY(fread, fread(bytes, 1, 8, a_stream()))
TRY(fgets, fgets(bytes, 8, a_stream()))
TRY(fgetc, fgetc(a_stream()))
TRY(getdelim, getdelim(&line, &line_size, '\n', a_stream()))
TRY(fseek, fseek(a_stream(), 0, SEEK_SET))

/* calls_memory.def */
static void *body(void *argument)
{
	return argument;
}

static pthread_t thread;
static struct aiocb block, *blocks[1];
static struct addrinfo *found;
static void *made;

static struct aiocb *a_block(void)
{
	block.aio_fildes = file;
	return &block;
}

TRY(mmap, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(munmap, munmap(page, 0))
TRY(mremap, mremap(page, 0, 0, 0))
TRY(mprotect, mprotect(page, 0, PROT_READ))
TRY(mlock, mlock(page, 0))
TRY(malloc, malloc(8))
TRY(calloc, calloc(8, 1))
TRY(realloc, realloc(made, 8))
TRY(memalign, memalign(16, 8))
TRY(posix_memalign, posix_memalign(&made, 16, 8))
TRY(pthread_create, pthread_create(&thread, NULL, body, NULL))
TRY(dlopen, dlopen("libc.so.6", RTLD_NOW))
TRY(aio_read, aio_read(a_block()))
TRY(aio_write, aio_write(a_block()))
TRY(aio_fsync, aio_fsync(O_SYNC, a_block()))
TRY(aio_error, aio_error(a_block()))
TRY(aio_return, aio_return(a_block()))
TRY(aio_suspend, aio_suspend((const struct aiocb *const *)blocks, 0, &soon))
TRY(aio_cancel, aio_cancel(file, a_block()))
TRY(lio_listio, lio_listio(LIO_WAIT, blocks, 0, NULL))
TRY(getaddrinfo, getaddrinfo("127.0.0.1", NULL, NULL, &found))

/* libaio need not be there for its call to be failed. Its way of failing is seen as the others'. */
static long try_io_submit(void)
{
	static int (*submit)(void *, long, void **);
	int before = errno, ret;

	if (!submit)
		*(void **)&submit = dlsym(RTLD_DEFAULT, "io_submit");
	NEED(submit);
	errno = before;
	ret = submit(NULL, 0, NULL);
	if (ret < 0 && errno == before)
		errno = -ret;
	return ret < 0 ? -1 : ret;
}

#endif
