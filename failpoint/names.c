/* names.c - the tables; see names.h. Numbers and units are in names_number.c. */
#include "failpoint/names.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "failpoint/calls.h"

enum { COMPARE = OPS_EQ | OPS_NE, PATTERN = COMPARE | OPS_REGEX };

#define SECONDS(n) ((int64_t)(n)*1000000000)

/* name, operators, values, place, means something at a failpoint, built, greatest number */
const struct clause_name names_clauses[CLAUSE_WORD_COUNT] = {
	[KEY_PATH] = {"path", PATTERN, CLAUSE_GLOB, PLACE_ANY_STEP, false, true, 0},
	[KEY_FROM] = {"from", PATTERN, CLAUSE_GLOB, PLACE_ANY_STEP, false, true, 0},
	[KEY_TO] = {"to", PATTERN, CLAUSE_GLOB, PLACE_ANY_STEP, false, true, 0},
	[KEY_FILE] = {"file", OPS_EQ, CLAUSE_FILE, PLACE_ANY_STEP, false, true, 0},
	[KEY_FD] = {"fd", OPS_EQ, CLAUSE_NUMBER, PLACE_ANY_STEP, false, true, INT32_MAX},
	[KEY_PEER] = {"peer", COMPARE, CLAUSE_PEER, PLACE_ANY_STEP, false, true, 0},
	[KEY_PORT] = {"port", OPS_EQ, CLAUSE_NUMBER, PLACE_ANY_STEP, false, true, UINT16_MAX},
	[KEY_LINK] = {"link", OPS_EQ, CLAUSE_LINK, PLACE_ANY_STEP, false, true, 0},
	[KEY_SOCK] = {"sock", OPS_EQ, CLAUSE_SOCK, PLACE_ANY_STEP, false, true, 0},
	[KEY_LEN] = {"len", OPS_ORDER, CLAUSE_SIZE, PLACE_ANY_STEP, true, true, 0},
	[KEY_OFFSET] = {"offset", OPS_ORDER, CLAUSE_SIZE, PLACE_ANY_STEP, false, true, 0},
	[KEY_FLAGS] = {"flags", OPS_BITS, CLAUSE_FLAGS, PLACE_ANY_STEP, false, true, 0},
	[KEY_DATA] = {"data", OPS_REGEX, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_NODE] = {"node", COMPARE, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_ROLE] = {"role", COMPARE, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_THREAD] = {"thread", COMPARE, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_COMM] = {"comm", COMPARE, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_PID] = {"pid", OPS_EQ, CLAUSE_NUMBER, PLACE_ANY_STEP, true, true, INT32_MAX},
	[KEY_STACK] = {"stack", PATTERN, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_CALLER] = {"caller", PATTERN, CLAUSE_GLOB, PLACE_ANY_STEP, true, true, 0},
	[KEY_RET] = {"ret", COMPARE, CLAUSE_RET, PLACE_ANY_STEP, false, true, 0},
	[KEY_AT] = {"at", OPS_EQ, CLAUSE_AT, PLACE_ANY_STEP, false, true, 0},
	[CLAUSE_WORD_SAME] = {"same", OPS_EQ, CLAUSE_SAME, PLACE_LATER_STEP, true, true, 0},
	[CLAUSE_WORD_WITHIN] = {"within", OPS_EQ, CLAUSE_DURATION, PLACE_LATER_STEP, true, true, 0},
	[CLAUSE_WORD_UNLESS] = {"unless", OPS_EQ, CLAUSE_CALLS, PLACE_LATER_STEP, true, true, 0},
	[CLAUSE_WORD_PER] = {"per", OPS_EQ, CLAUSE_PER, PLACE_LAST_STEP, true, true, 0},
	[CLAUSE_WORD_FOR] = {"for", OPS_EQ, CLAUSE_DURATION, PLACE_LAST_STEP, true, true, 0},
	[CLAUSE_WORD_AFTER] = {"after", OPS_EQ, CLAUSE_DURATION, PLACE_LAST_STEP, true, true, 0},
};

/* clang-format off */
const struct action_name names_actions[ACTION_COUNT] = {
	[ACTION_ERROR] = {"error", ARGUMENT_ERRNO, .force = true, .before = true, .point = true,
		.built = true, .wanted = "an errno, as in error(EIO)"},
	[ACTION_ERROR_AFTER] = {"error_after", ARGUMENT_ERRNO, .force = true, .built = true,
		.wanted = "an errno, as in error_after(EIO)"},
	[ACTION_LIE] = {"lie", ARGUMENT_NONE, .before = true, .built = true},
	[ACTION_RETURN] = {"return", ARGUMENT_VALUE, .point = true, .built = true,
		.wanted = "a number, as in return(0)"},
	[ACTION_SHORT] = {"short", ARGUMENT_AMOUNT, .force = true, .before = true, .point = true, .amount = true,
		.built = true, .wanted = "bytes or a percentage, as in short(50%)"},
	[ACTION_TORN] = {"torn", ARGUMENT_SIZE, .before = true, .amount = true, .built = true,
		.wanted = "bytes, as in torn(512)"},
	[ACTION_CORRUPT] = {"corrupt", ARGUMENT_BITS, .before = true, .point = true, .amount = true,
		.built = true, .wanted = "a number of bits from 1 to 64, as in corrupt(bits=3)"},
	[ACTION_QUOTA] = {"quota", ARGUMENT_SIZE, .before = true, .amount = true, .built = true,
		.wanted = "a size, as in quota(64M)"},
	[ACTION_DELAY] = {"delay", ARGUMENT_DURATION, .jitter = true, .point = true, .built = true,
		.wanted = "a duration, as in delay(20ms)"},
	[ACTION_RATE] = {"rate", ARGUMENT_RATE, .before = true, .amount = true, .built = true,
		.wanted = "a size per second, as in rate(1M/s)"},
	[ACTION_PAUSE] = {"pause", ARGUMENT_DURATION, .optional = true, .point = true,
		.built = true, .preset = SECONDS(60), .wanted = "a limit, as in pause(30s)"},
	[ACTION_REFUSE] = {"refuse", ARGUMENT_NONE, .before = true, .network = true, .built = true},
	[ACTION_RESET] = {"reset", ARGUMENT_NONE, .network = true, .built = true},
	[ACTION_CUT] = {"cut", ARGUMENT_SIZE, .before = true, .network = true, .amount = true,
		.built = true, .wanted = "bytes, as in cut(4K)"},
	[ACTION_DROP] = {"drop", ARGUMENT_NONE, .before = true, .network = true,
		.amount = true, .built = true},
	[ACTION_KILL] = {"kill", ARGUMENT_SIGNAL, .optional = true, .point = true, .built = true,
		.preset = SIGKILL, .wanted = "a signal or node, as in kill(SIGTERM)"},
	[ACTION_ABORT] = {"abort", ARGUMENT_NONE, .point = true, .built = true},
	[ACTION_EXIT] = {"exit", ARGUMENT_STATUS, .point = true, .built = true,
		.wanted = "a status from 0 to 255, as in exit(1)"},
	[ACTION_POWERCUT] = {"powercut", ARGUMENT_NONE, .point = true},
	[ACTION_PRINT] = {"print", ARGUMENT_TEXT, .point = true, .built = true,
		.wanted = "a text, as in print(\"here\")"},
	[ACTION_OFF] = {"off", ARGUMENT_NONE, .point = true, .built = true},
};
/* clang-format on */

const char *const names_files[] = {"reg", "dir", "sock", "fifo", NULL};
const char *const names_socks[] = {"tcp", "udp", "unix", NULL};
const char *const names_sames[] = {"tid", "pid", "node", "fd", "file", "none", NULL};
const char *const names_scopes[] = {"run", "node", "process", "thread", "path", "fd", NULL};
const char *const names_ats[] = {"enter", "exit", NULL};
const char *const names_ops[] = {"=", "!=", "~", "!~", "<", "<=", ">", ">=", "&", "!&", NULL};

#define FLAG(name)          \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	uint64_t bits;
} flags[] = {
	FLAG(O_WRONLY),      FLAG(O_RDWR),       FLAG(O_CREAT),      FLAG(O_EXCL),
	FLAG(O_NOCTTY),      FLAG(O_TRUNC),      FLAG(O_APPEND),     FLAG(O_NONBLOCK),
	FLAG(O_DSYNC),       FLAG(O_ASYNC),      FLAG(O_DIRECT),     FLAG(O_DIRECTORY),
	FLAG(O_NOFOLLOW),    FLAG(O_NOATIME),    FLAG(O_CLOEXEC),    FLAG(O_SYNC),
	FLAG(O_PATH),        FLAG(O_TMPFILE),    FLAG(MSG_OOB),      FLAG(MSG_PEEK),
	FLAG(MSG_DONTROUTE), FLAG(MSG_TRUNC),    FLAG(MSG_DONTWAIT), FLAG(MSG_EOR),
	FLAG(MSG_WAITALL),   FLAG(MSG_CONFIRM),  FLAG(MSG_ERRQUEUE), FLAG(MSG_NOSIGNAL),
	FLAG(MSG_MORE),      FLAG(MSG_ZEROCOPY), FLAG(MSG_FASTOPEN), FLAG(MSG_CMSG_CLOEXEC),
};

#define SIGNAL(name)        \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	int number;
} signals[] = {
	SIGNAL(SIGHUP),  SIGNAL(SIGINT),   SIGNAL(SIGQUIT), SIGNAL(SIGILL),  SIGNAL(SIGTRAP),
	SIGNAL(SIGABRT), SIGNAL(SIGBUS),   SIGNAL(SIGFPE),  SIGNAL(SIGKILL), SIGNAL(SIGUSR1),
	SIGNAL(SIGSEGV), SIGNAL(SIGUSR2),  SIGNAL(SIGPIPE), SIGNAL(SIGALRM), SIGNAL(SIGTERM),
	SIGNAL(SIGCHLD), SIGNAL(SIGCONT),  SIGNAL(SIGSTOP), SIGNAL(SIGTSTP), SIGNAL(SIGTTIN),
	SIGNAL(SIGTTOU), SIGNAL(SIGURG),   SIGNAL(SIGXCPU), SIGNAL(SIGXFSZ), SIGNAL(SIGVTALRM),
	SIGNAL(SIGPROF), SIGNAL(SIGWINCH), SIGNAL(SIGIO),   SIGNAL(SIGPWR),  SIGNAL(SIGSYS),
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static bool same_word(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

const char *names_action(unsigned kind)
{
	return kind < ACTION_COUNT ? names_actions[kind].name : "?";
}

int names_find_clause(const char *text, size_t length)
{
	for (int i = 0; i < CLAUSE_WORD_COUNT; i++)
		if (same_word(names_clauses[i].name, text, length))
			return i;
	return -1;
}

int names_find_action(const char *text, size_t length)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		if (same_word(names_actions[i].name, text, length))
			return i;
	return -1;
}

int names_find_in(const char *const names[], const char *text, size_t length)
{
	for (int i = 0; names[i]; i++)
		if (same_word(names[i], text, length))
			return i;
	return -1;
}

int names_flag(const char *text, size_t length, uint64_t *bits)
{
	for (size_t i = 0; i < LENGTH(flags); i++) {
		if (same_word(flags[i].name, text, length)) {
			*bits = flags[i].bits;
			return 0;
		}
	}
	return names_number(text, length, bits);
}

int names_signal(const char *text, size_t length, int *signal)
{
	uint64_t number;

	for (size_t i = 0; i < LENGTH(signals); i++) {
		if (same_word(signals[i].name, text, length) ||
		    same_word(signals[i].name + 3, text, length)) {
			*signal = signals[i].number;
			return 0;
		}
	}
	if (names_number(text, length, &number) || number < 1 || number > 64)
		return -EINVAL;
	*signal = (int)number;
	return 0;
}

const char *names_signal_name(int signal)
{
	for (size_t i = 0; i < LENGTH(signals); i++)
		if (signals[i].number == signal)
			return signals[i].name;
	return NULL;
}

const char *names_list_at(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

const char *names_clause_at(const void *arg, size_t i)
{
	(void)arg;
	return i < CLAUSE_WORD_COUNT ? names_clauses[i].name : NULL;
}

const char *names_action_at(const void *arg, size_t i)
{
	(void)arg;
	return i < ACTION_COUNT ? names_actions[i].name : NULL;
}

const char *names_call_at(const void *arg, size_t i)
{
	(void)arg;
	return calls_name_at(i);
}

const char *names_class_at(const void *arg, size_t i)
{
	uint32_t bit = UINT32_C(1) << (i & 31);

	(void)arg;
	return bit & CLASS_EVERY ? calls_class_name(bit) : bit == CLASS_EVERY + 1 ? "all" : NULL;
}

const char *names_errno_at(const void *arg, size_t i)
{
	int seen = -1;

	(void)arg;
	for (int error = 1; error < 200; error++)
		if (calls_errno_name(error) && ++seen == (int)i)
			return calls_errno_name(error);
	return NULL;
}

const char *names_flag_at(const void *arg, size_t i)
{
	(void)arg;
	return i < LENGTH(flags) ? flags[i].name : NULL;
}

const char *names_signal_at(const void *arg, size_t i)
{
	(void)arg;
	return i < LENGTH(signals) ? signals[i].name : NULL;
}

enum { NEAREST_WORD_MAX = 64 };

static int least(int a, int b)
{
	return a < b ? a : b;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters have to be added, removed, replaced or swapped with their neighbour. Their case
 * does not count: "eio" is EIO. */
static int distance(const char *a, const char *b)
{
	int rows[3][NEAREST_WORD_MAX + 1], width = (int)strlen(b);
	int *before = rows[0], *above = rows[1], *row = rows[2];

	for (int j = 0; j <= width; j++)
		above[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (int j = 1; j <= width; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
				       above[j - 1] + (lower(a[i - 1]) != lower(b[j - 1])));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		int *old = before;
		before = above;
		above = row;
		row = old;
	}
	return above[width];
}

/* What other tools and other tongues call it. */
static const struct {
	const char *word, *name;
} synonyms[] = {
	{"sleep", "delay"},      {"latency", "delay"},   {"slow", "delay"},
	{"panic", "abort"},      {"crash", "kill"},      {"crash", "kill-start"},
	{"panic", "kill-start"}, {"fail", "error"},      {"errno", "error"},
	{"hang", "pause"},       {"stall", "pause"},     {"stop", "pause"},
	{"block", "pause"},      {"log", "print"},       {"partial", "short"},
	{"truncate", "short"},   {"bitflip", "corrupt"}, {"ignore", "lie"},
	{"size", "len"},         {"bytes", "len"},       {"length", "len"},
	{"name", "path"},        {"filename", "path"},   {"host", "peer"},
	{"process", "comm"},     {"tid", "thread"},      {"function", "stack"},
	{"func", "stack"},       {"lib", "caller"},      {"library", "caller"},
	{"regular", "reg"},      {"directory", "dir"},   {"socket", "sock"},
	{"network", "send"},     {"disk", "write"},      {"network", "partition"},
};

static const char *meant(const char *word, const char *(*at)(const void *arg, size_t i),
			 const void *arg)
{
	const char *name;

	for (size_t s = 0; s < LENGTH(synonyms); s++) {
		if (strcmp(word, synonyms[s].word) != 0)
			continue;
		for (size_t i = 0; (name = at(arg, i)); i++)
			if (strcmp(name, synonyms[s].name) == 0)
				return name;
	}
	return NULL;
}

const char *names_nearest(const char *word, const char *(*at)(const void *arg, size_t i),
			  const void *arg)
{
	size_t length = strlen(word);
	int best = 2 + (int)(length / 4); /* that far off is too far */
	const char *nearest = NULL, *begun = NULL, *name;

	if (length == 0 || length > NEAREST_WORD_MAX)
		return NULL;
	name = meant(word, at, arg);
	if (name)
		return name;
	if (best > (int)length)
		best = (int)length;
	for (size_t i = 0; (name = at(arg, i)); i++) {
		int d = strlen(name) <= NEAREST_WORD_MAX ? distance(word, name) : best;
		if (d < best) {
			best = d;
			nearest = name;
		}
		if (!begun && length > 1 && strncmp(name, word, length) == 0)
			begun = name;
	}
	/* "kill" is rather the beginning of "kill-start" than "full" with two letters wrong. */
	return begun && (!nearest || best > 1) ? begun : nearest;
}

enum { LISTED_MAX = 12 }; /* so many names are told where none is near */

int names_refuse(struct why *why, int code, const char *what, const char *word,
		 const char *(*at)(const void *arg, size_t i), const void *arg)
{
	const char *nearest = names_nearest(word, at, arg), *name;
	char list[WHY_MAX / 2] = "";
	size_t used = 0, count = 0;

	if (nearest)
		return why_set(why, code, "unknown %s \"%s\", did you mean \"%s\"?", what, word,
			       nearest);
	while ((name = at(arg, count)) && count < LISTED_MAX && used < sizeof(list)) {
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 count ? ", " : ": wanted one of ", name);
		count++;
	}
	if (name || used >= sizeof(list))
		list[0] = '\0';
	return why_set(why, code, "unknown %s \"%s\"%s", what, word, list);
}
