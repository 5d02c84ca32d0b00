/*
 * victim_libaio.c - files by the kernel's asynchronous I/O, as databases do it: two files are written
 * in batches of four, synced and read again.
 *
 *     victim_libaio [number]   what each submission returned, what came of each request, and what is
 *                              in the files; by number: io_submit by syscall()
 */
#include <fcntl.h>
#include <libaio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/victim.h"

enum { BATCH = 4, BYTES = 8 };

static io_context_t context;
static int by_number;

static void tell(const char *what, long ret)
{
	if (by_number && ret < 0)
		ret = -errno;
	printf("%s %ld%s%s\n", what, ret, ret < 0 ? " " : "",
	       ret < 0 ? strerrorname_np((int)-ret) : "");
}

static void finish(long count)
{
	struct io_event events[BATCH];

	if (count <= 0)
		return;
	NEED(io_getevents(context, count, count, events, NULL) == count);
	for (long i = 0; i < count; i++)
		if ((long)events[i].res < 0)
			tell("completed", (long)events[i].res);
}

/* What is left of a batch is tried again, without the first. */
static void submit(const char *what, struct iocb *blocks[], long count)
{
	for (long from = 0, ret; from<count; from += ret> 0 ? ret : 1) {
		ret = by_number ? syscall(SYS_io_submit, context, count - from, blocks + from)
				: io_submit(context, count - from, blocks + from);
		tell(what, ret);
		finish(ret);
	}
}

static void show(const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '.';
	printf("%s %s\n", path, text);
	close(fd);
}

int main(int argc, char **argv)
{
	char wal[] = "WALWALWA", data[] = "datadata", buffers[BATCH][BYTES];
	struct iocb block[BATCH], *blocks[BATCH];
	int files[2] = {open("wal", O_RDWR | O_CREAT, 0600), open("data", O_RDWR | O_CREAT, 0600)};

	by_number = argc == 2 && !strcmp(argv[1], "number");
	for (int i = 0; i < BATCH; i++)
		blocks[i] = &block[i];
	NEED(files[0] >= 0 && files[1] >= 0);
	tell("setup", io_setup(BATCH, &context));
	for (int i = 0; i < BATCH; i++)
		io_prep_pwrite(&block[i], files[i % 2], i % 2 ? data : wal, BYTES, i / 2 * BYTES);
	submit("write", blocks, BATCH);
	for (int i = 0; i < 2; i++)
		io_prep_fsync(&block[i], files[i]);
	submit("sync", blocks, 2);
	for (int i = 0; i < BATCH; i++)
		io_prep_pread(&block[i], files[i % 2], buffers[i], BYTES, 0);
	submit("read", blocks, BATCH);
	show("wal");
	show("data");
	return 0;
}
