/* plan_values.c - values from text and back, by type; see plan_keys.h. */
#include "runner/plan_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failpoint/names.h"

enum { PPB = 1000000000, PERCENT_PLACES = 7 };

static const char *const yes_no[] = {"no", "yes", NULL};

static const struct {
	const char *name;
	size_t offset;
} mix_words[] = {
	{"put", offsetof(struct plan_mix, put)},
	{"overwrite", offsetof(struct plan_mix, overwrite)},
	{"create", offsetof(struct plan_mix, create)},
	{"replace", offsetof(struct plan_mix, replace)},
	{"get", offsetof(struct plan_mix, get)},
	{"head", offsetof(struct plan_mix, head)},
	{"range", offsetof(struct plan_mix, range)},
	{"delete", offsetof(struct plan_mix, delete_)},
	{"list", offsetof(struct plan_mix, list)},
};
enum { MIX_WORDS = sizeof(mix_words) / sizeof(mix_words[0]), MIX_WEIGHT_MAX = 1000000 };

static const char *mix_word_at(const void *arg, size_t i)
{
	(void)arg;
	return i < MIX_WORDS ? mix_words[i].name : NULL;
}

static int64_t *mix_weight(struct plan_mix *mix, const char *word)
{
	for (size_t i = 0; i < MIX_WORDS; i++)
		if (strcmp(mix_words[i].name, word) == 0)
			return (int64_t *)((char *)mix + mix_words[i].offset);
	return NULL;
}

static int read_mix(struct plan_mix *out, const char *text, struct why *why)
{
	struct plan_mix mix = {0};
	int64_t sum = 0;

	while (*text) {
		char word[32], weight[32];
		int used = 0;
		int64_t *place;
		uint64_t n;

		if (sscanf(text, " %31[a-z] %31[0-9] %n", word, weight, &used) != 2 ||
		    (text[used] && text[used] != ','))
			return why_set(why, -EINVAL, "\"%s\" is no mix: put 30, get 70 was wanted",
				       text);
		place = mix_weight(&mix, word);
		if (!place)
			return names_refuse(why, -EINVAL, "operation", word, mix_word_at, NULL);
		if (names_number(weight, strlen(weight), &n) || n > MIX_WEIGHT_MAX)
			return why_set(why, -ERANGE, "the weight of \"%s\" is more than %d", word,
				       MIX_WEIGHT_MAX);
		*place = (int64_t)n;
		sum += *place;
		text += used + (text[used] == ',');
	}
	if (sum == 0)
		return why_set(why, -EINVAL, "nothing in the mix has a weight");
	*out = mix;
	return 0;
}

static void write_mix(const struct plan_mix *mix, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < MIX_WORDS && used < size; i++)
		used += (size_t)snprintf(
			text + used, size - used, "%s%s %lld", i ? ", " : "", mix_words[i].name,
			*(const long long *)((const char *)mix + mix_words[i].offset));
}

static int read_number(const struct plan_key *key, uint64_t *out, const char *text)
{
	size_t length = strlen(text);
	int64_t ns = 0;
	int r = -EINVAL;

	if (key->type == TYPE_NUMBER)
		r = names_number(text, length, out);
	else if (key->type == TYPE_SIZE)
		r = names_size(text, length, out);
	else if ((r = names_duration(text, length, &ns)) == 0)
		*out = (uint64_t)ns;
	return r == 0 && (*out < key->min || *out > key->max) ? -ERANGE : r;
}

static int set_number(const struct plan_key *key, void *place, const char *text, struct why *why)
{
	char range[128];
	uint64_t n;
	int r = read_number(key, &n, text);

	if (r) {
		plan_value_range(key, range, sizeof(range));
		return why_set(why, r, "%s wants %s, not \"%s\"", key->name, range, text);
	}
	memcpy(place, &n, sizeof(n));
	return 0;
}

static int set_share(const struct plan_key *key, double *place, const char *text, struct why *why)
{
	size_t length = strlen(text);
	uint64_t ppb;

	if (length < 2 || text[length - 1] != '%' ||
	    names_decimal(text, length - 1, PERCENT_PLACES, &ppb) || ppb > PPB)
		return why_set(why, -EINVAL, "%s wants 0%% to 100%%, not \"%s\"", key->name, text);
	*place = (double)ppb / PPB;
	return 0;
}

static int refuse_word(const struct plan_key *key, const char *const *words, const char *text,
		       struct why *why)
{
	const char *near = names_nearest(text, names_list_at, words);
	char list[128];

	plan_value_range(key, list, sizeof(list));
	return why_set(why, -EINVAL, "%s is one of %s, not \"%s\"%s%s%s", key->name, list, text,
		       near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int set_word(const struct plan_key *key, const char *const *words, int *place,
		    const char *text, struct why *why)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		*place = i;
		return 0;
	}
	return refuse_word(key, words, text, why);
}

/* Of "bounded(D)" the part before the "(", all of "sync". */
static size_t stem(const char *word)
{
	return strcspn(word, "(");
}

static int set_term(const struct plan_key *key, struct plan_term *place, const char *text,
		    struct why *why)
{
	size_t length = strlen(text), name = stem(text);

	for (int i = 0; key->words[i]; i++) {
		const char *word = key->words[i];
		int64_t ns = 0;
		if (stem(word) != name || strncmp(word, text, name) != 0)
			continue;
		bool timed = word[name] != 0;
		if (timed && (text[name] != '(' || text[length - 1] != ')' ||
			      names_duration(text + name + 1, length - name - 2, &ns) || ns <= 0))
			break;
		if (!timed && text[name])
			break;
		*place = (struct plan_term){i, ns};
		return 0;
	}
	return refuse_word(key, key->words, text, why);
}

static void write_term(const struct plan_key *key, const struct plan_term *term, char *text,
		       size_t size)
{
	const char *word = key->words[term->word];
	char time[32];

	names_format_duration(time, sizeof(time), (uint64_t)term->ns);
	if (word[stem(word)])
		snprintf(text, size, "%.*s(%s)", (int)stem(word), word, time);
	else
		snprintf(text, size, "%s", word);
}

static int set_text(const char **place, const char *text, plan_keep keep, void *arg,
		    struct why *why)
{
	const char *kept = keep(arg, text);

	if (!kept)
		return why_set(why, -ENOMEM, "no memory for \"%.40s\"", text);
	*place = kept;
	return 0;
}

static int add_step(struct plan_gate *gate, const char *text, plan_keep keep, void *arg,
		    struct why *why)
{
	int r;

	if (!*text)
		return 0;
	if (gate->steps == GATE_STEP_MAX)
		return why_set(why, -E2BIG, "a gate has at most %d steps", GATE_STEP_MAX);
	r = set_text(&gate->step[gate->steps], text, keep, arg, why);
	gate->steps += r == 0;
	return r;
}

int plan_value_set(const struct plan_key *key, void *base, const char *text, plan_keep keep,
		   void *arg, struct why *why)
{
	void *place = (char *)base + key->offset;
	int word = 0, r;

	switch ((enum plan_type)key->type) {
	case TYPE_TEXT:
		return set_text(place, text, keep, arg, why);
	case TYPE_NUMBER:
	case TYPE_SIZE:
	case TYPE_DURATION:
		return set_number(key, place, text, why);
	case TYPE_SHARE:
		return set_share(key, place, text, why);
	case TYPE_WORD:
		return set_word(key, key->words, place, text, why);
	case TYPE_TERM:
		return set_term(key, place, text, why);
	case TYPE_BOOL:
		r = set_word(key, yes_no, &word, text, why);
		if (r == 0)
			*(bool *)place = word;
		return r;
	case TYPE_MIX:
		return read_mix(place, text, why);
	case TYPE_STEPS:
		return add_step(base, text, keep, arg, why);
	}
	return -EINVAL;
}

static uint64_t number_at(const void *place)
{
	uint64_t n;

	memcpy(&n, place, sizeof(n));
	return n;
}

void plan_value_text(const struct plan_key *key, const void *base, int step, char *text,
		     size_t size)
{
	const void *place = (const char *)base + key->offset;
	const char *const *texts = place;

	text[0] = 0;
	switch ((enum plan_type)key->type) {
	case TYPE_TEXT:
		snprintf(text, size, "%s", texts[0] ? texts[0] : "");
		break;
	case TYPE_NUMBER:
		snprintf(text, size, "%llu", (unsigned long long)number_at(place));
		break;
	case TYPE_SIZE:
		names_format_size(text, size, number_at(place));
		break;
	case TYPE_DURATION:
		names_format_duration(text, size, number_at(place));
		break;
	case TYPE_SHARE:
		names_format_percent(text, size, (uint64_t)(*(const double *)place * PPB + 0.5));
		break;
	case TYPE_WORD:
		snprintf(text, size, "%s", key->words[*(const int *)place]);
		break;
	case TYPE_TERM:
		write_term(key, place, text, size);
		break;
	case TYPE_BOOL:
		snprintf(text, size, "%s", yes_no[*(const bool *)place]);
		break;
	case TYPE_MIX:
		write_mix(place, text, size);
		break;
	case TYPE_STEPS:
		snprintf(text, size, "%s", texts[step]);
		break;
	}
}

static void join(const char *const *words, char *text, size_t size)
{
	size_t used = 0;

	for (int i = 0; words[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", words[i]);
}

void plan_value_range(const struct plan_key *key, char *text, size_t size)
{
	static const char *const types[] = {
		[TYPE_TEXT] = "text",
		[TYPE_NUMBER] = "a number",
		[TYPE_SIZE] = "a size",
		[TYPE_DURATION] = "a duration",
		[TYPE_SHARE] = "0% to 100%",
		[TYPE_MIX] = "operations with weights",
		[TYPE_STEPS] = "steps, one each",
	};
	char low[32], high[32];

	if (key->type == TYPE_WORD || key->type == TYPE_TERM || key->type == TYPE_BOOL) {
		join(key->type == TYPE_BOOL ? yes_no : key->words, text, size);
		return;
	}
	if (key->type != TYPE_NUMBER && key->type != TYPE_SIZE && key->type != TYPE_DURATION) {
		snprintf(text, size, "%s", types[key->type]);
		return;
	}
	plan_value_text(&(struct plan_key){.type = key->type}, &key->min, 0, low, sizeof(low));
	plan_value_text(&(struct plan_key){.type = key->type}, &key->max, 0, high, sizeof(high));
	snprintf(text, size, "%s from %s to %s", types[key->type], low, high);
}
