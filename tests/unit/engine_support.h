/*
 * engine_support.h - a plane in a folder of the test's own, and hits made by hand.
 *
 * The test is controller and target at once: it sets rules through control.h and passes through
 * sites as a wrapper would. Facts about subjects come from the hit itself: its path, and for fds
 * below 64 a table that the test fills.
 */
#ifndef TESTS_UNIT_ENGINE_SUPPORT_H
#define TESTS_UNIT_ENGINE_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "failkit/control.h"
#include "failpoint/engine.h"
#include "failpoint/plane.h"

#define UNUSED __attribute__((unused))

enum { FAKE_FDS = 64, DEADLINE_S = 60 };

static struct control *control;
static char folder[] = "/tmp/failkit-engine-XXXXXX";
static struct why why;
static struct subject fakes[FAKE_FDS];             /* by fd */
static _Atomic unsigned resolved, verified, stale; /* stale: how many verifications are to say no */
static _Atomic int resets;

static UNUSED void (*on_resolve)(void); /* called within the engine */

static UNUSED int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static UNUSED int64_t deadline(void)
{
	return now_ns() + DEADLINE_S * INT64_C(1000000000);
}

static UNUSED const struct subject *fake_resolve(struct hit *hit)
{
	static __thread struct subject path;

	resolved++;
	if (on_resolve)
		on_resolve();
	if (hit->path) {
		path = (struct subject){.path = hit->path, .path2 = hit->path2, .file = FILE_REG};
		return &path;
	}
	return hit->fd >= 0 && hit->fd < FAKE_FDS ? &fakes[hit->fd] : NULL;
}

static UNUSED bool fake_verify(struct hit *hit)
{
	verified++;
	if (!stale)
		return true;
	stale--;
	hit->subject = fake_resolve(hit);
	return false;
}

static uint64_t known_as; /* what fake_known() says; 0: nothing is known */

static UNUSED uint64_t fake_known(const struct hit *hit)
{
	(void)hit;
	return known_as;
}

static UNUSED void fake_reset(int fd)
{
	(void)fd;
	resets++;
}

static const UNUSED struct subject_ops fake_ops = {
	.resolve = fake_resolve, .verify = fake_verify, .known = fake_known, .reset = fake_reset};

/* cmocka's setup of the group: a plane with three nodes; this process is n1. */
static UNUSED int open_plane(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("FAILKIT_DIR", folder, 1);
	assert_int_equal(control_create(&control, "t", &(struct control_options){.seed = 42}, &why),
			 0);
	assert_int_equal(control_node(control, "n1", "role1", 0x7f000001, &why), 0);
	assert_int_equal(control_node(control, "n2", "role2", 0x7f000002, &why), 0);
	setenv("FAILKIT_PLANE", control_path(control), 1);
	setenv("FAILKIT_NODE", "n1", 1);
	engine_init(&fake_ops);
	return 0;
}

static UNUSED int close_plane(void **state)
{
	(void)state;
	control_unlink(control);
	control_close(control);
	return rmdir(folder);
}

static UNUSED uint64_t set_rule(const char *text)
{
	uint64_t id = 0;
	char name[64];
	int rc = control_set(control, text, 0, &id, name, &why);

	if (rc)
		fail_msg("%s: %s", text, why.text);
	return id;
}

static UNUSED void heal(void)
{
	assert_int_equal(control_heal(control, deadline(), &why), 0);
}

static UNUSED struct control_rule rule_named(const char *name)
{
	struct control_rule rule;

	assert_int_equal(control_rule(control, name, &rule, &why), 0);
	return rule;
}

static UNUSED struct hit hit_of(unsigned call, int fd)
{
	return (struct hit){.site = call, .fd = fd, .dirfd = -1, .dirfd2 = -1, .offset = -1};
}

/* What a wrapper does, around a call that returns ret or fails with err. */
static UNUSED void pass(struct hit *hit, int64_t ret, int err)
{
	if (engine_enter(hit) == HIT_CALL) {
		hit->ret = ret;
		hit->err = err;
	}
	engine_leave(hit);
}

static UNUSED int pass_fd(unsigned call, int fd)
{
	struct hit hit = hit_of(call, fd);

	pass(&hit, 0, 0);
	return hit.err;
}

static UNUSED int pass_path(unsigned call, const char *path)
{
	struct hit hit = hit_of(call, -1);

	hit.path = path;
	pass(&hit, 0, 0);
	return hit.err;
}

/* "F" for EIO, "N" for ENOSPC, "." for success, "?" for what should not be. */
static UNUSED char letter(int err)
{
	return err == 0 ? '.' : err == EIO ? 'F' : err == ENOSPC ? 'N' : '?';
}

#endif
