/*
 * node_log.c - what nodes print: kept within bounds while they print, and its last lines.
 *
 *     NODE.log.2   NODE.log.1   NODE.log
 *     older ------------------> the node appends here, and never notices
 *
 * When a log has grown too long, its whole blocks are copied away and collapsed out of the file in
 * one step of the kernel's, so that nothing is lost and the parts, one after the other, are the
 * whole. Where the file system can't, it is copied and truncated: what is printed in between is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/cluster_impl.h"

static const int64_t look_ns = INT64_C(1000000000);

/* The end of the file, from which the last lines are taken. */
static size_t read_end(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0)
		n = pread(fd, text, size - 1,
			  st.st_size > (off_t)size ? st.st_size - (off_t)size + 1 : 0);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

void node_log_tail(const struct node *node, char *text, size_t size)
{
	char end[512];
	size_t used = 0, n = read_end(node->log, end, sizeof(end));
	size_t from = n;

	while (n && end[n - 1] == '\n')
		n--;
	from = n;
	for (int lines = 0; from > 0; from--)
		if (end[from - 1] == '\n' && ++lines == 3)
			break;
	text[0] = 0;
	for (; from < n && used + 4 < size; from++) {
		if (end[from] == '\n')
			used += (size_t)snprintf(text + used, size - used, " | ");
		else
			text[used++] = end[from];
		text[used] = 0;
	}
}

/* The first `size` bytes of a log into a new file. */
static int copy_away(int log, off_t size, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), rc = 0;
	off_t at = 0;

	if (to < 0)
		return -errno;
	while (at < size && rc == 0) {
		ssize_t n = sendfile(to, log, &at, (size_t)(size - at));

		if (n <= 0)
			rc = n < 0 ? -errno : -EIO;
	}
	if (close(to) && !rc)
		rc = -errno;
	if (rc)
		unlink(path);
	return rc;
}

/* NODE.log.1 becomes NODE.log.2, and so on; the last one goes. */
static void shift(const struct node *node, int keep)
{
	char from[sizeof(node->log) + 16], to[sizeof(node->log) + 16];

	for (int i = keep - 1; i > 0; i--) {
		snprintf(from, sizeof(from), "%s.%d", node->log, i);
		snprintf(to, sizeof(to), "%s.%d", node->log, i + 1);
		rename(from, to);
	}
}

/* How much went: whole blocks of it, but never all, which the kernel refuses. */
static int cut(int log, const struct stat *st, const char *path, off_t *gone)
{
	off_t part = st->st_size / st->st_blksize * st->st_blksize;
	int rc;

	if (part == st->st_size)
		part -= st->st_blksize;
	rc = copy_away(log, part, path);
	*gone = part;
	if (rc || part == 0 || fallocate(log, FALLOC_FL_COLLAPSE_RANGE, 0, part) == 0)
		return rc;
	rc = copy_away(log, st->st_size, path);
	*gone = st->st_size;
	return rc ? rc : ftruncate(log, 0) ? -errno : 0;
}

int node_log_rotate(struct node *node, int64_t most, int keep)
{
	char path[sizeof(node->log) + 16];
	int log = open(node->log, O_RDWR | O_CLOEXEC), rc = 0;
	off_t gone = 0;
	struct stat st;

	if (log < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(log, &st))
		rc = -errno;
	else if (most && st.st_size > most) {
		snprintf(path, sizeof(path), "%s.1", node->log);
		shift(node, keep);
		rc = cut(log, &st, path, &gone);
		if (rc == 0)
			node->log_gone += (uint64_t)gone;
	}
	close(log);
	return rc;
}

static int64_t size_of(const struct node *node, int part)
{
	char path[sizeof(node->log) + 16];
	struct stat st;

	snprintf(path, sizeof(path), part ? "%s.%d" : "%s", node->log, part);
	return stat(path, &st) ? -1 : st.st_size;
}

uint64_t node_log_end(const struct node *node)
{
	int64_t size = size_of(node, 0);

	return node->log_gone + (uint64_t)(size > 0 ? size : 0);
}

static size_t read_part(const struct node *node, int part, int64_t from, char *text, size_t size)
{
	char path[sizeof(node->log) + 16];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), part ? "%s.%d" : "%s", node->log, part);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = pread(fd, text, size, from);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

size_t node_log_read(const struct node *node, int parts, uint64_t *at, char *text, size_t size)
{
	int64_t start = (int64_t)node->log_gone, length;
	size_t used = 0;
	int part = 0;

	/* Back to the part in which it begins; from there on one after the other. */
	while ((int64_t)*at < start && part < parts && (length = size_of(node, part + 1)) >= 0) {
		start -= length;
		part++;
	}
	if ((int64_t)*at < start)
		*at = (uint64_t)start; /* what was before is gone */
	for (; part >= 0 && used < size; part--) {
		int64_t from = (int64_t)(*at + used) - start;

		used += read_part(node, part, from, text + used, size - used);
		start += size_of(node, part);
	}
	return used;
}

void cluster_log_ends(const struct cluster *cluster, uint64_t end[])
{
	for (int i = 0; i < cluster->count; i++)
		end[i] = node_log_end(&cluster->own[i].node);
}

void cluster_rotate_logs(struct cluster *cluster)
{
	const struct plan_run *run = &cluster->options.plan->run;
	int64_t now_ns = process_now_ns();

	if (now_ns - cluster->rotated_ns < look_ns)
		return;
	cluster->rotated_ns = now_ns;
	for (int i = 0; i < cluster->count; i++)
		node_log_rotate(&cluster->own[i].node, run->log_bytes, (int)run->log_keep);
}
