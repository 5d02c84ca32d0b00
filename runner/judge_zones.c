/* judge_zones.c - see judge_zones.h. */
#include "runner/judge_zones.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "runner/judge_sort.h"
#include "runner/judge_values.h"

enum { WRITTEN = 1, OPTIONAL = 2, FAILED = 4, SEEN = 8 };

struct zone {
	uint64_t begin;      /* of the put */
	uint64_t f, s;       /* first end, last begin */
	uint64_t f_op, s_op; /* who set them */
	uint64_t put;
	uint64_t seen; /* a read of it */
	uint32_t flags;
};

struct judge_zones {
	struct judge_values values;
	struct zone *zone; /* by number of the value */
	size_t capacity;
	bool absent; /* was nothing ever read? */
	uint64_t absent_s, absent_op;
};

struct judge_zones *judge_zones_open(void)
{
	struct judge_zones *z = calloc(1, sizeof(*z));

	if (!z || judge_values_init(&z->values) < 0) {
		free(z);
		errno = ENOMEM;
		return NULL;
	}
	return z;
}

void judge_zones_close(struct judge_zones *z)
{
	if (!z)
		return;
	judge_values_fini(&z->values);
	free(z->zone);
	free(z);
}

void judge_zones_clear(struct judge_zones *z)
{
	judge_values_clear(&z->values);
	z->absent = false;
}

/* The zone of a value, an empty one if it is new; NULL without memory. */
static struct zone *zone_of(struct judge_zones *z, uint64_t value, uint64_t op)
{
	uint32_t known = z->values.count;

	if (known == z->capacity) {
		size_t capacity = z->capacity * 2 + 32;
		struct zone *more = realloc(z->zone, capacity * sizeof(*more));
		if (!more)
			return NULL;
		z->zone = more;
		z->capacity = capacity;
	}
	int64_t number = judge_values_number(&z->values, value);
	if (number < 0)
		return NULL;
	if (z->values.count > known)
		z->zone[number] = (struct zone){.f = JUDGE_NEVER, .f_op = op, .s_op = op};
	return &z->zone[number];
}

static void stretch(struct zone *zone, const struct judge_op *op)
{
	if (op->res < zone->f) {
		zone->f = op->res;
		zone->f_op = op->id;
	}
	if (op->inv >= zone->s) {
		zone->s = op->inv;
		zone->s_op = op->id;
	}
}

static int add_put(struct judge_zones *z, const struct judge_op *op)
{
	struct zone *zone = zone_of(z, op->value, op->id);

	if (!zone)
		return -ENOMEM;
	if (zone->flags & (WRITTEN | FAILED))
		return -EEXIST;
	zone->put = op->id;
	if (op->outcome == JUDGE_FAILED) {
		zone->flags |= FAILED;
		return 0;
	}
	zone->flags |= op->outcome == JUDGE_AMBIGUOUS ? WRITTEN | OPTIONAL : WRITTEN;
	zone->begin = op->inv;
	stretch(zone, op);
	return 0;
}

static int add_read(struct judge_zones *z, const struct judge_op *op)
{
	struct zone *zone = zone_of(z, op->value, op->id);

	if (!zone)
		return -ENOMEM;
	zone->flags |= SEEN;
	zone->seen = op->id;
	stretch(zone, op);
	return 0;
}

static int add_absent(struct judge_zones *z, const struct judge_op *op)
{
	if (!z->absent || op->inv >= z->absent_s) {
		z->absent_s = op->inv;
		z->absent_op = op->id;
	}
	z->absent = true;
	return 0;
}

int judge_zones_add(struct judge_zones *z, const struct judge_op *op)
{
	if (op->kind != JUDGE_PUT && op->kind != JUDGE_READ && op->kind != JUDGE_ABSENT)
		return -ENOTSUP;
	if (op->inv > op->res || (op->kind != JUDGE_ABSENT && op->value == JUDGE_NOTHING))
		return -EINVAL;
	if (op->kind == JUDGE_PUT)
		return add_put(z, op);
	if (op->outcome != JUDGE_KNOWN)
		return 0;
	return op->kind == JUDGE_READ ? add_read(z, op) : add_absent(z, op);
}

static void witness(struct judge_answer *a, uint64_t op)
{
	for (int i = 0; i < a->witnesses; i++)
		if (a->witness[i] == op)
			return;
	a->witness[a->witnesses++] = op;
}

static void violation(struct judge_answer *a, enum judge_reason reason, uint64_t op)
{
	*a = (struct judge_answer){.verdict = JUDGE_VIOLATION, .reason = reason, .op = op};
	witness(a, op);
}

/* A put that ends with a fence only counts because somebody read it. */
static void witness_zone(struct judge_answer *a, const struct zone *zone, bool s_too)
{
	witness(a, zone->f_op);
	if (s_too)
		witness(a, zone->s_op);
	if (zone->flags & OPTIONAL && zone->f_op == zone->put &&
	    (!s_too || zone->s_op == zone->put))
		witness(a, zone->seen);
}

/* What one value alone says; true if that is a violation. */
static bool check_alone(const struct judge_zones *z, const struct zone *zone,
			struct judge_answer *a)
{
	if (!(zone->flags & WRITTEN)) {
		violation(a, zone->flags & FAILED ? JUDGE_ABORTED : JUDGE_UNWRITTEN, zone->f_op);
		if (zone->flags & FAILED)
			witness(a, zone->put);
		return true;
	}
	if (zone->f < zone->begin) {
		violation(a, JUDGE_FUTURE, zone->f_op);
		witness(a, zone->put);
		return true;
	}
	if (z->absent && zone->f < z->absent_s) {
		violation(a, JUDGE_GONE, z->absent_op);
		witness_zone(a, zone, false);
		return true;
	}
	return false;
}

static void check_pair(enum judge_reason reason, const struct zone *one, const struct zone *other,
		       struct judge_answer *a)
{
	violation(a, reason, one->s > other->s ? one->s_op : other->s_op);
	witness_zone(a, one, true);
	witness_zone(a, other, true);
}

/* forward by f, backward by s: one walk over both finds what lies inside of what. */
static bool check_zones(const struct zone *zone, const struct judge_moment *forward, size_t nf,
			const struct judge_moment *backward, size_t nb, struct judge_answer *a)
{
	for (size_t i = 1; i < nf; i++)
		if (forward[i].key < zone[forward[i - 1].index].s) {
			check_pair(JUDGE_TWO, &zone[forward[i - 1].index], &zone[forward[i].index],
				   a);
			return true;
		}
	for (size_t i = 0, at = 0; i < nb; i++) {
		while (at < nf && forward[at].key < backward[i].key)
			at++;
		if (!at)
			continue;
		const struct zone *in = &zone[backward[i].index];
		const struct zone *around = &zone[forward[at - 1].index];
		if (in->f < around->s) {
			check_pair(JUDGE_INSIDE, around, in, a);
			return true;
		}
	}
	return false;
}

int judge_zones_check(struct judge_zones *z, struct judge_answer *a)
{
	uint32_t n = z->values.count;
	size_t nf = 0, nb = 0;
	struct judge_moment *moment = malloc((n + (size_t)1) * sizeof(*moment));
	int rc;

	if (!moment)
		return -ENOMEM;
	*a = (struct judge_answer){.verdict = JUDGE_OK, .steps = n};
	for (uint32_t i = 0; i < n;
	     i++) { /* forward zones from the left, backward from the right */
		const struct zone *zone = &z->zone[i];
		if (!(zone->flags & SEEN) && (!(zone->flags & WRITTEN) || zone->flags & OPTIONAL))
			continue;
		if (check_alone(z, zone, a)) {
			free(moment);
			return 0;
		}
		if (zone->f < zone->s)
			moment[nf++] = (struct judge_moment){.key = zone->f, .index = i};
		else
			moment[n - ++nb] = (struct judge_moment){.key = zone->s, .index = i};
	}
	struct judge_moment *backward = moment + n - nb;
	for (size_t i = 0; i < nb / 2; i++) { /* back into the order of appearance */
		struct judge_moment swap = backward[i];
		backward[i] = backward[nb - 1 - i];
		backward[nb - 1 - i] = swap;
	}
	rc = judge_sort(moment, nf);
	if (!rc)
		rc = judge_sort(backward, nb);
	if (!rc)
		check_zones(z->zone, moment, nf, backward, nb, a);
	free(moment);
	return rc;
}
