/* regex_match.c - steps a compiled expression over a text; see regex.h. */
#include "failpoint/regex.h"

enum { WORDS = REGEX_STATE_MAX / 64 };

struct machine {
	const struct regex_state *state;
	const uint8_t *sets;
	unsigned states, words, set_count; /* words: of a bit set */
	bool anchored;                     /* begins with ^: no new attempt after the first byte */
};

/* States still to be looked at for this byte (now) and for the next one. */
struct threads {
	uint64_t now[WORDS], next[WORDS];
};

static void put(uint64_t *set, unsigned i)
{
	set[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool open_program(struct machine *m, const void *program, size_t room)
{
	const struct regex_head *head = program;

	if (room < sizeof(*head))
		return false;
	m->states = regex_number(head->states);
	m->set_count = regex_number(head->sets);
	if (!m->states || m->states > REGEX_STATE_MAX || m->set_count > REGEX_SET_MAX)
		return false;
	if (sizeof(*head) + m->states * sizeof(*m->state) + m->set_count * REGEX_SET_BYTES > room)
		return false;
	m->words = (m->states + 63) / 64;
	m->state = (const struct regex_state *)(head + 1);
	m->sets = (const uint8_t *)(m->state + m->states);
	m->anchored = m->state[0].op == REGEX_BEGIN;
	return true;
}

/* Adds a state to a set; one past the end is where a broken jump leads, and is nowhere. */
static void reach(const struct machine *m, uint64_t *set, unsigned from, int jump)
{
	int to = (int)from + jump;

	if (to >= 0 && to < (int)m->states)
		put(set, (unsigned)to);
}

static bool takes(const struct machine *m, const struct regex_state *s, uint8_t byte)
{
	if (s->op == REGEX_BYTE)
		return s->arg == byte;
	if (s->op == REGEX_ANY)
		return byte != 0;
	return s->op == REGEX_SET && s->arg < m->set_count &&
	       (m->sets[s->arg * REGEX_SET_BYTES + byte / 8] >> byte % 8 & 1);
}

struct place {
	bool begin, end;
	uint8_t byte;
};

/* Looks at one state: where it leads without a byte goes into now, with the byte into next. */
static bool visit(const struct machine *m, struct threads *t, unsigned i, struct place at)
{
	const struct regex_state *s = &m->state[i];
	int jump = (int16_t)regex_number(s->jump);

	switch (s->op) {
	case REGEX_MATCH:
		return true;
	case REGEX_SPLIT:
		reach(m, t->now, i, 1);
		reach(m, t->now, i, jump);
		break;
	case REGEX_JUMP:
		reach(m, t->now, i, jump);
		break;
	case REGEX_BEGIN:
		if (at.begin)
			reach(m, t->now, i, 1);
		break;
	case REGEX_END:
		if (at.end)
			reach(m, t->now, i, 1);
		break;
	default:
		if (!at.end && takes(m, s, at.byte))
			reach(m, t->next, i, 1);
	}
	return false;
}

/* Visits every state of now, each once, those it adds while going included. */
static bool step(const struct machine *m, struct threads *t, struct place at)
{
	uint64_t seen[WORDS] = {0};
	bool more = true;

	while (more) {
		more = false;
		for (unsigned w = 0; w < m->words; w++) {
			uint64_t todo;
			while ((todo = t->now[w] & ~seen[w])) {
				unsigned bit = (unsigned)__builtin_ctzll(todo);
				seen[w] |= UINT64_C(1) << bit;
				more = true;
				if (visit(m, t, w * 64 + bit, at))
					return true;
			}
		}
	}
	return false;
}

bool regex_match(const void *program, size_t room, const char *text, size_t length)
{
	struct machine m;
	struct threads t = {{0}, {0}};

	if (!open_program(&m, program, room))
		return false;
	for (size_t i = 0; i <= length; i++) {
		uint64_t any = 0;

		if (!m.anchored || i == 0)
			put(t.now, 0);
		if (step(&m, &t,
			 (struct place){i == 0, i == length, i < length ? (uint8_t)text[i] : 0}))
			return true;
		for (unsigned w = 0; w < m.words; w++) {
			any |= t.now[w] = t.next[w];
			t.next[w] = 0;
		}
		if (!any && m.anchored)
			return false;
	}
	return false;
}
