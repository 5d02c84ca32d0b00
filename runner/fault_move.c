/*
 * fault_move.c - nodes that join, leave, and are taken out of service and back.
 *
 *     offline      offline-command, gate `until`, stop      ...  start, online-command
 *     scale-in     offline-command, gate `until`, stop, start as a spare, online-command
 *                  ...  stop, start in service
 *     scale-out    stop, start in service  ...  gate `until`, and what scale-in begins with
 *
 * Without commands in the role a node leaves as it stands; without `until` nothing is waited for. A
 * gate that is not passed stops nothing half-way: all is undone, and then told.
 */
#include <errno.h>
#include <poll.h>

#include "runner/fault_kinds.h"
#include "runner/process.h"

enum { AGAIN_MS = 100 };

/* Asked again until it is done: the store may be busy with another fault. */
static int tell_store(struct fault_run *run, const struct fault_context *c, const char *what,
		      const char *command, struct why *why)
{
	int64_t deadline_ns = process_now_ns() + run->node->role->ready_ns;
	int error = *command ? node_command(c->cluster, run->node, what, command, why) : 0;

	while (error == -EPROTO && process_now_ns() < deadline_ns) {
		poll(NULL, 0, AGAIN_MS);
		error = node_command(c->cluster, run->node, what, command, why);
	}
	return error;
}

static int take_out(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return tell_store(run, c, "offline-command", run->node->role->offline_command, why);
}

static int take_back(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return tell_store(run, c, "online-command", run->node->role->online_command, why);
}

/* Passes `until`, if there is one; true unless it was not met. */
static bool settle(struct fault_run *run, const struct fault_context *c)
{
	const char *until = run->atom->fault->until;
	struct why why = {""};
	int error = until && until[0] ? c->pass_gate(c->arg, until, run->atom->number, &why) : 0;

	if (error && error != -ECANCELED)
		run->unsettled = why;
	return !error;
}

/* What was not waited for in vain is no failure of what came after it. */
static int tell_settled(const struct fault_run *run, int error, struct why *why)
{
	if (error || !run->unsettled.text[0])
		return error;
	return why_set(why, -ETIMEDOUT, "its data did not move: %.400s", run->unsettled.text);
}

static int start_as(struct fault_run *run, const struct fault_context *c, bool spare,
		    struct why *why)
{
	int error = node_stop(c->cluster, run->node, why);

	if (error)
		return error;
	run->node->spare = spare;
	return fault_start(run, c, why);
}

/* ---- Out of service and back ---- */

int move_offline(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = take_out(run, c, why);

	if (error || !settle(run, c))
		return error;
	if (run->node->external) {
		run->fires = 1;
		return 0;
	}
	return node_stop(c->cluster, run->node, why);
}

bool move_gone(struct fault_run *run, const struct fault_context *c)
{
	if (run->unsettled.text[0])
		run->fires = 1;
	return run->fires || fault_down(run, c);
}

int move_online(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = node_alive(c->cluster, run->node) ? 0 : fault_start(run, c, why);

	if (!error)
		error = take_back(run, c, why);
	return tell_settled(run, error, why);
}

/* ---- From spare to in service, and back ---- */

int move_in(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return start_as(run, c, false, why);
}

int move_out(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	int error = take_out(run, c, why);

	if (!error && *run->node->role->offline_command)
		settle(run, c);
	if (!error)
		error = start_as(run, c, true, why);
	return error ? error : take_back(run, c, why);
}

int move_in_again(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	return tell_settled(run, move_in(run, c, why), why);
}

int move_out_again(struct fault_run *run, const struct fault_context *c, struct why *why)
{
	settle(run, c);
	return tell_settled(run, move_out(run, c, why), why);
}

bool move_done(struct fault_run *run, const struct fault_context *c)
{
	if (!fault_up(run, c))
		return false;
	run->fires = 1;
	return true;
}
