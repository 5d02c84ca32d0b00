/* judge_history.c - see judge_history.h. */
#include "runner/judge_history.h"

static const char *const reasons[] = {
	[JUDGE_NO_REASON] = "",
	[JUDGE_UNWRITTEN] = "a value was read that nobody put",
	[JUDGE_ABORTED] = "a value was read whose put failed",
	[JUDGE_FUTURE] = "a value was read before its put began",
	[JUDGE_TWO] = "two values were both certainly there at one moment",
	[JUDGE_INSIDE] = "a value came and went while another was certainly there",
	[JUDGE_GONE] = "nothing was there after a value certainly was",
	[JUDGE_DEAD_END] = "no order of the operations explains it",
	[JUDGE_BUDGET] = "it would take too many steps",
	[JUDGE_TOO_WIDE] = "too many operations were open at one time",
};

const char *judge_reason_text(enum judge_reason reason)
{
	return reasons[reason];
}
