/* fault_rule.c - faults that are one rule in the interposer, held by the run: its death heals. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/rule.h"
#include "runner/fault_kinds.h"
#include "runner/process.h"

/* How long threads may take to leave a healed action. */
static const int64_t LEAVE_NS = INT64_C(5000000000);
/* How long a process may take to end in which a kill, abort or exit fired. */
static const int64_t END_NS = INT64_C(2000000000);

int rule_check(const struct plan_fault *fault, struct why *why)
{
	struct fault_atom atom = {.fault = fault, .kind = fault_kind(fault->kind, why)};
	char text[RULE_TEXT_MAX];

	if (!atom.kind)
		return -EINVAL;
	return atom.kind->compose(&atom, text, sizeof(text), why);
}

/* What to expect of the rule: does it end processes, how often can it fire? */
static void foresee(struct fault_run *run, const char *text)
{
	struct rule rule;
	bool limited = true;

	if (rule_parse(&rule, text, strlen(text), NULL))
		return;
	run->ends = false;
	run->fires_max = 0;
	for (int t = 0; t < rule.terms && t < RULE_TERM_MAX; t++) {
		const struct rule_term *term = &rule.term[t];

		for (int i = 0; i < term->actions; i++) {
			int kind = rule.action[term->first_action + i].kind;

			run->ends |=
				kind == ACTION_KILL || kind == ACTION_ABORT || kind == ACTION_EXIT;
		}
		limited &= term->count > 0;
		run->fires_max += term->count;
	}
	if (!limited)
		run->fires_max = 0;
}

int rule_apply(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	char text[RULE_TEXT_MAX + RULE_NAME_MAX];
	int error = fault_rule(run->atom, text, sizeof(text), why);

	if (error)
		return error;
	if (!c->control)
		return why_set(why, -ENOTSUP,
			       "fault \"%s\" wants the interposer, which is not there",
			       run->atom->fault->name);
	foresee(run, text);
	return control_set(c->control, text, CONTROL_HELD, NULL, run->rule, why);
}

static void rule_count(struct fault_run *run, const struct fault_context *c)
{
	struct control_rule rule;

	if (control_rule(c->control, run->rule, &rule, NULL))
		return;
	run->fires = rule.fires;
	run->matches = rule.matches;
}

bool rule_applied(struct fault_run *run, const struct fault_context *c)
{
	rule_count(run, c);
	if (run->fires == 0)
		return false;
	if (run->fired_ns == 0)
		run->fired_ns = process_now_ns();
	/* The event is written before the kill: what is killed may still be there for a moment. It
	 * need not be the node's first process, nor is every signal deadly. */
	return !run->ends || !run->node || !node_alive(c->cluster, run->node) ||
	       process_now_ns() >= run->fired_ns + END_NS;
}

int rule_heal(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error;

	rule_count(run, c);
	error = control_remove(c->control, run->rule, process_now_ns() + LEAVE_NS, why);
	return error == -ENOENT ? 0 : error;
}

bool rule_healed(struct fault_run *run, const struct fault_context *c)
{
	struct control_rule rule;

	return control_rule(c->control, run->rule, &rule, NULL) != 0 ||
	       (!rule.live && rule.inside == 0);
}

/* A text that grows up to its limit. */
struct out {
	char *text;
	size_t used, size;
	bool full;
};

static void put(struct out *out, const char *text, size_t length)
{
	if (out->used + length + 1 > out->size) {
		out->full = true;
		return;
	}
	memcpy(out->text + out->used, text, length);
	out->used += length;
	out->text[out->used] = '\0';
}

static void put_node(struct out *out, const char *node)
{
	if (!node[0])
		return;
	put(out, ":node=", 6);
	put(out, node, strlen(node));
}

/* Skips a quoted string at s, or one character. */
static size_t skip(const char *s)
{
	size_t n = 1;

	if (*s != '"')
		return 1;
	while (s[n] && s[n] != '"')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return s[n] ? n + 1 : n;
}

/* The chain of canonical text, with the count before each term's first action. */
static void put_chain(struct out *out, const char *s, const char *count)
{
	bool at_term = true;

	while (*s) {
		size_t n = skip(s);

		if (at_term && isalpha((unsigned char)*s)) {
			put(out, count, strlen(count));
			at_term = false;
		}
		if (strncmp(s, "->", 2) == 0) {
			at_term = true;
			n = 2;
		}
		put(out, s, n);
		s += n;
	}
}

static bool counts_itself(const struct rule *rule)
{
	for (int i = 0; i < rule->terms && i < RULE_TERM_MAX; i++)
		if (rule->term[i].count)
			return true;
	return false;
}

int rule_bind(const char *text, const char *node, int64_t count, char *text_out, size_t size,
	      struct why *why)
{
	struct out out = {.text = text_out, .size = size};
	struct rule rule;
	char times[24] = "";
	const char *s;
	int error = rule_parse(&rule, text, strlen(text), why);

	if (error)
		return why_prefix(why, error, "\"%s\"", text);
	if (count > 0 && !counts_itself(&rule))
		snprintf(times, sizeof(times), "%lld*", (long long)count);
	/* In canonical text a bare "=" between blanks begins the chain, and "=>" a step. */
	for (s = rule.text; *s;) {
		size_t n = skip(s);

		if (strncmp(s, " = ", 3) == 0 || strncmp(s, " => ", 4) == 0)
			put_node(&out, node);
		if (strncmp(s, " = ", 3) == 0) {
			put(&out, s, 3);
			put_chain(&out, s + 3, times);
			break;
		}
		put(&out, s, n);
		s += n;
	}
	if (out.full)
		return why_set(why, -ENOSPC, "the rule \"%s\" is too long", text);
	return rule_parse(&rule, text_out, strlen(text_out), why);
}
