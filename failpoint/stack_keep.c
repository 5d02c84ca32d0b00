/* stack_keep.c - see stack.h: the stack of a thread that pauses, written down by the thread itself
 * before it sleeps, so that nobody has to stop it to look. */
#include "failpoint/stack.h"

struct text {
	char *text;
	size_t size, used;
	char *name; /* room for a qualified one */
	size_t name_size;
};

static void add(struct text *t, const char *text)
{
	t->used += raw_copy(t->text + t->used, t->size - t->used, text, SIZE_MAX);
}

static void add_hex(struct text *t, uint64_t number)
{
	char digits[19] = "0x";
	size_t n = 2;

	for (int shift = 60; shift >= 0; shift -= 4)
		if (number >> shift || shift == 0)
			digits[n++] = "0123456789abcdef"[number >> shift & 15];
	digits[n] = 0;
	add(t, digits);
}

static void add_distance(struct text *t, uint64_t distance)
{
	add(t, "+");
	add_hex(t, distance);
}

static bool add_name(void *arg, const char *name, uint64_t distance)
{
	struct text *t = arg;

	add(t, stack_cplus_name(name, t->name, t->name_size) ? t->name : name);
	add_distance(t, distance);
	return true;
}

static const char *last_word(const char *path)
{
	const char *last = path;

	for (; *path; path++)
		if (*path == '/')
			last = path + 1;
	return last;
}

/* "wal_append+0x1b"; "libc.so.6+0x2724a" where there are no names; the address alone. */
static void add_frame(struct text *t, struct stack_scratch *scratch, uintptr_t code)
{
	const struct stack_object *object = &scratch->object;

	if (stack_symbols_at(scratch, code, add_name, t)) {
		add(t, "\n");
		return;
	}
	if (object->base) {
		add(t, last_word(object->path));
		add_distance(t, code - object->bias);
	} else {
		add_hex(t, code);
	}
	add(t, "\n");
}

/* ---- Its place in the plane ---- */

static uint64_t owner_of(const struct plane_cell *cell)
{
	uint64_t slot = (uint64_t)(core.slot - core.slots);

	return 1 + (slot << 8) + (uint64_t)(cell - core.slot->cell);
}

/* Is whoever has it gone? */
static bool is_left(uint64_t owner, uint32_t number)
{
	struct plane_slot *slot = &core.slots[(owner - 1) >> 8 & (SLOT_MAX - 1)];
	struct plane_cell *cell = &slot->cell[(owner - 1) & (CELL_MAX - 1)];
	struct identity id = {slot->pid, 0, slot->start_ticks, slot->pidns_inode};

	return atomic_load(&cell->stack) != number || !identity_may_live(&id);
}

/* The cell names it before it is taken: who looks for what was left never finds it unnamed. */
static bool take(struct plane_cell *cell, uint32_t number, bool left)
{
	struct plane_stack *stack = &core.stacks[number - 1];
	uint64_t owner = atomic_load(&stack->owner);

	if (owner != 0 && (!left || !is_left(owner, number)))
		return false;
	atomic_store(&cell->stack, number);
	if (atomic_compare_exchange_strong(&stack->owner, &owner, owner_of(cell)))
		return true;
	atomic_store(&cell->stack, 0);
	return false;
}

static struct plane_stack *take_any(struct plane_cell *cell)
{
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t number = 1; number <= STACK_MAX; number++)
			if (take(cell, number, round == 1))
				return &core.stacks[number - 1];
	return NULL;
}

void stack_keep(struct plane_cell *cell, const struct hit *hit)
{
	struct plane_stack *stack = whose_is_here() ? take_any(cell) : NULL;
	struct stack_scratch *scratch = stack ? stack_scratch_take() : NULL;
	struct stack_walk walk;
	struct text t;

	if (!stack)
		return;
	stack->text[0] = 0;
	if (!scratch)
		return;
	t = (struct text){stack->text, sizeof(stack->text), 0, scratch->name,
			  sizeof(scratch->name)};
	STACK_HERE(&walk);
	if (stack_leave_engine(&walk, hit))
		do
			add_frame(&t, scratch, stack_code(&walk));
		while (t.used + 1 < t.size && stack_up(&walk));
	stack_scratch_give(scratch);
}

void stack_drop(struct plane_cell *cell)
{
	uint32_t number = atomic_load(&cell->stack);
	uint64_t owner = owner_of(cell);

	atomic_store(&cell->stack, 0);
	if (number && number <= STACK_MAX)
		atomic_compare_exchange_strong(&core.stacks[number - 1].owner, &owner, 0);
}
