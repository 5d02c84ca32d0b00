/* test_control_events.c - the ring as a reader sees it: in order, overwritten, torn, with holes. */
#include "control_fixture.h"

#include <errno.h>
#include <pthread.h>

static struct plane_event *next_record(struct fixture *f, uint64_t *ticket)
{
	*ticket = atomic_fetch_add(&f->control->head->ring_head, 1);
	return &plane_ring(f->control->head)[*ticket % RING_MAX];
}

static void write_event(struct fixture *f, uint64_t rule)
{
	uint64_t ticket;
	struct plane_event *event = next_record(f, &ticket);

	event->rule = rule;
	event->site = (uint16_t)calls_find("fsync", 5);
	event->kind = EVENT_FIRE;
	event->action = ACTION_ERROR;
	event->fd = 5;
	strcpy(event->rule_name, "wal");
	strcpy(event->subject, "/data/x.wal");
	event->check = plane_event_check(event, ticket);
	atomic_store(&event->sequence, ticket * 2 + 2);
}

static void events_come_in_order_and_in_words(void **state)
{
	struct fixture *f = *state;
	uint64_t sequence = 0, lost = 0;
	struct control_event event;

	assert_int_equal(control_event_next(f->control, &sequence, &lost, &event), 0);
	write_event(f, 41);
	write_event(f, 42);
	assert_int_equal(control_event_next(f->control, &sequence, &lost, &event), 1);
	assert_int_equal(event.sequence, 1);
	assert_int_equal(event.rule, 41);
	assert_string_equal(event.site, "fsync");
	assert_string_equal(event.action, "error");
	assert_string_equal(event.rule_name, "wal");
	assert_string_equal(event.subject, "/data/x.wal");
	assert_int_equal(control_event_next(f->control, &sequence, &lost, &event), 1);
	assert_int_equal(event.sequence, 2);
	assert_int_equal(control_event_next(f->control, &sequence, &lost, &event), 0);
	assert_int_equal(lost, 0);
}

static void overwritten_events_are_counted(void **state)
{
	enum { WRITTEN = RING_MAX * 2 + 5 };
	struct fixture *f = *state;
	uint64_t sequence = 0, lost = 0, read = 0;
	struct control_event event;

	for (uint64_t i = 1; i <= WRITTEN; i++)
		write_event(f, i);
	while (control_event_next(f->control, &sequence, &lost, &event)) {
		assert_int_equal(event.rule, event.sequence);
		read++;
	}
	assert_int_equal(read, RING_MAX);
	assert_int_equal(read + lost, WRITTEN);
}

static int read_until(struct fixture *f, uint64_t *sequence, uint64_t *lost,
		      struct control_event *event)
{
	int64_t deadline = control_now_ns() + INT64_C(60000000000);
	int got;

	while (!(got = control_event_next(f->control, sequence, lost, event)))
		if (control_is_past(deadline))
			break;
	return got;
}

/* A writer that died with a ticket, and a record whose words don't belong together. */
static void holes_and_forgeries_are_lost(void **state)
{
	struct fixture *f = *state;
	uint64_t sequence = 0, lost = 0, ticket;
	struct control_event event;
	struct plane_event *hole = next_record(f, &ticket);

	atomic_store(&hole->sequence, ticket * 2 + 1);
	write_event(f, 8);
	plane_ring(f->control->head)[1].rule++;
	write_event(f, 9);
	assert_int_equal(read_until(f, &sequence, &lost, &event), 1);
	assert_int_equal(event.rule, 9);
	assert_int_equal(lost, 2);
}

static void *write_later(void *arg)
{
	struct fixture *f = arg;
	_Atomic uint32_t *waiters = &f->control->head->event_waiters;

	while (!(atomic_load(waiters) & 1))
		control_sleep_ns(100000);
	write_event(f, 1);
	atomic_fetch_add(waiters, 1);
	control_futex_wake(waiters);
	return NULL;
}

static void waiting_ends_with_an_event_or_the_deadline(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	assert_int_equal(control_event_wait(f->control, 0, control_now_ns()), -ETIMEDOUT);
	atomic_store(&f->control->head->event_waiters, 0);
	assert_int_equal(pthread_create(&thread, NULL, write_later, f), 0);
	assert_int_equal(control_event_wait(f->control, 0, -1), 0);
	pthread_join(thread, NULL);
}

static void fires_can_be_waited_for(void **state)
{
	struct fixture *f = *state;
	struct plane_count *counts = plane_counts(f->control->head);

	fixture_set(f, "w := fsync = off");
	assert_int_equal(control_wait_fired(f->control, "w", 1, control_now_ns(), &f->why),
			 -ETIMEDOUT);
	assert_string_equal(f->why.text, "rule \"w\" has fired 0 of 1");
	for (unsigned i = 0; i < RULE_MAX; i++)
		atomic_fetch_add(&counts[i].fires, 1);
	assert_int_equal(control_wait_fired(f->control, "w", 1, -1, &f->why), 0);
	assert_int_equal(control_wait_fired(f->control, "v", 1, -1, &f->why), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(events_come_in_order_and_in_words),
		FIXTURE_TEST(overwritten_events_are_counted),
		FIXTURE_TEST(holes_and_forgeries_are_lost),
		FIXTURE_TEST(waiting_ends_with_an_event_or_the_deadline),
		FIXTURE_TEST(fires_can_be_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
