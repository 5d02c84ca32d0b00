/*
 * failctl_clock.c - clock: the clocks of nodes, bent and listed.
 *
 *     failctl clock [NODE] [CHANGE...]       +5m   -30s   drift 200ppm   freeze   reset
 *
 * The words of one command say the whole: what they don't name ends, but without a shift the clock
 * goes on from what it says now. Without a node it is the clock of every process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failpoint/failctl.h"
#include "failpoint/names.h"

enum { WORDS_MAX = 8 };

/* ---- Reading a change ---- */

static int refuse(struct why *why, const char *word)
{
	return why_set(why, -EINVAL,
		       "\"%s\" is no change of a clock: wanted +5m, -30s, drift 200ppm, freeze or "
		       "reset",
		       word);
}

/* "+" or "-", both at most once, and what follows it. */
static const char *after_sign(const char *word, int64_t *sign)
{
	*sign = word[0] == '-' ? -1 : 1;
	return word + (word[0] == '-' || word[0] == '+');
}

static int read_shift(const char *word, struct control_clock *to, struct why *why)
{
	int64_t sign, ns;
	const char *text = after_sign(word, &sign);

	if (names_duration(text, strlen(text), &ns))
		return refuse(why, word);
	to->shift_ns = sign * ns;
	to->from_here = false;
	return 0;
}

static int read_drift(const char *word, struct control_clock *to, struct why *why)
{
	int64_t sign;
	const char *text = word ? after_sign(word, &sign) : "";
	size_t length = strlen(text);
	uint64_t ppb;

	if (length < 4 || strcmp(text + length - 3, "ppm") != 0 ||
	    names_decimal(text, length - 3, 3, &ppb) || ppb > INT64_MAX)
		return why_set(why, -EINVAL,
			       "a drift is so many ppm, such as 200ppm or -50ppm%s%s%s",
			       word ? ", not \"" : "", word ? word : "", word ? "\"" : "");
	to->drift_ppb = sign * (int64_t)ppb;
	return 0;
}

static bool is_reset(char *const words[])
{
	return words[0] && strcmp(words[0], "reset") == 0;
}

static bool is_change(const char *word)
{
	return word[0] == '+' || word[0] == '-' || strcmp(word, "drift") == 0 ||
	       strcmp(word, "freeze") == 0 || strcmp(word, "reset") == 0;
}

static int read_changes(char *const words[], struct control_clock *to, struct why *why)
{
	int rc = 0;

	*to = (struct control_clock){.from_here = true};
	if (is_reset(words) && words[1])
		rc = why_set(why, -EINVAL, "reset stands alone, \"%s\" is too much", words[1]);
	for (; *words && !is_reset(words) && !rc; words++) {
		if (strcmp(*words, "freeze") == 0)
			to->frozen = true;
		else if (strcmp(*words, "drift") != 0)
			rc = **words == '+' || **words == '-' ? read_shift(*words, to, why)
							      : refuse(why, *words);
		else if ((rc = read_drift(words[1], to, why)) == 0)
			words++;
	}
	return rc;
}

int clock_change(struct control *control, const char *node, char *const words[], int flags,
		 struct why *why)
{
	struct control_clock to;
	int rc = read_changes(words, &to, why);

	if (rc)
		return rc;
	if (is_reset(words))
		return control_clock_clear(control, node, why);
	return control_clock_set(control, node, &to, flags, why);
}

int clock_change_text(struct control *control, const char *node, const char *text, int flags,
		      struct why *why)
{
	char *words[WORDS_MAX + 1] = {NULL}, *copy = strdup(text), *rest = copy;
	unsigned n = 0;
	int rc;

	while (copy && n < WORDS_MAX && (words[n] = strtok_r(rest, " ", &rest)))
		n++;
	rc = copy ? clock_change(control, node, words, flags, why) : -ENOMEM;
	free(copy);
	return rc;
}

/* ---- Telling ---- */

static const char *signed_text(char *text, size_t size, int64_t value,
			       int (*format)(char *, size_t, uint64_t))
{
	size_t n = (size_t)snprintf(text, size, value < 0 ? "-" : "+");

	format(text + n, size - n, value < 0 ? -(uint64_t)value : (uint64_t)value);
	return text;
}

/* To the millisecond: what is shown is over by then. */
static int format_shift(char *text, size_t size, uint64_t ns)
{
	enum { MILLISECOND = 1000000 };

	return names_format_duration(text, size,
				     (ns + MILLISECOND / 2) / MILLISECOND * MILLISECOND);
}

static int format_drift(char *text, size_t size, uint64_t ppb)
{
	return snprintf(text, size, ppb % 1000 ? "%llu.%03lluppm" : "%lluppm",
			(unsigned long long)ppb / 1000, (unsigned long long)ppb % 1000);
}

void clock_text(const struct control_clock *clock, char *text, size_t size)
{
	size_t n = 0;

	text[0] = 0;
	if (!clock->shift_ns && !clock->drift_ppb && !clock->frozen)
		return;
	signed_text(text, size, clock->shift_ns, format_shift);
	n = strlen(text);
	if (clock->drift_ppb && !clock->frozen) {
		n += (size_t)snprintf(text + n, size - n, " drift ");
		signed_text(text + n, size - n, clock->drift_ppb, format_drift);
	}
	if (clock->frozen)
		snprintf(text + n, size - n, " frozen");
}

static int add_clock(void *arg, const struct control_clock *clock)
{
	char text[128];

	clock_text(clock, text, sizeof(text));
	return json_array_append_new(arg, json_pack("{s:o, s:s, s:b, s:b, s:f, s:f, s:I}", "node",
						    json_text(clock->node), "clock", text, "frozen",
						    clock->frozen, "held", clock->held, "shift_s",
						    (double)clock->shift_ns / 1e9, "drift_ppm",
						    (double)clock->drift_ppb / 1e3, "reads",
						    (json_int_t)clock->reads))
		       ? -ENOMEM
		       : 0;
}

int print_clocks(struct control *control, const struct args *args, bool after_others)
{
	static const struct column columns[] = {
		{"node", "NODE", false},
		{"clock", "CLOCK", false},
		{"held", "HELD", false},
		{"reads", "READS", true},
		{0},
	};
	json_t *rows = json_array();
	int rc = control_clocks(control, add_clock, rows);

	if (rc) {
		json_decref(rows);
		say("cannot list the clocks: %s", strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	if (after_others && json_array_size(rows))
		putchar('\n');
	return print_listing(args, rows, columns);
}

/* ---- The command ---- */

/* A static program asks the kernel's vDSO, where nobody can answer instead. */
static int tell_unreached(void *arg, const struct control_process *process)
{
	const char *node = arg;

	if (process->is_static && strcmp(process->state, "dead") != 0 &&
	    (!node || strcmp(node, process->node) == 0))
		say("process %d (%s) is static: its clock stays the machine's", (int)process->pid,
		    process->comm);
	return 0;
}

int command_clock(struct args *args)
{
	const char *node = args->words[0] && !is_change(args->words[0]) ? args->words[0] : NULL;
	char *const *words = args->words + (node != NULL);
	struct control *control;
	struct why why = {"no memory"};
	int rc = open_plane(args, &control);

	if (rc)
		return rc;
	if (!*words && !node) {
		rc = print_clocks(control, args, false);
		control_close(control);
		return rc;
	}
	if (args->hold)
		child_block();
	if (args->hold)
		rc = control_hold(control, &why);
	if (!rc && !*words)
		rc = why_set(&why, -EINVAL, "clock: wanted a change after \"%s\"", node);
	if (!rc)
		rc = clock_change(control, node, words, args->hold ? CONTROL_HELD : 0, &why);
	if (!rc)
		control_processes(control, tell_unreached, (void *)(uintptr_t)node);
	if (!rc && args->hold)
		stay(control);
	control_close(control);
	return say_why(rc, &why);
}
