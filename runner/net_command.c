/* net_command.c - see net_command.h. */
#include "runner/net_command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/process.h"

enum { WORD_MAX = 48, TEXT_MAX = 8192 };
static const int64_t limit_ns = INT64_C(10000000000);

/* Where a program of the system's administrator is: the PATH of others does not lead there. */
static int locate(const char *name, char *path, size_t size, struct why *why)
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin",
					      "/bin"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, size, "%s/%.200s", folders[i], name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return why_set(why, -ENOENT, "there is no %s", name);
}

/* Divides text, which is written to. */
static int start(char *text, char *output, struct why *why)
{
	static const char *const environment[] = {"LC_ALL=C",
						  "XTABLES_LOCKFILE=/dev/shm/xtables.lock",
						  "PATH=/usr/sbin:/sbin:/usr/bin:/bin", NULL};
	const char *argv[WORD_MAX];
	char program[600], *rest = text;
	struct process_options options = {.argv = argv, .environment = environment, .output = -1};
	int words = 0, status, r;

	while (words + 1 < WORD_MAX && (argv[words] = strtok_r(rest, " ", &rest)))
		words++;
	argv[words] = NULL;
	r = locate(text, program, sizeof(program), why);
	if (r)
		return r;
	argv[0] = program;
	r = process_run(&options, process_now_ns() + limit_ns, output, NET_OUTPUT_MAX, &status,
			why);
	if (r)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	output[strcspn(output, "\n")] = 0;
	return why_set(why, -EIO, "%s: %.200s", argv[0],
		       *output ? output : "failed without a word");
}

int net_command(char *output, struct why *why, const char *format, ...)
{
	char text[TEXT_MAX], *own = NULL;
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		return why_set(why, -ENOSPC, "a command of %d characters is too long", n);
	if (!output)
		output = own = malloc(NET_OUTPUT_MAX);
	r = output ? start(text, output, why) : why_set(why, -ENOMEM, "no memory");
	free(own);
	return r;
}
