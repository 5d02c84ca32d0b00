/* failctl_say.c - messages, and the few steps that most commands begin with. See failctl.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "failpoint/failctl.h"

void say(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("failctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void say_unlisted(const struct control_process *process)
{
	if (process->unlisted)
		say("%u sleeps of \"%s\" (%d) were of more threads than are listed: ps doesn't "
		    "show "
		    "them, wait --paused doesn't count them",
		    process->unlisted, process->comm, (int)process->pid);
}

static int exit_code(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -EINVAL:
	case -ENOTSUP:
		return EXIT_USAGE;
	case -ENOENT:
	case -ETIMEDOUT:
		return EXIT_NO;
	default:
		return EXIT_ENVIRONMENT;
	}
}

int say_why(int rc, const struct why *why)
{
	if (rc)
		say("%s", why->text);
	return exit_code(rc);
}

int open_plane(const struct args *args, struct control **out)
{
	struct why why = {""};
	int rc = control_open(out, args->plane, &why);

	if (!rc)
		return 0;
	say("%s%s", why.text, rc == -EINVAL && !args->plane ? " (-p NAME)" : "");
	return rc == -EINVAL && !args->plane ? EXIT_USAGE : EXIT_ENVIRONMENT;
}

int64_t deadline_after(const struct args *args, int64_t otherwise_ns)
{
	int64_t ns = args->given & TAKES(TIMEOUT) ? args->timeout_ns : otherwise_ns;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ns < 0 ? -1 : (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + ns;
}

char *join_words(char *const words[])
{
	size_t size = 1;
	char *text;

	for (char *const *word = words; *word; word++)
		size += strlen(*word) + 1;
	text = calloc(1, size);
	for (char *const *word = words; text && *word; word++) {
		if (word != words)
			strcat(text, " ");
		strcat(text, *word);
	}
	return text;
}
