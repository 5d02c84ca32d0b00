/* failctl_watch.c - `failctl watch`: events as they happen. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failpoint/calls.h"
#include "failpoint/failctl.h"

enum { LOOK_NS = 200000000, RETRY_NS = 200000 };

static const char *const kinds[] = {
	[EVENT_FIRE] = "fire",   [EVENT_BEGIN] = "begin", [EVENT_END] = "end",
	[EVENT_PRINT] = "print", [EVENT_WARN] = "warn",
};

static const char *kind_name(const struct control_event *event)
{
	return event->kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[event->kind] : "?";
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void print_time(int64_t monotonic_ns)
{
	int64_t wall_ns = monotonic_ns + now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
	time_t seconds = wall_ns / 1000000000;
	struct tm local;

	localtime_r(&seconds, &local);
	printf("%02d:%02d:%02d.%06d", local.tm_hour, local.tm_min, local.tm_sec,
	       (int)(wall_ns % 1000000000 / 1000));
}

static void print_event(const struct control_event *event)
{
	const char *name = calls_errno_name(event->error);

	print_time(event->ns);
	printf(" %-5s ", kind_name(event));
	if (event->node[0])
		printf("%s ", event->node);
	printf("%d/%d %s #%llu %s", (int)event->pid, (int)event->tid, event->rule_name,
	       (unsigned long long)event->ordinal, event->site);
	if (event->subject[0]) {
		putchar(' ');
		print_text(event->subject);
	}
	if (event->fd >= 0)
		printf(" fd %d", event->fd);
	printf(": %s", event->action);
	if (event->kind != EVENT_BEGIN && event->kind != EVENT_PRINT)
		printf(" = %lld", (long long)event->result);
	if (event->error)
		printf(" %s", name ? name : strerror(event->error));
	putchar('\n');
}

static json_t *event_json(const struct control_event *event)
{
	const char *name = calls_errno_name(event->error);

	return json_pack(
		"{s:I, s:I, s:s, s:I, s:o, s:I, s:i, s:i, s:o, s:o, s:s, s:o, s:i, s:I, s:i,"
		" s:s?}",
		"sequence", (json_int_t)event->sequence, "ns", (json_int_t)event->ns, "kind",
		kind_name(event), "rule", (json_int_t)event->rule, "rule_name",
		json_text(event->rule_name), "ordinal", (json_int_t)event->ordinal, "pid",
		(int)event->pid, "tid", (int)event->tid, "node", json_text(event->node), "site",
		json_text(event->site), "action", event->action, "subject",
		json_text(event->subject), "fd", event->fd, "result", (json_int_t)event->result,
		"error", event->error, "errno", event->error ? name : NULL);
}

static void show(const struct args *args, const struct control_event *event)
{
	if (args->json)
		print_json(event_json(event), true);
	else
		print_event(event);
	fflush(stdout);
}

static void tell_lost(uint64_t *lost)
{
	if (*lost)
		say("%llu events were overwritten before they were read",
		    (unsigned long long)*lost);
	*lost = 0;
}

/* Shows what there is; true when count events were shown, or our reader went. */
static bool show_all(struct control *control, const struct args *args, uint64_t *sequence,
		     uint64_t *shown)
{
	struct control_event event;
	uint64_t lost = 0;

	while (control_event_next(control, sequence, &lost, &event)) {
		tell_lost(&lost);
		show(args, &event);
		if (ferror(stdout) || (args->given & TAKES(COUNT) && ++*shown >= args->count))
			return true;
	}
	return false;
}

/* Until then, or until the plane was removed and its last events are shown. */
static void follow(struct control *control, const struct args *args)
{
	uint64_t sequence = 0, lost = 0, shown = 0;
	struct control_event event;
	bool removed = false;

	while (!args->past && control_event_next(control, &sequence, &lost, &event))
		;
	while (!show_all(control, args, &sequence, &shown) && !removed) {
		/* A ticket may be given out whose record is not whole yet. */
		if (control_event_wait(control, sequence, now_ns(CLOCK_MONOTONIC) + LOOK_NS) == 0)
			nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
		removed = access(control_path(control), F_OK) < 0;
	}
}

int command_watch(struct args *args)
{
	struct control *control;
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	follow(control, args);
	control_close(control);
	return ferror(stdout) ? EXIT_ENVIRONMENT : 0;
}
