/* check_progress.c - see check_progress.h. */
#include "runner/check_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "runner/process.h"

void check_progress_tell(struct check_progress *p, uint64_t operations)
{
	int64_t now = process_now_ns();

	if (!p->shown_ns)
		p->shown_ns = now;
	if (now - p->shown_ns < (p->written ? 200000000 : 1000000000))
		return;
	p->shown_ns = now;
	if (!isatty(STDERR_FILENO))
		return;
	p->written = true;
	fprintf(stderr, "\r\033[K%s: %llu operations", p->doing, (unsigned long long)operations);
}

void check_progress_end(struct check_progress *p)
{
	if (p->written)
		fprintf(stderr, "\r\033[K");
	p->written = false;
}
