/* notify_memory.c - the target's memory and its folder in /proc; see notify_impl.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "failpoint/notify_impl.h"

enum { PAGE_BYTES = 4096 };

bool memory_read(uint32_t tid, void *to, uint64_t from, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)(uintptr_t)from, size};

	return size == 0 || process_vm_readv((pid_t)tid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

bool memory_write(uint32_t tid, uint64_t to, const void *from, size_t size)
{
	struct iovec local = {(void *)(uintptr_t)from, size},
		     remote = {(void *)(uintptr_t)to, size};

	return size == 0 ||
	       process_vm_writev((pid_t)tid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* Page by page: the next one need not be there. */
bool memory_text(uint32_t tid, char *to, size_t size, uint64_t from)
{
	size_t used = 0;

	while (used < size) {
		size_t piece = PAGE_BYTES - (from + used) % PAGE_BYTES;

		if (piece > size - used)
			piece = size - used;
		if (!memory_read(tid, to + used, from + used, piece))
			break;
		if (memchr(to + used, 0, piece))
			return true;
		used += piece;
	}
	to[0] = 0;
	return false;
}

void proc_path(char out[64], uint32_t tid, const char *what, int fd)
{
	if (fd >= 0)
		snprintf(out, 64, "/proc/%u/%s/%d", tid, what, fd);
	else
		snprintf(out, 64, "/proc/%u/%s", tid, what);
}

long proc_read(const char *path, char *text, size_t size)
{
	int fd = raw_open(path, O_RDONLY);
	size_t used = 0;
	long n = fd;

	if (fd < 0)
		return fd;
	while (used + 1 < size && (n = raw_read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	raw_close(fd);
	text[used] = 0;
	return n < 0 ? n : (long)used;
}

bool proc_field(const char *text, const char *name, unsigned skip, int base, uint64_t *number)
{
	size_t length = strlen(name);

	while (text && strncmp(text, name, length) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text)
		return false;
	for (text += length; skip; skip--) {
		while (isspace((unsigned char)*text))
			text++;
		while (*text && !isspace((unsigned char)*text))
			text++;
	}
	*number = strtoull(text, NULL, base);
	return true;
}
