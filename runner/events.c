/* events.c - see events.h. */
#include "runner/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runner/fault.h"
#include "runner/process.h"

static const int64_t LOOK_NS = 100 * 1000000LL; /* how often the end is noticed */

struct events {
	struct control *control;
	struct ledger *ledger;
	pthread_t thread;
	_Atomic bool ending;
	uint64_t sequence, lost;
};

static void carry(struct events *e)
{
	struct control_event event;

	while (control_event_next(e->control, &e->sequence, &e->lost, &event) == 1)
		if (event.kind != EVENT_END)
			ledger_fire(e->ledger, fault_of_rule(event.rule_name), &event);
}

static void *loop(void *arg)
{
	struct events *e = arg;
	bool ending;

	do {
		ending = atomic_load(&e->ending);
		carry(e);
		if (!ending)
			control_event_wait(e->control, e->sequence, process_now_ns() + LOOK_NS);
	} while (!ending);
	return NULL;
}

int events_open(struct events **out, struct control *control, struct ledger *ledger,
		struct why *why)
{
	struct events *e = calloc(1, sizeof(*e));
	struct control_event old;
	int error;

	if (!e)
		return why_set(why, -ENOMEM, "no memory for events");
	e->control = control;
	e->ledger = ledger;
	/* In a plane that is another's, what was before is of no fault of ours. */
	while (control_event_next(control, &e->sequence, &e->lost, &old) == 1)
		continue;
	e->lost = 0;
	error = pthread_create(&e->thread, NULL, loop, e);
	if (error) {
		free(e);
		return why_set(why, -error, "no thread: %s", strerror(error));
	}
	*out = e;
	return 0;
}

uint64_t events_close(struct events *events)
{
	uint64_t lost;

	if (!events)
		return 0;
	atomic_store(&events->ending, true);
	pthread_join(events->thread, NULL);
	lost = events->lost;
	free(events);
	return lost;
}
