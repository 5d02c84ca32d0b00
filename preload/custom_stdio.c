/*
 * custom_stdio.c - streams: libc closes their descriptors by itself.
 */
#include "preload/pass.h"

/* A stream without a descriptor is no error here. */
static int stream_fd(FILE *stream)
{
	int before = errno, fd = fileno(stream);

	errno = before;
	return fd;
}

int fclose(FILE *stream)
{
	int fd = stream_fd(stream), ret;

	fd_table_forget(fd);
	ret = real_fclose(stream);
	fd_table_forget(fd);
	return ret;
}

FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	int fd = stream_fd(stream);
	FILE *ret;

	fd_table_forget(fd);
	ret = real_freopen(path, mode, stream);
	fd_table_forget(fd);
	if (ret)
		fd_table_forget(stream_fd(ret));
	return ret;
}

FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
	return freopen(path, mode, stream);
}

int pclose(FILE *stream)
{
	int fd = stream_fd(stream), ret;

	fd_table_forget(fd);
	ret = real_pclose(stream);
	fd_table_forget(fd);
	return ret;
}
