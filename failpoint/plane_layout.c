/* plane_layout.c - where the parts of a plane lie, and whether a mapping is one. See plane.h. */
#include "failpoint/plane.h"
#include "failpoint/rawsys.h"

enum { PAGE_BYTES = 4096 };

#define PART(id, type, number) [id] = {.stride_bytes = sizeof(type), .count = (number)}
static const struct plane_part parts[PART_COUNT] = {
	PART(PART_LEASES, struct plane_lease, LEASE_MAX),
	PART(PART_NODES, struct plane_node, NODE_MAX),
	PART(PART_CLOCKS, struct plane_clock, NODE_MAX + 1),
	PART(PART_POINTS, struct plane_point, POINT_MAX),
	PART(PART_RULES, struct plane_rule, RULE_MAX),
	PART(PART_COUNTS, struct plane_count, RULE_MAX),
	PART(PART_SCOPES, struct plane_scope, SCOPE_MAX),
	PART(PART_SLOTS, struct plane_slot, SLOT_MAX),
	PART(PART_RING, struct plane_event, RING_MAX),
	PART(PART_STACKS, struct plane_stack, STACK_MAX),
};

static uint64_t pages(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

uint64_t plane_layout(struct plane_part part[PART_MAX])
{
	uint64_t offset = pages(sizeof(struct plane_head));

	for (unsigned i = 0; i < PART_MAX; i++) {
		if (i >= PART_COUNT) {
			part[i] = (struct plane_part){0, 0, 0, 0};
			continue;
		}
		part[i] = parts[i];
		part[i].offset_pages = (uint32_t)offset;
		offset += pages((uint64_t)part[i].stride_bytes * part[i].count);
	}
	return offset * PAGE_BYTES;
}

void *plane_part(struct plane_head *head, enum plane_part_id id)
{
	uint64_t offset = pages(sizeof(*head));

	for (unsigned i = 0; i < id; i++)
		offset += pages((uint64_t)parts[i].stride_bytes * parts[i].count);
	return (char *)head + offset * PAGE_BYTES;
}

/* Two builds understand each other when every struct and every bound is the same. */
uint64_t plane_build_hash(void)
{
	static const uint64_t facts[] = {
		sizeof(struct plane_head),
		sizeof(struct rule),
		sizeof(struct rule_step),
		sizeof(struct rule_value),
		sizeof(struct rule_action),
		sizeof(struct rule_term),
		sizeof(pthread_mutex_t),
		sizeof(struct plane_cell),
		offsetof(struct plane_head, version),
		offsetof(struct plane_head, control),
		offsetof(struct plane_head, ring_head),
		offsetof(struct plane_slot, cell),
		offsetof(struct plane_slot, armed),
		offsetof(struct plane_slot, hits),
		KEY_COUNT,
		ACTION_COUNT,
		PLANE_ABI,
	};
	uint64_t hash = 0;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		hash = raw_mix(hash, facts[i]);
	for (unsigned i = 0; i < PART_COUNT; i++)
		hash = raw_mix(raw_mix(hash, parts[i].stride_bytes), parts[i].count);
	return hash;
}

static bool parts_are_ours(const struct plane_head *head)
{
	struct plane_part part[PART_MAX];

	plane_layout(part);
	for (unsigned i = 0; i < PART_MAX; i++)
		if (part[i].offset_pages != head->part[i].offset_pages ||
		    part[i].stride_bytes != head->part[i].stride_bytes ||
		    part[i].count != head->part[i].count)
			return false;
	return true;
}

const char *plane_check(const struct plane_head *head, uint64_t length)
{
	struct plane_part part[PART_MAX];
	uint64_t bytes = plane_layout(part);

	if (length < sizeof(*head))
		return "too short to be a plane";
	if (atomic_load_explicit(&head->magic, memory_order_acquire) != PLANE_MAGIC)
		return "not a plane, or one that is still being made";
	if (head->abi != PLANE_ABI || head->head_bytes != sizeof(*head) ||
	    head->build_hash != plane_build_hash())
		return "made by another version of failkit";
	if (head->calls_hash != calls_hash())
		return "made with another table of calls";
	if (head->plane_bytes != bytes || length < bytes || !parts_are_ours(head))
		return "its layout is damaged";
	return NULL;
}

typedef uint64_t aliased_word __attribute__((may_alias));

uint64_t plane_event_check(const struct plane_event *event, uint64_t ticket)
{
	const aliased_word *word = (const aliased_word *)&event->ns;
	const aliased_word *end = (const aliased_word *)&event->check;
	uint64_t hash = ticket;

	for (; word < end; word++)
		hash = raw_mix(hash, *word);
	return hash;
}

_Static_assert(offsetof(struct plane_event, ns) % 8 == 0, "hashed by words");
_Static_assert(offsetof(struct plane_event, check) == sizeof(struct plane_event) - 8, "to the end");
