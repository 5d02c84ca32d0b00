/*
 * victim_twins.c - second names of calls that have bodies of their own: each once, in earnest, and
 * what it told. Its standard input is made of lines.
 */
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <threads.h>
#include <wchar.h>

#include "preload/real.h"
#include "tests/preload/victim.h"

extern int gnu_vfscanf(FILE *stream, const char *format, va_list more) __asm__("__vfscanf");
extern int gnu_wscanf(const wchar_t *format, ...) __asm__("wscanf");
extern int gnu_vfwscanf(FILE *, const wchar_t *, va_list) __asm__("vfwscanf");
extern int gnu_vwscanf(const wchar_t *, va_list) __asm__("vwscanf");

static FILE *out;

static void tell(const char *what, long ret)
{
	fprintf(out, "%s %ld\n", what, ret);
}

static int body(void *argument)
{
	return argument != NULL;
}

static void threads(void)
{
	struct timespec span = {0, 1};
	thrd_t thread;
	int ret = thrd_create(&thread, body, NULL);

	tell("thrd_create", ret);
	if (ret == thrd_success)
		thrd_join(thread, NULL);
	tell("thrd_sleep", thrd_sleep(&span, NULL));
	span.tv_nsec = -1;
	tell("thrd_sleep of nonsense", thrd_sleep(&span, NULL));
}

static void events(void)
{
	eventfd_t value = 0;
	int fd = eventfd(0, EFD_NONBLOCK);

	tell("eventfd_write", eventfd_write(fd, 7));
	tell("eventfd_read", eventfd_read(fd, &value));
	tell("of", (long)value);
	tell("eventfd_read of nothing", eventfd_read(fd, &value));
	close(fd);
}

static void words(void)
{
	FILE *stream = fopen("words", "w+");

	NEED(stream);
	tell("putw", putw(0x41424344, stream));
	errno = 0;
	rewind(stream);
	tell("rewind", errno);
	clearerr(stream);
	fseeko(stream, 0, SEEK_SET);
	tell("getw", getw(stream));
	fclose(stream);
}

static int by_list(int (*scan)(FILE *, const char *, va_list), FILE *stream, const char *format,
		   ...)
{
	va_list more;
	int ret;

	va_start(more, format);
	ret = scan(stream, format, more);
	va_end(more);
	return ret;
}

static int wide_by_list(int (*scan)(FILE *, const wchar_t *, va_list), FILE *stream,
			const wchar_t *format, ...)
{
	va_list more;
	int ret;

	va_start(more, format);
	ret = scan ? scan(stream, format, more) : gnu_vwscanf(format, more);
	va_end(more);
	return ret;
}

static void narrow_lines(void)
{
	/* By dlsym: the linker warns of these names. */
	char line[64] = "", *(*old)(char *), *(*checked)(char *, size_t);
	int n = 0;

	*(void **)&old = dlsym(RTLD_DEFAULT, "gets");
	*(void **)&checked = dlsym(RTLD_DEFAULT, "__gets_chk");
	tell("gets", old(line) != NULL);
	tell("__gets_chk", checked(line, sizeof(line)) != NULL);
	tell("__vfscanf", by_list(gnu_vfscanf, stdin, "%d", &n));
	tell("of", n);
}

static void wide_lines(void)
{
	FILE *stream = fopen("numbers", "w");
	int n = 0;

	NEED(stream && fputs("2 3 4\n", stream) >= 0 && fclose(stream) == 0);
	NEED(freopen("numbers", "r", stdin));
	tell("wscanf", gnu_wscanf(L"%d", &n));
	tell("of", n);
	tell("vfwscanf", wide_by_list(gnu_vfwscanf, stdin, L"%d", &n));
	tell("of", n);
	clearerr(stdin);
	tell("vwscanf", wide_by_list(NULL, stdin, L"%d", &n));
	tell("of", n);
	tell("marked", ferror(stdin) != 0);
}

static void entries(void)
{
	DIR *directory = opendir(".");
	struct dirent entry, *found = &entry, **list = NULL;
	int before = errno;

	NEED(directory);
	tell("readdir_r", readdir_r(directory, &entry, &found));
	tell("found", found != NULL);
	while (found && readdir_r(directory, &entry, &found) == 0)
		;
	tell("at the end", found != NULL);
	tell("errno", errno != before);
	tell("scandirat", scandirat(AT_FDCWD, ".", &list, NULL, alphasort) > 0);
	closedir(directory);
}

static void names_of_hosts(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];

	tell("getnameinfo", getnameinfo((struct sockaddr *)&address, sizeof(address), host,
					sizeof(host), NULL, 0, NI_NUMERICHOST));
	tell("getnameinfo of nonsense",
	     getnameinfo((struct sockaddr *)&address, 1, host, sizeof(host), NULL, 0, 0));
}

int main(void)
{
	NEED(out = fdopen(dup(1), "w"));
	threads();
	events();
	words();
	narrow_lines();
	wide_lines();
	entries();
	names_of_hosts();
	return fclose(out);
}
