/*
 * event.c - writes one record into the ring of events. See plane.h for its protocol.
 *
 * A ticket names the record; its sequence is odd while it is written. A writer that was stopped for
 * a whole lap overwrites a younger record, so the check hashes the ticket too: the reader finds
 * neither.
 */
#include "failpoint/core.h"

/* Appends to a text that always ends with a 0. */
struct line {
	char *text;
	size_t size, used;
};

static void add(struct line *line, const char *text)
{
	line->used += raw_copy(line->text + line->used, line->size - line->used, text, SIZE_MAX);
}

static void add_number(struct line *line, uint64_t number)
{
	char digits[RAW_DIGITS];

	raw_number(digits, number);
	add(line, digits);
}

static void add_hex(struct line *line, unsigned number)
{
	char digits[5];
	size_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (number >> shift || shift == 0)
			digits[n++] = "0123456789abcdef"[number >> shift & 15];
	digits[n] = 0;
	add(line, digits);
}

static bool is_mapped(const uint8_t address[16])
{
	for (int i = 0; i < 10; i++)
		if (address[i])
			return false;
	return address[10] == 0xff && address[11] == 0xff;
}

static void add_address(struct line *line, const uint8_t address[16], unsigned port)
{
	bool mapped = is_mapped(address);

	add(line, mapped ? "peer " : "peer [");
	for (int i = mapped ? 12 : 0; i < 16; i += mapped ? 1 : 2) {
		if (mapped)
			add_number(line, address[i]);
		else
			add_hex(line, (unsigned)address[i] << 8 | address[i + 1]);
		if (i < 14 + mapped)
			add(line, mapped ? "." : ":");
	}
	add(line, mapped ? ":" : "]:");
	add_number(line, port);
}

/* The tail of what is too long, begun with "...". */
static void add_tail(struct line *line, const char *text)
{
	size_t length = raw_length(text);

	if (length >= line->size) {
		add(line, "...");
		text += length - (line->size - 4);
	}
	add(line, text);
}

static void write_subject(struct plane_event *event, struct hit *hit, const char *text)
{
	struct line line = {event->subject, sizeof(event->subject), 0};
	const struct subject *subject;

	event->subject[0] = 0;
	if (text) {
		add_tail(&line, text);
		return;
	}
	subject = match_subject(hit);
	if (!subject)
		return;
	if (subject->path)
		add_tail(&line, subject->path);
	else if (subject->peer_port)
		add_address(&line, subject->peer, subject->peer_port);
}

static void wake_watchers(void)
{
	_Atomic uint32_t *waiters = &core.head->event_waiters;
	uint32_t value = atomic_load(waiters);

	if (value & 1 && atomic_compare_exchange_strong(waiters, &value, value + 1))
		raw_futex_wake_all(waiters);
}

void event_write(struct hit *hit, const struct firing *firing, int kind,
		 const struct rule_action *action, const char *text)
{
	uint64_t ticket = atomic_fetch_add(&core.head->ring_head, 1);
	struct plane_event *event = &core.ring[ticket & (RING_MAX - 1)];

	atomic_exchange(&event->sequence, ticket * 2 + 1);
	event->ns = raw_now_ns();
	event->rule = firing->rule;
	event->ordinal = firing->ordinal;
	event->pid = whose_pid();
	event->tid = whose_tid();
	event->node = (uint16_t)core.node;
	event->site = (uint16_t)hit->site;
	event->kind = (uint8_t)kind;
	event->action = action->kind;
	event->pad = 0;
	event->result = hit->ret;
	event->fd = hit->fd;
	event->error = hit->err;
	for (size_t i = 0; i < sizeof(event->rule_name); i++)
		event->rule_name[i] = firing->name[i];
	for (size_t i = 0; i < sizeof(event->subject); i++)
		event->subject[i] = 0;
	write_subject(event, hit, text);
	event->check = plane_event_check(event, ticket);
	atomic_store_explicit(&event->sequence, ticket * 2 + 2, memory_order_release);
	wake_watchers();
}

void event_uncounted(const struct meeting *meeting)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	struct rule_action none = {.kind = ACTION_OFF};
	struct firing firing = {.rule = meeting->id, .index = meeting->index};

	count_up(&core.counts[meeting->index].uncounted, meeting->id, 0);
	if (!atomic_flag_test_and_set(&said))
		event_write(meeting->hit, &firing, EVENT_WARN, &none,
			    "no room left to count by per= or same=: matches are lost");
}
