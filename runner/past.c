/* past.c - see past.h. */
#include "runner/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/check_ledger.h"

void past_text(const struct past *past, const char *key, char *text, size_t size)
{
	sqlite3_stmt *s;

	text[0] = '\0';
	if (sqlite3_prepare_v2(past->db, "SELECT value FROM run WHERE key = ?", -1, &s, NULL) !=
	    SQLITE_OK)
		return;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		snprintf(text, size, "%s", check_text(s, 0));
	sqlite3_finalize(s);
}

int64_t past_number(const struct past *past, const char *sql, int64_t n)
{
	int64_t value = 0;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(past->db, sql, -1, &s, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, n);
	if (sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

/* Which atoms of the plan's schedule it has; false: all of them, as they were drawn. */
static bool read_drawn(struct past *past, int atoms, int *count)
{
	static char text[SCHEDULE_MAX * 6];
	char *rest = text, *word;
	int n = 0;

	past_text(past, "atoms", text, sizeof(text));
	if (!text[0])
		for (; n < atoms; n++)
			past->drawn[n] = n;
	else if (strcmp(text, PAST_NO_ATOMS) != 0)
		while (n < SCHEDULE_MAX && (word = strtok_r(rest, " ", &rest)))
			past->drawn[n++] = atoi(word);
	*count = n;
	return text[0] != '\0';
}

/* The anchor in an atom's line: its second column; columns are two blanks apart. */
static void line_anchor(const char *line, char *anchor, size_t size)
{
	const char *end;

	line += strspn(line, "0123456789");
	line += strspn(line, " ");
	end = strstr(line, "  ");
	snprintf(anchor, size, "%.*s", end ? (int)(end - line) : (int)strlen(line), line);
}

static int other(const struct past *past, int number, struct why *why)
{
	return why_set(why, -EINVAL,
		       "\"%s\": fault %d is not what its plan and seed draw now: the plan was "
		       "changed, or failrun draws otherwise than the one that ran it",
		       past->dir, number);
}

/* The atom as it stands in the ledger; as drawn where the ledger was cut before it had any. */
static int take_atom(struct past *past, const struct schedule *all, int i, struct why *why)
{
	struct fault_atom *atom = &past->schedule.atom[i];
	char anchor[sizeof(atom->anchor)];
	sqlite3_stmt *s;
	int error = 0;

	if (past->drawn[i] < 0 || past->drawn[i] >= all->atoms)
		return other(past, i, why);
	*atom = all->atom[past->drawn[i]];
	atom->number = i;
	if (past->drawn[i] != i) { /* a replay's: each for itself */
		atom->wave = i;
		atom->phase = -1;
	}
	if (sqlite3_prepare_v2(past->db, "SELECT atom FROM fault WHERE fault = ?", -1, &s, NULL) !=
	    SQLITE_OK)
		return why_set(why, -EINVAL, "cannot read the ledger: %s",
			       sqlite3_errmsg(past->db));
	sqlite3_bind_int(s, 1, i);
	if (sqlite3_step(s) == SQLITE_ROW) {
		line_anchor(check_text(s, 0), anchor, sizeof(anchor));
		error = schedule_anchor(atom, anchor, why);
		if (!error && strcmp(atom->text, check_text(s, 0)) != 0)
			error = other(past, i, why);
	}
	sqlite3_finalize(s);
	return error;
}

static int read_schedule(struct past *past, struct why *why)
{
	struct schedule all = {0}, *s = &past->schedule;
	int error = schedule_make(&all, past->plan, why);
	bool replay = false;

	*s = all;
	if (!error)
		replay = read_drawn(past, all.atoms, &s->atoms);
	s->atom = calloc((size_t)s->atoms + 1, sizeof(*s->atom));
	if (!error && !s->atom)
		error = why_set(why, -ENOMEM, "no memory for the schedule");
	for (int i = 0; i < s->atoms && !error; i++)
		error = take_atom(past, &all, i, why);
	if (!error && replay)
		schedule_place_all(s);
	schedule_fini(&all);
	return error;
}

int past_enter(const struct past *past, struct why *why)
{
	if (chdir(past->where))
		return why_set(why, -errno, "cannot go to \"%s\", where the run was started: %s",
			       past->where, strerror(errno));
	return 0;
}

int past_open(struct past **out, const char *dir, const char *const *overrides, struct why *why)
{
	struct past *past = calloc(1, sizeof(*past));
	char path[PATH_MAX + 16];
	int error = 0;

	if (!past)
		return why_set(why, -ENOMEM, "no memory for a run");
	if (!realpath(dir, past->dir))
		error = why_set(why, -errno, "cannot enter \"%s\": %s", dir, strerror(errno));
	if (!error)
		error = check_ledger_open(past->dir, &past->db, why);
	snprintf(path, sizeof(path), "%s/plan.ini", past->dir);
	if (!error)
		error = plan_read(&past->plan, path, overrides, why);
	if (!error) {
		past_text(past, "dir", past->run_dir, sizeof(past->run_dir));
		past_text(past, "where", past->where, sizeof(past->where));
		past_text(past, "plan", past->plan_path, sizeof(past->plan_path));
		past->network = (uint32_t)check_ledger_number(past->db, "network");
		past->plan->path = past->plan_path;
		error = read_schedule(past, why);
	}
	if (error) {
		past_close(past);
		return error;
	}
	*out = past;
	return 0;
}

void past_close_ledger(struct past *past)
{
	sqlite3_close(past->db);
	past->db = NULL;
}

int past_open_ledger(struct past *past, struct why *why)
{
	return check_ledger_open(past->dir, &past->db, why);
}

void past_close(struct past *past)
{
	if (!past)
		return;
	free(past->schedule.atom);
	if (past->plan)
		plan_free(past->plan);
	sqlite3_close(past->db);
	free(past);
}
