/* report_recovery.c - how long recovery took, by kind of fault and role; see report.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report.h"

/* "ds2" -> "ds", "fe1>ds2" -> "fe>ds". */
static void role_of(const char *whom, char *role, size_t size)
{
	size_t used = 0;

	for (; *whom && used + 1 < size; whom++)
		if (!isdigit((unsigned char)*whom))
			role[used++] = *whom;
	role[used] = 0;
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool is_of(const struct report_fault *f, const struct report_recovery *group)
{
	char role[sizeof(group->role)];

	role_of(f->whom, role, sizeof(role));
	return f->reached_ns && strcmp(f->kind, group->kind) == 0 && strcmp(role, group->role) == 0;
}

/* ns: room for as many numbers as there are faults. */
static void gather(const struct report *r, struct report_recovery *group, int64_t *ns)
{
	for (int i = 0; i < r->faults; i++) {
		const struct report_fault *f = &r->fault[i];

		if (!is_of(f, group))
			continue;
		group->reached++;
		group->fired += f->fires > 0;
		if (f->gated_ns && f->healed_ns)
			ns[group->gated++] = f->gated_ns - f->healed_ns;
	}
	if (group->gated == 0)
		return;
	qsort(ns, (size_t)group->gated, sizeof(*ns), by_size);
	group->min_ns = ns[0];
	group->median_ns = ns[group->gated / 2];
	group->max_ns = ns[group->gated - 1];
}

static bool seen_before(const struct report *r, int i, const struct report_recovery *group)
{
	for (int j = 0; j < i; j++)
		if (is_of(&r->fault[j], group))
			return true;
	return false;
}

void report_recovery(const struct report *r,
		     void (*each)(void *arg, const struct report_recovery *), void *arg)
{
	int64_t *ns = calloc((size_t)r->faults + 1, sizeof(*ns));

	for (int i = 0; ns && i < r->faults; i++) {
		struct report_recovery group = {.kind = r->fault[i].kind};

		role_of(r->fault[i].whom, group.role, sizeof(group.role));
		if (!r->fault[i].reached_ns || seen_before(r, i, &group))
			continue;
		gather(r, &group, ns);
		each(arg, &group);
	}
	free(ns);
}
