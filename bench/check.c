/*
 * check.c - how fast histories are judged.
 *
 *     check zones N         one key without deletes, N operations
 *     check frontier N K    N operations over K keys, with deletes and 1% ambiguous
 *     check registers N     N histories of 80 operations on a register, half of them violated
 *
 * Prints the milliseconds of processor time of the fastest of five rounds (one thread without I/O, on a
 * machine that may have other work), and the peak memory an operation, the history itself included.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "runner/judge_frontier.h"
#include "runner/judge_general.h"
#include "runner/judge_zones.h"
#include "tests/unit/judge_registers.h"

enum { ROUNDS = 5, APART = 4, REACH = 12, REGISTER_OPS = 80 };

static uint64_t seed = 7;

static unsigned below(unsigned n)
{
	return draw_below(&seed, n);
}

static double spent_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double memory_bytes(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss * 1024;
}

/* One key of a correct store: operation i takes effect at moment REACH + i * APART, and about six
 * are open at any time. */
static void fill(struct judge_op *op, size_t n, bool deletes)
{
	uint64_t value = JUDGE_NOTHING, puts = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = REACH + i * APART;
		unsigned kind = below(100);
		op[i] = (struct judge_op){
			.inv = at - below(REACH), .res = at + below(REACH), .id = i};
		if (kind < 45) {
			op[i].kind = JUDGE_PUT;
			op[i].value = ++puts;
		} else if (kind < 55 && deletes) {
			op[i].kind = JUDGE_DELETE;
		} else if (value && kind > 94 && deletes) {
			op[i].kind = JUDGE_PRESENT;
		} else {
			op[i].kind = value ? JUDGE_READ : JUDGE_ABSENT;
			op[i].value = value;
		}
		bool ambiguous = !judge_kind_observes(op[i].kind) && below(100) == 0;
		if (ambiguous) {
			op[i].outcome = JUDGE_AMBIGUOUS;
			op[i].res = JUDGE_NEVER;
		}
		if (!judge_kind_observes(op[i].kind) && (!ambiguous || below(2)))
			value = op[i].value;
	}
}

static void wanted(int rc, const struct judge_answer *a, enum judge_verdict verdict)
{
	if (!rc && a->verdict == verdict)
		return;
	fprintf(stderr, "check: result %d, verdict %d: %s\n", rc, a->verdict,
		judge_reason_text(a->reason));
	exit(1);
}

static struct judge_op *room(size_t n)
{
	struct judge_op *op = malloc(n * sizeof(*op));

	if (op)
		return op;
	fprintf(stderr, "check: no memory\n");
	exit(1);
}

static struct judge_op *fill_keys(size_t n, size_t keys, bool deletes)
{
	struct judge_op *op = room(n);

	for (size_t k = 0; k < keys; k++)
		fill(op + k * (n / keys), n / keys, deletes);
	return op;
}

static struct judge_op *fill_one_key(size_t n, size_t keys)
{
	(void)keys;
	return fill_keys(n, 1, false);
}

static void judge_one_key(const struct judge_op *op, size_t n, size_t keys)
{
	struct judge_zones *zones = judge_zones_open();
	struct judge_answer a = {0};
	int rc = 0;

	(void)keys;
	for (size_t i = 0; i < n && !rc; i++)
		rc = judge_zones_add(zones, &op[i]);
	if (!rc)
		rc = judge_zones_check(zones, &a);
	wanted(rc, &a, JUDGE_OK);
	judge_zones_close(zones);
}

static struct judge_op *fill_with_deletes(size_t n, size_t keys)
{
	return fill_keys(n, keys, true);
}

static void judge_keys(const struct judge_op *op, size_t n, size_t keys)
{
	struct judge_frontier *frontier = judge_frontier_open();

	for (size_t k = 0; k < keys; k++) {
		struct judge_answer a = {0};
		wanted(judge_frontier(frontier, op + k * (n / keys), n / keys, 0, &a), &a,
		       JUDGE_OK);
	}
	judge_frontier_close(frontier);
}

static struct judge_op *fill_registers(size_t n, size_t keys)
{
	struct judge_op *op = room(n * REGISTER_OPS);

	(void)keys;
	for (size_t i = 0; i < n; i++)
		draw_registers(&seed, op + i * REGISTER_OPS, REGISTER_OPS, i % 2);
	return op;
}

static void judge_registers(const struct judge_op *op, size_t n, size_t keys)
{
	struct judge_general *general = judge_general_open();
	struct judge_values values;
	size_t part;

	(void)keys;
	if (judge_values_init(&values) < 0)
		exit(1);
	struct judge_model model = judge_model_register(&values);
	for (size_t i = 0; i < n; i++) {
		struct judge_part one = {.ops = op + i * REGISTER_OPS, .count = REGISTER_OPS};
		struct judge_answer a = {0};
		wanted(judge_general(general, &model, &one, 1, 0, &a, &part), &a,
		       i % 2 ? JUDGE_VIOLATION : JUDGE_OK);
	}
	judge_values_fini(&values);
	judge_general_close(general);
}

static const struct load {
	const char *name;
	struct judge_op *(*fill)(size_t n, size_t keys);
	void (*judge)(const struct judge_op *op, size_t n, size_t keys);
	size_t ops; /* of each of n */
} loads[] = {
	{"zones", fill_one_key, judge_one_key, 1},
	{"frontier", fill_with_deletes, judge_keys, 1},
	{"registers", fill_registers, judge_registers, REGISTER_OPS},
};

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	size_t keys = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	const struct load *load = loads, *end = loads + sizeof(loads) / sizeof(loads[0]);
	double best = 0, before = memory_bytes();

	while (load < end && (argc < 2 || strcmp(argv[1], load->name) != 0))
		load++;
	if (load == end || !n || !keys) {
		fprintf(stderr, "usage: check zones N | frontier N K | registers N\n");
		return 2;
	}
	struct judge_op *op = load->fill(n, keys);
	for (int round = 0; round < ROUNDS; round++) {
		double start = spent_ms();
		load->judge(op, n, keys);
		double took = spent_ms() - start;
		best = round && best < took ? best : took;
	}
	printf("%.1f %.0f\n", best, (memory_bytes() - before) / (double)(n * load->ops));
	free(op);
	return 0;
}
