/*
 * control_events.c - see control.h: reading the event ring.
 *
 * A record is whole when its sequence says so, before and after it is copied, and its check agrees.
 * A writer killed in mid-record leaves a hole. It can't be told from a writer that only waits for a
 * processor, so a hole is waited for until it has stood long with younger records behind it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/control_impl.h"
#include "failpoint/names.h"

#define HOLE_NS INT64_C(2000000000)

enum { WAIT_SLICE_NS = 100000000 };
enum found { FOUND_WHOLE, FOUND_BROKEN, FOUND_NOTHING_YET };

static enum found read_record(struct control *control, uint64_t ticket, struct plane_event *out)
{
	struct plane_event *from = &plane_ring(control->head)[ticket % RING_MAX];
	uint64_t whole = ticket * 2 + 2;

	if (atomic_load(&from->sequence) != whole)
		return FOUND_NOTHING_YET;
	memcpy((char *)out + sizeof(out->sequence), (char *)from + sizeof(from->sequence),
	       sizeof(*out) - sizeof(out->sequence));
	if (atomic_load(&from->sequence) != whole)
		return FOUND_NOTHING_YET;
	return plane_event_check(out, ticket) == out->check ? FOUND_WHOLE : FOUND_BROKEN;
}

static void fill(struct control *control, uint64_t ticket, const struct plane_event *from,
		 struct control_event *out)
{
	const char *action = names_action(from->action);

	memset(out, 0, sizeof(*out));
	out->sequence = ticket + 1;
	out->ns = from->ns;
	out->kind = from->kind;
	out->rule = from->rule;
	out->ordinal = from->ordinal;
	out->pid = (pid_t)from->pid;
	out->tid = (pid_t)from->tid;
	out->fd = from->fd;
	out->error = from->error;
	out->result = from->result;
	snprintf(out->rule_name, sizeof(out->rule_name), "%.*s", (int)sizeof(from->rule_name),
		 from->rule_name);
	snprintf(out->subject, sizeof(out->subject), "%.*s", (int)sizeof(from->subject),
		 from->subject);
	snprintf(out->node, sizeof(out->node), "%s", control_node_name(control, from->node));
	snprintf(out->action, sizeof(out->action), "%s", action ? action : "");
	control_site_name(control, from->site, out->site, sizeof(out->site));
}

/* Is what stands at ticket a hole for good? */
static bool give_up(struct control *control, uint64_t ticket)
{
	uint64_t head = atomic_load(&control->head->ring_head);
	int64_t now = control_now_ns();

	if (head - ticket > RING_MAX)
		return true; /* it was overwritten while we looked */
	if (atomic_exchange(&control->stuck_sequence, ticket + 1) != ticket + 1) {
		atomic_store(&control->stuck_ns, now);
		return false;
	}
	return head > ticket + 1 && now - atomic_load(&control->stuck_ns) > HOLE_NS;
}

int control_event_next(struct control *control, uint64_t *sequence, uint64_t *lost,
		       struct control_event *out)
{
	struct plane_event record;

	for (;;) {
		uint64_t head = atomic_load(&control->head->ring_head);
		uint64_t ticket = *sequence;
		enum found found;

		if (ticket >= head)
			return 0;
		if (head - ticket > RING_MAX) {
			*lost += head - RING_MAX - ticket;
			*sequence = head - RING_MAX;
			continue;
		}
		found = read_record(control, ticket, &record);
		if (found == FOUND_NOTHING_YET && !give_up(control, ticket))
			return 0;
		*sequence = ticket + 1;
		if (found == FOUND_WHOLE) {
			fill(control, ticket, &record, out);
			return 1;
		}
		++*lost;
	}
}

int control_event_wait(struct control *control, uint64_t sequence, int64_t deadline_ns)
{
	_Atomic uint32_t *word = &control->head->event_waiters;

	while (atomic_load(&control->head->ring_head) <= sequence) {
		uint32_t seen = atomic_fetch_or(word, 1) | 1;
		int64_t left = WAIT_SLICE_NS;

		if (atomic_load(&control->head->ring_head) > sequence)
			break;
		if (deadline_ns >= 0 && deadline_ns - control_now_ns() < left)
			left = deadline_ns - control_now_ns();
		if (left <= 0)
			return -ETIMEDOUT;
		if (control_futex_wait(word, seen, left) == -EINTR)
			return -EINTR;
	}
	return 0;
}
