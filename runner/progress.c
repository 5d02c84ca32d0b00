/* progress.c - see progress.h. */
#include "runner/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/process.h"

static const int64_t S = 1000000000LL;

struct progress {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool terminal, drawn, ending;
	const char *phase;
	char fault[96];
	struct workload *workload;
	int64_t opened_ns, started_ns, ends_ns;
};

static void draw(struct progress *p)
{
	struct workload_status s;
	int64_t now = process_now_ns();
	int64_t left_ns = p->ends_ns > now ? p->ends_ns - now : 0;

	if (!p->workload)
		return;
	workload_status(p->workload, &s);
	fprintf(stderr,
		"%s%5.1fs  %-6s  %4.0fs left  %6.0f op/s  %llu ops  %llu errors  %llu ambiguous  "
		"%llu violations  %s%s",
		p->terminal ? "\r\033[K" : "", (double)(now - p->started_ns) / (double)S, p->phase,
		(double)left_ns / (double)S, s.ops_per_s, (unsigned long long)s.ops,
		(unsigned long long)s.errors, (unsigned long long)s.ambiguous,
		(unsigned long long)s.violations, p->fault, p->terminal ? "" : "\n");
	fflush(stderr);
	p->drawn = p->terminal;
}

static void *loop(void *arg)
{
	struct progress *p = arg;
	int64_t every_ns = p->terminal ? S / 4 : 5 * S;
	int64_t next_ns = p->opened_ns + every_ns;

	pthread_mutex_lock(&p->lock);
	while (!p->ending) {
		struct timespec until = {next_ns / S, next_ns % S};

		if (pthread_cond_timedwait(&p->changed, &p->lock, &until) != ETIMEDOUT)
			continue;
		draw(p);
		next_ns = process_now_ns() + every_ns;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int progress_open(struct progress **out, struct why *why)
{
	struct progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t monotonic;
	int error;

	if (!p)
		return why_set(why, -ENOMEM, "no memory for progress");
	p->terminal = isatty(2) == 1;
	p->phase = "boot";
	p->opened_ns = process_now_ns();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	error = pthread_create(&p->thread, NULL, loop, p);
	if (error) {
		free(p);
		return why_set(why, -error, "no thread: %s", strerror(error));
	}
	*out = p;
	return 0;
}

static void clear(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}

void progress_close(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->ending = true;
	clear(progress);
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

void progress_phase(struct progress *progress, const char *name)
{
	pthread_mutex_lock(&progress->lock);
	progress->phase = name;
	pthread_mutex_unlock(&progress->lock);
}

void progress_start(struct progress *progress, struct workload *workload, int64_t started_ns,
		    int64_t ends_ns)
{
	pthread_mutex_lock(&progress->lock);
	progress->workload = workload;
	progress->started_ns = started_ns;
	progress->ends_ns = ends_ns;
	pthread_mutex_unlock(&progress->lock);
}

void progress_stop(struct progress *progress)
{
	pthread_mutex_lock(&progress->lock);
	clear(progress);
	progress->workload = NULL;
	pthread_mutex_unlock(&progress->lock);
}

void progress_fault(struct progress *progress, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&progress->lock);
	va_start(args, format);
	vsnprintf(progress->fault, sizeof(progress->fault), format, args);
	va_end(args);
	pthread_mutex_unlock(&progress->lock);
}

void progress_news(struct progress *progress, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&progress->lock);
	clear(progress);
	fprintf(stderr, "%5.1fs  ",
		(double)(process_now_ns() -
			 (progress->started_ns ? progress->started_ns : progress->opened_ns)) /
			(double)S);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	pthread_mutex_unlock(&progress->lock);
}
