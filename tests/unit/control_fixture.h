/* control_fixture.h - a folder and a plane of its own for each test of the controller. */
#ifndef TESTS_UNIT_CONTROL_FIXTURE_H
#define TESTS_UNIT_CONTROL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "failpoint/control_impl.h"

struct fixture {
	char folder[64];
	struct control *control;
	struct why why;
};

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/failkit-unit.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	setenv("FAILKIT_DIR", f->folder, 1);
	*state = f;
	return control_create(&f->control, "unit", NULL, &f->why);
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	control_close(f->control);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	free(f);
	return system(command);
}

/* A process of the plane, which is us: every armed word is 0 so that raising shows. */
static inline struct plane_slot *fixture_slot(struct fixture *f, unsigned i)
{
	struct plane_slot *slot = &plane_slots(f->control->head)[i];
	struct identity self;

	identity_self(&self);
	for (unsigned before = 0; before < i; before++) {
		uint64_t free = 0;

		atomic_compare_exchange_strong(&plane_slots(f->control->head)[before].state, &free,
					       1 << 8 | SLOT_FREE);
	}
	slot->pid = self.pid;
	slot->start_ticks = self.start_ticks;
	slot->pidns_inode = self.pidns;
	atomic_store(&slot->state, 1 << 8 | SLOT_LIVE);
	return slot;
}

/* Sets one rule, which has to work. */
static inline uint64_t fixture_set(struct fixture *f, const char *text)
{
	uint64_t id = 0;
	int rc = control_set(f->control, text, 0, &id, NULL, &f->why);

	if (rc)
		fail_msg("%s: %s", text, f->why.text);
	return id;
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
