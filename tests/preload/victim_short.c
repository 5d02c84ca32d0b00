/*
 * victim_short.c - every row that moves bytes, made to move fewer.
 *
 *     victim_short rules    one rule naming each such row: short(5)
 *     victim_short run N    passes through each with N bytes (at most 12) and counts what really
 *                           went through: "write 5 moved 5". A row without a way to try it here
 *                           does not compile.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "failpoint/calls.c"
#include "failpoint/rawsys.h"
#include "preload/real.h"
#include "tests/preload/victim.h"

static const char text[] = "abcdefghijkl";
static char got[32];
static int file, source, pair[2], in_pipe[2], out_pipe[2], count = 3;
static size_t n;
static struct iovec out[3], in[3];

/* Three pieces of 2, 4 and the rest, so that 5 ends inside the second. */
static void cut(struct iovec iov[3], char *base)
{
	size_t first = n < 2 ? n : 2, second = n - first < 4 ? n - first : 4;

	iov[0] = (struct iovec){base, first};
	iov[1] = (struct iovec){base + first, second};
	iov[2] = (struct iovec){base + first + second, n - first - second};
}

static struct msghdr out_message = {.msg_iov = out, .msg_iovlen = 3};
static struct msghdr in_message = {.msg_iov = in, .msg_iovlen = 3};

/* How a passage starts: with an empty or a full file or socket, and always with a full source and a
 * full and an empty pipe. Made and measured by calls that no rule shortens. */
enum start { EMPTY_FILE, FULL_FILE, EMPTY_SOCKET, FULL_SOCKET, FILE_TO_SOCKET, TO_PIPE };

static void fill(const char *name)
{
	FILE *stream = fopen(name, "w");

	NEED(stream);
	fputs(text, stream);
	NEED(fclose(stream) == 0);
}

static void prepare(enum start start)
{
	struct iovec iov = {(void *)(uintptr_t)text, n};
	struct mmsghdr full = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

	if (start == FULL_FILE || start == FILE_TO_SOCKET)
		fill("file");
	else
		NEED(truncate("file", 0) == 0);
	NEED((file = open("file", O_RDWR)) >= 0);
	fill("source");
	NEED((source = open("source", O_RDONLY)) >= 0);
	NEED(pipe(in_pipe) == 0 && pipe(out_pipe) == 0);
	NEED(dprintf(in_pipe[1], "%.*s", (int)n, text) == (int)n);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	if (start == FULL_SOCKET && n)
		NEED(sendmmsg(pair[1], &full, 1, 0) == 1);
	memset(got, 0, sizeof(got));
	cut(out, (char *)(uintptr_t)text);
	cut(in, got);
}

/* By the kernel, since a rule shortens the others. */
static long read_all(int fd)
{
	long bytes = raw_read(fd, got, sizeof(got));

	NEED(bytes >= 0);
	raw_close(fd);
	return bytes;
}

static int bytes_in_pipe(void)
{
	int bytes = 0;

	NEED(ioctl(out_pipe[0], FIONREAD, &bytes) == 0);
	return bytes;
}

/* A stream of its own over the file, so that nothing stays in it. */
static long by_stream(int writes)
{
	FILE *stream = fdopen(dup(file), "r+");
	size_t ret;

	NEED(stream);
	ret = writes ? fwrite(text, 1, n, stream) : fread(got, 1, n, stream);
	NEED(!ret || ret == n || ferror(stream));
	fclose(stream);
	return (long)ret;
}

/* How many bytes really went, checked to be the right ones; -2 when they are not. */
static long moved(enum start start)
{
	struct iovec iov = {got, sizeof(got)};
	struct mmsghdr rest = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
	long bytes = (long)strnlen(got, sizeof(got));

	if (start == EMPTY_FILE) {
		bytes = read_all(raw_open("file", O_RDONLY));
	} else if (start == EMPTY_SOCKET || start == FILE_TO_SOCKET) {
		bytes = recvmmsg(pair[1], &rest, 1, MSG_DONTWAIT, NULL) == 1 ? rest.msg_len : 0;
	} else if (start == TO_PIPE) {
		bytes = bytes_in_pipe() ? read_all(dup(out_pipe[0])) : 0;
	}
	close(out_pipe[0]);
	close(out_pipe[1]);
	close(in_pipe[0]);
	close(in_pipe[1]);
	close(source);
	close(file);
	close(pair[0]);
	close(pair[1]);
	return memcmp(got, text, (size_t)bytes) ? -2 : bytes;
}

#define TRY(name, start, expression)       \
	static long try_##name(long *went) \
	{                                  \
		long ret;                  \
                                           \
		prepare(start);            \
		ret = expression;          \
		*went = moved(start);      \
		return ret;                \
	}
TRY(write, EMPTY_FILE, write(file, text, n))
TRY(pwrite, EMPTY_FILE, pwrite(file, text, n, 0))
TRY(writev, EMPTY_FILE, writev(file, out, count))
TRY(pwritev, EMPTY_FILE, pwritev(file, out, count, 0))
TRY(pwritev2, EMPTY_FILE, pwritev2(file, out, count, -1, 0))
TRY(read, FULL_FILE, read(file, got, n))
TRY(pread, FULL_FILE, pread(file, got, n, 0))
TRY(readv, FULL_FILE, readv(file, in, count))
TRY(preadv, FULL_FILE, preadv(file, in, count, 0))
TRY(preadv2, FULL_FILE, preadv2(file, in, count, 0, 0))
TRY(recv, FULL_SOCKET, recv(pair[0], got, n, MSG_DONTWAIT))
TRY(recvfrom, FULL_SOCKET, recvfrom(pair[0], got, n, MSG_DONTWAIT, NULL, NULL))
TRY(recvmsg, FULL_SOCKET, recvmsg(pair[0], &in_message, MSG_DONTWAIT))
TRY(send, EMPTY_SOCKET, send(pair[0], text, n, 0))
TRY(sendto, EMPTY_SOCKET, sendto(pair[0], text, n, 0, NULL, 0))
TRY(sendmsg, EMPTY_SOCKET, sendmsg(pair[0], &out_message, 0))
TRY(copy_file_range, EMPTY_FILE, copy_file_range(source, NULL, file, NULL, n, 0))
TRY(splice, EMPTY_FILE, splice(in_pipe[0], NULL, file, NULL, n, SPLICE_F_NONBLOCK))
TRY(tee, TO_PIPE, tee(in_pipe[0], out_pipe[1], n, SPLICE_F_NONBLOCK))
TRY(vmsplice, TO_PIPE, vmsplice(out_pipe[1], out, (size_t)count, 0))
TRY(fwrite, EMPTY_FILE, by_stream(1))
TRY(fread, FULL_FILE, by_stream(0))
TRY(sendfile, FILE_TO_SOCKET, sendfile(pair[0], file, NULL, n))

/* Rows that move bytes are in the table, the others are not. */
#define PICK_BYTES(...) ENTRY
#define PICK_DATA(...)  ENTRY
#define PICK_NO_BYTES   NO_ENTRY
#define PICK_MAKES      NO_ENTRY
#define ENTRY(name)     [CALL_##name] = try_##name,
#define NO_ENTRY(name)
#define CALL(name, ret, params, args, f, s, moves, number, c, e)   PICK_##moves(name)
#define CUSTOM(name, ret, params, args, f, s, moves, number, c, e) PICK_##moves(name)
#define ALIAS(alias, name)
static long (*const tries[CALL_COUNT])(long *went) = {
#include "failpoint/calls.def"
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "rules")) {
		for (int i = 0; i < CALL_COUNT; i++)
			if (tries[i])
				printf("%s = short(5)\n", call_table[i].name);
		return 0;
	}
	if (argc != 3)
		return 2;
	n = (size_t)atol(argv[2]);
	fill("file");
	for (int i = 0; i < CALL_COUNT; i++) {
		long ret, went;

		if (!tries[i])
			continue;
		errno = 4242;
		ret = tries[i](&went);
		printf("%s %ld moved %ld%s\n", call_table[i].name, ret, went,
		       errno == 4242 ? "" : ", and touched errno");
	}
	return 0;
}
