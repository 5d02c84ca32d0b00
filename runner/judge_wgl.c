/*
 * judge_wgl.c - depth first over orders: see judge_general.h.
 *
 * The begins and ends of what must happen form a list in order of time, links in one array. What
 * begins before the first end can take effect next; it is taken out of the list with its end, and
 * put back when the search returns. Which operations are done is a bit set, hashed as it changes; the
 * cache keeps of it only the words from the first operation that is not done on, as wide as the
 * operations of this part can reach.
 */
#include "runner/judge_general_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_FIRST = 1024, CACHE_MAX = 1 << 23 };

struct link {
	int32_t prev, next;
	int32_t op; /* begin of must[op], or end of must[~op] */
};

struct frame {
	int32_t link; /* the begin that was taken, or ~index of what may happen */
	int32_t state;
	uint64_t latest;
	bool forced; /* an observation, taken at once: there is nothing else to try */
};

struct cursor {
	int32_t link, may; /* where to look on */
};

struct cache {
	uint64_t *hash; /* 0: free */
	uint32_t *entry;
	uint32_t mask, count;
	uint64_t *words; /* of the entries */
	size_t stride, capacity;
};

struct wgl {
	struct link *link; /* the last is head and tail */
	int32_t head;
	int32_t *end_of; /* the link of each must's end */
	uint64_t *done, *used;
	size_t window, may_words;
	struct frame *frame;
	size_t depth, best;
	struct cache cache;
	uint64_t hash, latest;
	int32_t state;
};

struct wgl *wgl_open(void)
{
	return calloc(1, sizeof(struct wgl));
}

static void release(struct wgl *w)
{
	free(w->link);
	free(w->end_of);
	free(w->done);
	free(w->used);
	free(w->frame);
	free(w->cache.hash);
	free(w->cache.entry);
	free(w->cache.words);
	memset(w, 0, sizeof(*w));
}

void wgl_close(struct wgl *w)
{
	if (!w)
		return;
	release(w);
	free(w);
}

static bool is_begin(const struct wgl *w, int32_t link)
{
	return link != w->head && w->link[link].op >= 0;
}

static void link_all(struct wgl *w, const struct judge_moment *moment)
{
	int32_t reach = 0, begun = 0;

	for (int32_t i = 0; i <= w->head; i++) {
		w->link[i].prev = i ? i - 1 : w->head;
		w->link[i].next = i < w->head ? i + 1 : 0;
		if (i == w->head)
			break;
		int32_t op = (int32_t)moment[i].index;
		w->link[i].op = moment[i].what ? ~op : op;
		begun += !moment[i].what;
		if (!moment[i].what)
			continue;
		w->end_of[op] = i;
		reach = begun - op > reach ? begun - op : reach;
	}
	w->window = (size_t)(reach + 63) / 64 + 1;
}

static int build_list(struct wgl *w, const struct task *t)
{
	struct judge_moment *moment = malloc((2 * t->musts + 1) * sizeof(*moment));
	size_t n = 0;

	if (!moment)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->musts; i++) {
		moment[n++] = (struct judge_moment){.key = t->must[i].inv << 1, .index = i};
		moment[n++] = (struct judge_moment){
			.key = t->must[i].res << 1 | 1, .index = i, .what = 1};
	}
	int rc = judge_sort(moment, n);
	w->head = (int32_t)n;
	if (!rc)
		link_all(w, moment);
	free(moment);
	return rc;
}

static int prepare(struct wgl *w, const struct task *t)
{
	release(w);
	w->link = malloc((2 * t->musts + 1) * sizeof(*w->link));
	w->end_of = malloc((t->musts + 1) * sizeof(*w->end_of));
	w->frame = malloc((t->musts + t->mays + 1) * sizeof(*w->frame));
	w->may_words = (t->mays + 63) / 64;
	w->used = calloc(w->may_words + 1, sizeof(*w->used));
	if (!w->link || !w->end_of || !w->frame || !w->used || build_list(w, t) < 0)
		return -ENOMEM;
	w->done = calloc(t->musts / 64 + 1 + w->window, sizeof(*w->done));
	w->cache.stride = 1 + w->window + w->may_words;
	w->cache.mask = CACHE_FIRST - 1;
	w->cache.hash = calloc(CACHE_FIRST, sizeof(*w->cache.hash));
	w->cache.entry = malloc(CACHE_FIRST * sizeof(*w->cache.entry));
	if (!w->done || !w->cache.hash || !w->cache.entry)
		return -ENOMEM;
	return 0;
}

static void flip_done(struct wgl *w, int32_t op)
{
	w->done[op / 64] ^= UINT64_C(1) << (op % 64);
	w->hash ^= zobrist((uint64_t)op << 1);
}

static void flip_used(struct wgl *w, int32_t may)
{
	w->used[may / 64] ^= UINT64_C(1) << (may % 64);
	w->hash ^= zobrist((uint64_t)may << 1 | 1);
}

static bool is_used(const struct wgl *w, int32_t may)
{
	return w->used[may / 64] >> (may % 64) & 1;
}

static void unlink_one(struct wgl *w, int32_t at)
{
	w->link[w->link[at].prev].next = w->link[at].next;
	w->link[w->link[at].next].prev = w->link[at].prev;
}

static void relink_one(struct wgl *w, int32_t at)
{
	w->link[w->link[at].prev].next = at;
	w->link[w->link[at].next].prev = at;
}

static void push(struct wgl *w, const struct task *t, int32_t link, int32_t state, bool forced)
{
	uint64_t inv = link < 0 ? t->may[~link].inv : t->must[w->link[link].op].inv;

	w->frame[w->depth++] = (struct frame){
		.link = link, .state = w->state, .latest = w->latest, .forced = forced};
	w->state = state;
	w->latest = inv > w->latest ? inv : w->latest;
	if (link < 0)
		return;
	unlink_one(w, link);
	unlink_one(w, w->end_of[w->link[link].op]);
}

static void flip(struct wgl *w, int32_t link)
{
	if (link < 0)
		flip_used(w, ~link);
	else
		flip_done(w, w->link[link].op);
}

static void pop(struct wgl *w)
{
	const struct frame *f = &w->frame[--w->depth];

	if (f->link >= 0) {
		relink_one(w, w->end_of[w->link[f->link].op]);
		relink_one(w, f->link);
	}
	flip(w, f->link);
	w->state = f->state;
	w->latest = f->latest;
}

/* The first end of what may still happen. */
static uint64_t next_fence(const struct wgl *w, const struct task *t)
{
	uint64_t first = JUDGE_NEVER;

	for (size_t i = 0; i < t->mays && t->fenced; i++)
		if (t->may[i].res < first && t->may[i].res >= w->latest && !is_used(w, (int32_t)i))
			first = t->may[i].res;
	return first;
}

/* Every observation that could be next and fits is, unless something may have to happen before it
 * that then could no longer. 0 or -ENOMEM. */
static int settle(struct wgl *w, struct task *t)
{
	uint64_t fence = next_fence(w, t);

	for (int32_t at = w->link[w->head].next; is_begin(w, at);) {
		const struct general_op *g = &t->must[w->link[at].op];
		bool now = g->observes && g->inv <= fence;
		int32_t next = now ? task_step(t, w->state, g) : JUDGE_CANNOT;
		if (next == -ENOMEM)
			return -ENOMEM;
		if (next < 0) {
			at = w->link[at].next;
			continue;
		}
		int32_t before = w->link[at].prev;
		flip(w, at);
		push(w, t, at, next, true);
		at = w->link[before].next;
	}
	return 0;
}

static int cache_grow(struct cache *c)
{
	uint32_t mask = c->mask * 2 + 1;
	uint64_t *hash = calloc(mask + (size_t)1, sizeof(*hash));
	uint32_t *entry = malloc((mask + (size_t)1) * sizeof(*entry));

	if (!hash || !entry) {
		free(hash);
		free(entry);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i <= c->mask; i++) {
		uint32_t at = (uint32_t)c->hash[i] & mask;
		if (!c->hash[i])
			continue;
		while (hash[at])
			at = (at + 1) & mask;
		hash[at] = c->hash[i];
		entry[at] = c->entry[i];
	}
	free(c->hash);
	free(c->entry);
	c->hash = hash;
	c->entry = entry;
	c->mask = mask;
	return 0;
}

static int cache_room(struct cache *c)
{
	if (c->count == CACHE_MAX)
		return -E2BIG;
	if (c->count * 2 > c->mask && cache_grow(c) < 0)
		return -ENOMEM;
	if (c->count < c->capacity)
		return 0;
	size_t capacity = c->capacity * 2 + 256;
	uint64_t *words = realloc(c->words, capacity * c->stride * sizeof(*words));
	if (!words)
		return -ENOMEM;
	c->words = words;
	c->capacity = capacity;
	return 0;
}

/* Of the bits of what is done, the word with the first that is not. */
static size_t first_word(const struct wgl *w)
{
	int32_t at = w->link[w->head].next;

	while (at != w->head &&
	       (!is_begin(w, at) || w->done[w->link[at].op / 64] >> (w->link[at].op % 64) & 1))
		at = w->link[at].next;
	return at == w->head ? 0 : (size_t)w->link[at].op / 64;
}

/* 1: (what is done, state) is new, and remembered now; 0: it was here before; or -errno. */
static int remember(struct wgl *w, int32_t state)
{
	struct cache *c = &w->cache;
	int rc = cache_room(c);

	if (rc < 0)
		return rc;
	size_t base = first_word(w);
	uint64_t *word = c->words + c->count * c->stride;
	word[0] = (uint64_t)base << 32 | (uint32_t)state;
	memcpy(word + 1, w->done + base, w->window * sizeof(*word));
	memcpy(word + 1 + w->window, w->used, w->may_words * sizeof(*word));
	uint64_t hash = w->hash ^ zobrist(~(uint64_t)(uint32_t)state);
	hash += !hash;
	uint32_t at = (uint32_t)hash & c->mask;
	for (; c->hash[at]; at = (at + 1) & c->mask)
		if (c->hash[at] == hash &&
		    !memcmp(c->words + c->entry[at] * c->stride, word, c->stride * sizeof(*word)))
			return 0;
	c->hash[at] = hash;
	c->entry[at] = c->count++;
	return 1;
}

/* Takes what link stands for, if that leads to something new: 1, else 0, or -errno. */
static int take(struct wgl *w, struct task *t, int32_t link, int32_t state)
{
	flip(w, link);
	int rc = remember(w, state);
	if (rc <= 0) {
		flip(w, link);
		return rc;
	}
	push(w, t, link, state, false);
	rc = settle(w, t);
	return rc < 0 ? rc : 1;
}

/* Is there one like it that ends first and could as well be used? */
static bool is_behind(const struct wgl *w, const struct task *t, const struct general_op *g,
		      uint64_t now)
{
	return g->alike >= 0 && !is_used(w, g->alike) && t->may[g->alike].inv <= now &&
	       t->may[g->alike].res >= w->latest;
}

static int try_may(struct wgl *w, struct task *t, struct cursor *c, uint64_t now)
{
	for (; c->may < (int32_t)t->mays && t->may[c->may].inv <= now; c->may++) {
		const struct general_op *g = &t->may[c->may];
		if (is_used(w, c->may) || g->res < w->latest || is_behind(w, t, g, now))
			continue;
		int32_t next = task_step(t, w->state, g);
		int rc = next == -ENOMEM ? next : 0;
		if (next >= 0 && next != w->state)
			rc = take(w, t, ~c->may, next);
		if (rc)
			return rc;
	}
	return 0;
}

/* One step deeper with the next candidate from the cursor on: 1, or 0 without one left. */
static int advance(struct wgl *w, struct task *t, struct cursor *c)
{
	for (; is_begin(w, c->link); c->link = w->link[c->link].next) {
		const struct general_op *g = &t->must[w->link[c->link].op];
		int32_t next = task_step(t, w->state, g);
		int rc = next == -ENOMEM ? next : 0;
		if (next >= 0)
			rc = take(w, t, c->link, next);
		if (rc)
			return rc;
	}
	const struct general_op *blocked = &t->must[~w->link[c->link].op];
	if (w->depth >= w->best) {
		w->best = w->depth;
		t->dead = blocked->op->id;
	}
	return try_may(w, t, c, blocked->res);
}

/* Back to the last choice, past everything that was none. */
static bool backtrack(struct wgl *w, struct cursor *c)
{
	while (w->depth) {
		struct frame f = w->frame[w->depth - 1];
		pop(w);
		if (f.forced)
			continue;
		if (f.link >= 0) {
			*c = (struct cursor){.link = w->link[f.link].next};
			return true;
		}
		c->may = ~f.link + 1;
		c->link = w->link[w->head].next;
		while (is_begin(w, c->link))
			c->link = w->link[c->link].next;
		return true;
	}
	return false;
}

int wgl_search(struct wgl *w, struct task *t)
{
	int rc = prepare(w, t);

	if (!rc)
		rc = settle(w, t);
	struct cursor c = {.link = rc ? 0 : w->link[w->head].next};
	while (rc >= 0) {
		if (w->link[w->head].next == w->head)
			return 1;
		rc = advance(w, t, &c);
		if (rc > 0)
			c = (struct cursor){.link = w->link[w->head].next};
		else if (!rc && !backtrack(w, &c))
			return 0;
		if (t->steps > t->limit)
			return -EAGAIN;
	}
	return rc;
}
