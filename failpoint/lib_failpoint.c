/*
 * lib_failpoint.c - libfailpoint: from the records that failpoint.h leaves to the engine's sites.
 *
 *     module -> module -> ...        one a program or shared object
 *       |  records { armed, name, id, kind }
 *       v
 *     plane's points: name -> number;  armed -> slot->point[number]
 *
 * A record points to its own word at first, which is raised: so the first passage comes here, also
 * before any constructor. Without a plane that word is lowered and the failpoint costs nothing.
 *
 * Constructors and destructors of modules run under the loader's lock, so the list has one writer.
 * Readers (after a fork, in the child) go along it without a lock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FAILPOINT_NO_MODULE
#include "failkit/failpoint.h"
#include "failpoint/core.h"
#include "failpoint/lib_private.h"

enum { POINT_BUSY_SPINS = 100000, POINT_FREE = 0, POINT_WRITTEN = 1, POINT_NAMED = 2 };

static struct failpoint_module *_Atomic modules;

/* ---- Names and numbers ---- */

static const char *site_name(const struct failpoint_site *site)
{
	return (const char *)&site->name + site->name;
}

static bool point_has(struct plane_point *point, const char *name, uint64_t hash)
{
	uint32_t used = atomic_load_explicit(&point->used, memory_order_acquire);

	/* Whoever writes it was fast, or was killed: then the place is lost. */
	for (int i = 0; used == POINT_WRITTEN && i < POINT_BUSY_SPINS; i++) {
		raw_yield();
		used = atomic_load_explicit(&point->used, memory_order_acquire);
	}
	return used == POINT_NAMED && atomic_load(&point->hash) == hash &&
	       strncmp(point->name, name, POINT_NAME_MAX - 1) == 0;
}

static bool point_claim(struct plane_point *point, const char *name, uint64_t hash)
{
	uint32_t unused = POINT_FREE;

	if (!atomic_compare_exchange_strong(&point->used, &unused, POINT_WRITTEN))
		return false;
	raw_copy(point->name, POINT_NAME_MAX, name, SIZE_MAX);
	atomic_store(&point->hash, hash);
	atomic_store(&point->used, POINT_NAMED);
	return true;
}

/* The number of a name in the plane, the same in every process; -1 when there is no more room. */
static int point_number(const char *name)
{
	uint64_t hash = raw_hash(name, strlen(name));

	for (unsigned n = 0; n < POINT_MAX; n++) {
		unsigned i = (unsigned)(hash + n) % POINT_MAX;
		struct plane_point *point = &core.points[i];

		if (point_has(point, name, hash) || point_claim(point, name, hash) ||
		    point_has(point, name, hash))
			return (int)i;
	}
	return -1;
}

static bool takes_value(const struct failpoint_site *site)
{
	return site->kind == FAILPOINT_FAILS || site->kind == FAILPOINT_RETURNS;
}

static void set_armed(struct failpoint_site *site, const unsigned *armed)
{
	__atomic_store_n(&site->armed, armed, __ATOMIC_RELEASE);
}

static void site_silence(struct failpoint_site *site)
{
	__atomic_store_n(&site->raised, 0, __ATOMIC_RELAXED);
	set_armed(site, &site->raised);
}

/* Points the site at its word in the slot, or at its own when nothing can come. */
static void site_settle(struct failpoint_site *site)
{
	const char *name = site_name(site);
	uint64_t bit;
	int number;

	if (!core.head || !core.slot) {
		site_silence(site);
		return;
	}
	number = point_number(name);
	if (number < 0) {
		attach_say(name, "no room for another failpoint in the plane; it never fires");
		site_silence(site);
		return;
	}
	if (takes_value(site))
		__atomic_fetch_or(&core.points[number].kinds, 1, __ATOMIC_RELAXED);
	bit = UINT64_C(1) << number % 64;
	if (!(atomic_fetch_or(&core.slot->points[number / 64], bit) & bit))
		atomic_fetch_add(&core.slot->point_count, 1);
	__atomic_store_n(&site->id, (unsigned)number + 1, __ATOMIC_RELEASE);
	set_armed(site, (const unsigned *)(const void *)&core.slot->point[number]);
}

static void module_settle(struct failpoint_module *module)
{
	for (struct failpoint_site *site = module->begin; site < module->end; site++)
		site_settle(site);
}

static void settle_all(void)
{
	for (struct failpoint_module *m = atomic_load(&modules); m; m = m->next)
		module_settle(m);
}

/* ---- Beginning ---- */

static void begin_once(void)
{
	const char *plane = getenv("FAILKIT_PLANE"), *rules = getenv("FAILPOINTS");
	struct plane_head *head = NULL;

	attach_changed = settle_all;
	pthread_atfork(NULL, NULL, engine_forked);
	if (rules && *rules && plane && *plane)
		attach_say("FAILPOINTS", "not used, since FAILKIT_PLANE is set");
	else if (rules && *rules)
		head = private_plane(rules);
	if (head)
		attach_private(head);
	else
		engine_init(NULL);
}

static void begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, begin_once);
}

void failpoint_register(struct failpoint_module *module)
{
	if (module->registered)
		return;
	module->registered = 1;
	begin();
	module->next = atomic_load(&modules);
	atomic_store(&modules, module);
	module_settle(module);
}

void failpoint_unregister(struct failpoint_module *module)
{
	struct failpoint_module *m = atomic_load(&modules);

	if (!module->registered)
		return;
	module->registered = 0;
	if (m == module) {
		atomic_store(&modules, module->next);
		return;
	}
	while (m && m->next != module)
		m = m->next;
	if (m)
		m->next = module->next;
}

/* ---- Passing ---- */

static bool pass(struct failpoint_site *site, struct hit *hit)
{
	int saved = errno;
	bool done;

	begin();
	if (!__atomic_load_n(&site->id, __ATOMIC_ACQUIRE))
		site_settle(site);
	hit->site = SITE_POINT + __atomic_load_n(&site->id, __ATOMIC_ACQUIRE) - 1;
	hit->fd = hit->dirfd = hit->dirfd2 = -1;
	hit->offset = -1;
	hit->can_return_value = takes_value(site);
	if (!core.head || hit->site < SITE_POINT)
		return false;
	done = engine_enter(hit) == HIT_DONE;
	if (!done)
		engine_leave(hit);
	errno = saved;
	return done;
}

void failpoint_act(struct failpoint_site *site)
{
	struct hit hit = {0};

	pass(site, &hit);
}

int failpoint_fails(struct failpoint_site *site)
{
	struct hit hit = {0};

	if (!pass(site, &hit))
		return 0;
	if (hit.err)
		errno = hit.err;
	return hit.err || hit.ret;
}

int failpoint_returns(struct failpoint_site *site, long long *value)
{
	struct hit hit = {0};

	if (!pass(site, &hit))
		return 0;
	*value = hit.ret;
	if (!hit.err)
		return 2;
	errno = hit.err;
	return 1;
}

size_t failpoint_damages(struct failpoint_site *site, void *buffer, size_t length)
{
	struct hit hit = {.len = length, .data = buffer};
	struct hit_flip flips[HIT_FLIP_MAX];
	unsigned count;

	pass(site, &hit);
	count = engine_flips(&hit, hit.len, flips);
	for (unsigned i = 0; i < count; i++)
		((unsigned char *)buffer)[flips[i].at] ^= flips[i].mask;
	return (size_t)hit.len;
}
