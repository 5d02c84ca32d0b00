/*
 * account.c - actions that count bytes: quota, rate and cut.
 *
 *     quota(SIZE)   used grows up to SIZE; what is beyond gets ENOSPC, what crosses it is shortened
 *     cut(N)        used grows up to N; whoever fills it has its connection reset, and it is 0 again
 *     rate(SIZE/s)  a time up to which the bytes that moved take; who comes before waits for it
 *
 * The number lies in a scope of the plane, one for each action and each scope of the rule's per=.
 * Bytes are reserved at the entrance, so that racing threads never exceed a limit, and what did not
 * move is given back when the call returns; time is charged then, for what did move.
 *
 * What passes within the limit is no fire: it spends no count and writes no event.
 */
#include "failpoint/core.h"

enum { SLACK_NS = 50000 }; /* debts below are not worth a sleep; they stay owed */

/* ---- The number ---- */

static unsigned number_of(const struct meeting *meeting, const struct rule_action *action)
{
	return (unsigned)(action - meeting->entry->rule.action);
}

static unsigned term_of(const struct rule *rule, unsigned action)
{
	for (unsigned t = 0; t < RULE_TERM_MAX; t++)
		if (action - rule->term[t].first_action < rule->term[t].actions)
			return t;
	return 0;
}

static struct plane_scope *scope_for(const struct meeting *meeting,
				     const struct rule_action *action)
{
	uint64_t key, roll, of = 0;
	struct plane_scope *scope;

	if (meeting->entry->rule.per != PER_RUN)
		of = trigger_scope(meeting, &roll);
	key = scope_key(meeting->id, SCOPE_BYTES, number_of(meeting, action), of);
	scope = scope_find(key, meeting->id, true);
	if (!scope)
		event_uncounted(meeting);
	return scope;
}

/* Up to want of what is left below limit. */
static uint64_t reserve(struct plane_scope *scope, uint64_t want, uint64_t limit)
{
	uint64_t used = atomic_load(&scope->count), take;

	do {
		take = used < limit ? limit - used : 0;
		if (take > want)
			take = want;
	} while (!atomic_compare_exchange_weak(&scope->count, &used, used + take));
	return take;
}

static void note(const struct meeting *meeting, const struct rule_action *action,
		 struct plane_scope *scope, uint64_t bytes)
{
	struct hit *hit = meeting->hit;
	struct hit_account *account = &hit->account[hit->accounts++];

	account->scope = scope;
	account->bytes = bytes;
	account->limit = (uint64_t)action->number;
	account->rule = meeting->id;
	account->index = (uint16_t)meeting->index;
	account->action = (uint8_t)number_of(meeting, action);
	account->kind = action->kind;
	hit->after[0] |= AFTER_ACCOUNT;
}

/* ---- At the entrance: does the action act? ---- */

/* A third action that counts does not count on this hit. */
static bool is_possible(const struct meeting *meeting)
{
	const struct hit *hit = meeting->hit;

	return hit->site < CALL_COUNT && hit->len && hit->accounts < HIT_ACCOUNT_MAX &&
	       whose_fd_is_open(hit->fd);
}

bool account_fills(const struct meeting *meeting, const struct rule_action *action)
{
	struct hit *hit = meeting->hit;
	struct plane_scope *scope;
	uint64_t take;

	if (!is_possible(meeting) || !(scope = scope_for(meeting, action)))
		return false;
	if (hit->after[0] & AFTER_DONE)
		return atomic_load(&scope->count) + hit->len > (uint64_t)action->number;
	take = reserve(scope, hit->len, (uint64_t)action->number);
	note(meeting, action, scope, take);
	return take < hit->len;
}

bool account_owes(const struct meeting *meeting, const struct rule_action *action)
{
	struct plane_scope *scope;

	if (!is_possible(meeting) || !(scope = scope_for(meeting, action)))
		return false;
	note(meeting, action, scope, 0);
	return atomic_load(&scope->ns) > raw_now_ns() + SLACK_NS;
}

/* Acts at once only when it is to cut after no byte at all; else account_settle() does. */
bool account_cuts(const struct meeting *meeting, const struct rule_action *action)
{
	struct hit *hit = meeting->hit;
	struct plane_scope *scope;
	uint64_t take;

	if (!is_possible(meeting) || !core.ops || !core.ops->reset)
		return false;
	if (action->number <= 0)
		return true;
	if (hit->after[0] & AFTER_DONE || !(scope = scope_for(meeting, action)))
		return false;
	take = reserve(scope, hit->len, (uint64_t)action->number);
	if (!take)
		return false; /* others are just filling it */
	note(meeting, action, scope, take);
	if (take < hit->len && !(hit->after[0] & AFTER_RESULT))
		hit->len = take;
	return false;
}

static const struct hit_account *last_of(const struct hit *hit, unsigned kind)
{
	for (unsigned i = hit->accounts; i-- > 0;)
		if (hit->account[i].kind == kind)
			return &hit->account[i];
	return NULL;
}

uint64_t account_reserved(const struct hit *hit)
{
	const struct hit_account *account = last_of(hit, ACTION_QUOTA);

	return account ? account->bytes : hit->len;
}

int64_t account_debt(const struct hit *hit)
{
	const struct hit_account *account = last_of(hit, ACTION_RATE);
	struct plane_scope *scope = account ? account->scope : NULL;

	return scope ? atomic_load(&scope->ns) - raw_now_ns() : 0;
}

/* ---- At the exit ---- */

/* Is the rule? Then the number may be another's. */
static bool is_gone(const struct hit_account *account)
{
	const struct plane_scope *scope = account->scope;

	return atomic_load(&scope->extra) != account->rule;
}

static void charge(struct plane_scope *scope, uint64_t bytes, uint64_t rate)
{
	unsigned __int128 cost = (unsigned __int128)bytes * 1000000000 / (rate ? rate : 1);
	int64_t owed = atomic_load(&scope->ns), now = raw_now_ns(), from;

	do {
		from = owed > now ? owed : now;
		if (cost > (uint64_t)(INT64_MAX - from))
			cost = (uint64_t)(INT64_MAX - from);
	} while (!atomic_compare_exchange_weak(&scope->ns, &owed, from + (int64_t)cost));
}

/* The connection that took the last of the bytes is reset, if its term may still fire. */
static void cut(struct hit *hit, const struct hit_account *account)
{
	struct meeting meeting = {.entry = &core.rules[account->index], .index = account->index};
	const struct rule *rule = &meeting.entry->rule;
	struct rule_action action = rule->action[account->action];
	unsigned term = term_of(rule, account->action);
	struct firing firing;

	meeting.id = account->rule;
	meeting.hit = hit;
	if (!rule_is_live(account->index, account->rule) || !trigger_spend(&meeting, term, &firing))
		return;
	core.ops->reset(hit->fd);
	event_write(hit, &firing, EVENT_FIRE, &action, NULL);
}

static void settle_bytes(struct hit *hit, const struct hit_account *account, uint64_t moved)
{
	struct plane_scope *scope = account->scope;
	uint64_t full = account->limit;

	if (moved != account->bytes)
		atomic_fetch_add(&scope->count, moved - account->bytes);
	if (account->kind == ACTION_CUT && moved && atomic_load(&scope->count) >= full &&
	    atomic_compare_exchange_strong(&scope->count, &full, 0))
		cut(hit, account);
}

void account_settle(struct hit *hit)
{
	bool done = hit->after[0] & AFTER_DONE;
	uint64_t moved = !done && !hit->err && hit->ret > 0 ? (uint64_t)hit->ret : 0;

	for (unsigned i = 0; i < hit->accounts; i++) {
		const struct hit_account *account = &hit->account[i];

		if (is_gone(account))
			continue;
		if (account->kind == ACTION_RATE)
			charge(account->scope, moved, account->limit);
		else
			settle_bytes(hit, account, moved);
	}
	hit->accounts = 0;
}
