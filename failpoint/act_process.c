/* act_process.c - kill, abort and exit; see act_impl.h. */
#include "failpoint/act_impl.h"

/* Only where the process that ends is another's (whose.h) does it come so far. */
static bool is_over(struct meeting *meeting, unsigned sleep)
{
	walk_wakes(sleep);
	act_fail(meeting->hit, EINTR);
	meeting->hit->after[0] |= AFTER_DONE | AFTER_RESULT;
	return false;
}

/* Who may not come back counts as outside: in a vfork child this thread is the parent's, which goes
 * on without us; and a handler of the signal is judged as during a sleep. */
static unsigned begin_end(struct meeting *meeting, const struct firing *firing,
			  const struct rule_action *action)
{
	event_write(meeting->hit, firing, EVENT_BEGIN, action, NULL);
	return walk_sleeps(NULL);
}

static bool is_of_node(const struct plane_slot *slot)
{
	uint64_t state = atomic_load(&slot->state) & 0xff;

	return (state == SLOT_LIVE || state == SLOT_EXECING) && slot != core.slot &&
	       slot->node == core.node && slot->pidns_inode == core.slot->pidns_inode;
}

/* Twice, for a child that was made meanwhile. A number that was given to somebody else is not
 * killed; a process in another pid namespace has no number here. */
static void kill_node(void)
{
	for (int round = 0; round < 2 && core.node; round++) {
		for (unsigned i = 0; i < SLOT_MAX; i++) {
			const struct plane_slot *slot = &core.slots[i];
			struct identity owner = {slot->pid, 0, slot->start_ticks,
						 slot->pidns_inode};

			if (atomic_load(&slot->state) == 0)
				break;
			if (is_of_node(slot) && owner.pid && identity_may_live(&owner))
				raw_kill(owner.pid, SIGKILL);
		}
	}
}

bool act_do_kill(struct meeting *meeting, const struct firing *firing,
		 const struct rule_action *action)
{
	int signal = action->number > 0 ? (int)action->number : SIGKILL;
	unsigned sleep = begin_end(meeting, firing, action);

	if (action->flags & ACTION_NODE)
		kill_node();
	if (signal == SIGKILL) {
		whose_kill();
		return is_over(meeting, sleep);
	}
	whose_signal(signal);
	walk_wakes(sleep);
	return true;
}

bool act_do_abort(struct meeting *meeting, const struct firing *firing,
		  const struct rule_action *action)
{
	unsigned sleep = begin_end(meeting, firing, action);

	whose_abort();
	return is_over(meeting, sleep);
}

bool act_do_exit(struct meeting *meeting, const struct firing *firing,
		 const struct rule_action *action)
{
	begin_end(meeting, firing, action);
	raw_syscall(SYS_exit_group, (int)action->number, 0, 0, 0, 0, 0);
	return true;
}
