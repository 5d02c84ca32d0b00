/*
 * fuzz_plane.c - a target survives any bytes in its plane.
 *
 * The input is a list of changes: part, place, length, bytes. They are written into a plane with
 * rules of many kinds, to which this process is attached; then it passes through sites as a wrapper
 * would, and, in some inputs, a forked child attaches anew. What a changed rule legitimately does
 * to a target (end it, stop it) is taken out of it first.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failkit/control.h"
#include "failpoint/control_impl.h"
#include "failpoint/engine.h"
#include "failpoint/plane.h"
#include "failpoint/rawsys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGE_HEAD = 8, CHANGE_BYTES_MAX = 64, PASSES = 3 };

static const char rules[] =
	"a := write:path=*.wal = 3*off->10%error(EIO);"
	"b := %sync:ret=ok => %write:within=5s:same=fd = 2*error(ENOSPC), print(x);"
	"c := write:per=path = 2..9+3@short(50%);"
	"d := read:path~\"ab*c\" = corrupt(bits=3);"
	"e := openat,rename:from=/a/**:to=/b/* = 50%error_after(EIO);"
	"f := send,write:peer=127.0.0.1:port=80 = error(EPIPE);"
	"g := write:offset>=4096:len<100:per=fd = quota(1M);"
	"h := write:node=n1:role!=r:comm=f* = lie;"
	"i := app/point:per=thread = return(5);"
	"j := write:data~\"xx\":flags&1 = torn(3)";

static struct control *control;
static uint8_t *pristine;
static size_t plane_bytes;

static const struct subject *resolve(struct hit *hit)
{
	static const struct subject subject = {
		.path = "/data/x/1.wal", .path2 = "/b/2", .file = FILE_REG};

	(void)hit;
	return &subject;
}

static bool verify(struct hit *hit)
{
	(void)hit;
	return true;
}

static void reset(int fd)
{
	(void)fd;
}

static const struct subject_ops ops = {.resolve = resolve, .verify = verify, .reset = reset};

static void set_up(void)
{
	char folder[] = "/tmp/failkit-fuzz-XXXXXX";
	struct why why = {""};

	if (!mkdtemp(folder))
		abort();
	setenv("FAILKIT_DIR", folder, 1);
	if (control_create(&control, "f", NULL, &why) ||
	    control_node(control, "n1", "r", 0x7f000001, &why) ||
	    control_set_each(control, rules, 0, NULL, NULL, &why)) {
		fprintf(stderr, "%s\n", why.text);
		abort();
	}
	setenv("FAILKIT_PLANE", control_path(control), 1);
	setenv("FAILKIT_NODE", "n1", 1);
	engine_init(&ops);
	/* Mapped, it needs its name no longer. */
	control_unlink(control);
	rmdir(folder);
	plane_bytes = control->head->plane_bytes;
	pristine = malloc(plane_bytes);
	if (!pristine)
		abort();
	memcpy(pristine, control->head, plane_bytes);
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* One change; returns its length in the input, 0 at the end. */
static size_t change(const uint8_t *data, size_t size)
{
	struct plane_head *head = control->head;
	uint8_t *base = (uint8_t *)head;
	size_t room = sizeof(*head), length, place;

	if (size < CHANGE_HEAD + 1)
		return 0;
	unsigned part = data[0] % (PART_COUNT + 1);
	if (part < PART_COUNT) {
		const struct plane_part *p =
			&((const struct plane_head *)(void *)pristine)->part[part];

		/* The first entries are those in use. */
		base += (size_t)p->offset_pages * 4096;
		room = (size_t)p->stride_bytes * (p->count < 16 ? p->count : 16);
	}
	length = 1 + data[1] % CHANGE_BYTES_MAX;
	if (length > size - CHANGE_HEAD)
		length = size - CHANGE_HEAD;
	place = word(data + 2) % room;
	if (length > room - place)
		length = room - place;
	memcpy(base + place, data + CHANGE_HEAD, length);
	return CHANGE_HEAD + length;
}

/* A rule that ends or stops its target does what it says. */
static void draw_teeth(struct plane_rule *r, bool whole)
{
	for (int i = 0; i < RULE_ACTION_MAX; i++)
		switch (r->rule.action[i].kind) {
		case ACTION_KILL:
		case ACTION_ABORT:
		case ACTION_EXIT:
		case ACTION_POWERCUT:
		case ACTION_PAUSE:
		case ACTION_DELAY:
		case ACTION_RATE:
			r->rule.action[i].kind = ACTION_PRINT;
		}
	/* Past the check of its text, too. */
	if (whole)
		r->rule.hash = raw_hash(r->rule.text, strnlen(r->rule.text, sizeof(r->rule.text)));
}

static void pass(uint32_t site, int fd, const char *path)
{
	static uint8_t bytes[256];
	struct hit_flip flips[HIT_FLIP_MAX];
	struct hit hit = {.site = site,
			  .fd = fd,
			  .dirfd = -1,
			  .dirfd2 = -1,
			  .offset = -1,
			  .path = path,
			  .path2 = path,
			  .len = sizeof(bytes),
			  .data = bytes,
			  .can_return_value = true};

	if (engine_enter(&hit) == HIT_CALL) {
		hit.ret = (int64_t)hit.len;
		hit.err = 0;
	}
	if (hit.corrupt_bits)
		engine_flips(&hit, sizeof(bytes), flips);
	engine_leave(&hit);
}

static void pass_all(void)
{
	for (int i = 0; i < PASSES; i++) {
		pass(CALL_write, 5, NULL);
		pass(CALL_fsync, 5, NULL);
		pass(CALL_read, 6, NULL);
		pass(CALL_send, 7, NULL);
		pass(CALL_openat, -1, "/a/b/c.wal");
		pass(CALL_rename, -1, "/a/b/d");
		pass(SITE_POINT, -1, NULL);
	}
}

/* Takes a slot in the plane as it is. */
static void pass_in_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		engine_forked();
		pass_all();
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && status) {
		fprintf(stderr, "the child ended with %#x\n", (unsigned)status);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t used;

	if (!control)
		set_up();
	if (size < 1)
		return 0;
	uint8_t flags = *data++;
	size--;
	memcpy(control->head, pristine, plane_bytes);
	for (; (used = change(data, size)); data += used, size -= used)
		;
	for (int i = 0; i < RULE_MAX; i++)
		draw_teeth(&plane_rules(control->head)[i], flags & 2);
	plane_check(control->head, plane_bytes);
	pass_all();
	if (flags & 4)
		pass_in_child();
	return 0;
}
