/* replay.c - see replay.h. */
#include "runner/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/check_ledger.h"

/* How many mutations were acknowledged when the atom was reached; -1: it never was. */
static int64_t struck_at(const struct past *past, int atom)
{
	static const char sql[] =
		"SELECT detail FROM fault_event WHERE fault = ? AND event = 'reached'";
	static const char mark[] = ", at ack ";
	sqlite3_stmt *s;
	int64_t acks = -1;

	if (sqlite3_prepare_v2(past->db, sql, -1, &s, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int(s, 1, atom);
	if (sqlite3_step(s) == SQLITE_ROW) {
		const char *at = strstr(check_text(s, 0), mark);

		acks = at ? atoll(at + strlen(mark)) : 0;
	}
	sqlite3_finalize(s);
	return acks;
}

static int take(struct replay *r, const struct past *past, int i, int64_t acks, struct why *why)
{
	struct fault_atom *atom = &r->schedule.atom[r->schedule.atoms];
	struct anchor anchor;
	char text[sizeof(atom->anchor)];
	size_t used = strlen(r->atoms);
	int error = anchor_parse(&anchor, past->schedule.atom[i].anchor, why);

	if (error)
		return error;
	*atom = past->schedule.atom[i];
	atom->number = r->schedule.atoms++;
	snprintf(text, sizeof(text), "ack %lld", (long long)acks);
	sprintf(r->atoms + used, "%s%d", used ? " " : "", past->drawn[i]);
	return schedule_anchor(
		atom, anchor.kind == ANCHOR_HIT ? past->schedule.atom[i].anchor : text, why);
}

int replay_make(struct replay *out, const struct past *past, struct why *why)
{
	size_t room = (size_t)past->schedule.atoms + 1;
	struct replay r = {.schedule = past->schedule, .atoms = calloc(room, 8)};
	int error = 0;

	r.schedule.atom = calloc(room, sizeof(*r.schedule.atom));
	r.schedule.atoms = 0;
	if (!r.schedule.atom || !r.atoms)
		error = why_set(why, -ENOMEM, "no memory for the schedule");
	for (int i = 0; i < past->schedule.atoms && !error; i++) {
		int64_t acks = struck_at(past, i);

		if (acks >= 0)
			error = take(&r, past, i, acks, why);
	}
	if (error) {
		replay_fini(&r);
		return error;
	}
	if (r.schedule.atoms == 0)
		strcpy(r.atoms, PAST_NO_ATOMS);
	schedule_place_all(&r.schedule);
	*out = r;
	return 0;
}

void replay_fini(struct replay *replay)
{
	schedule_fini(&replay->schedule);
	free(replay->atoms);
	replay->atoms = NULL;
}

enum { CODES_MAX = 1024 };

/* The codes of its last judgement, each once, commas between. */
static void read_codes(sqlite3 *db, char codes[CODES_MAX])
{
	sqlite3_stmt *s;
	size_t used = 0;

	codes[0] = '\0';
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT code FROM violation WHERE judgement = (SELECT max(judgement) "
		    "FROM judgement) GROUP BY code ORDER BY min(violation)",
		    -1, &s, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(s) == SQLITE_ROW && used < CODES_MAX - 64)
		used += (size_t)snprintf(codes + used, CODES_MAX - used, "%s%s", used ? "," : "",
					 check_text(s, 0));
	sqlite3_finalize(s);
}

static bool has_code(const char *codes, const char *code, size_t length)
{
	for (; *codes; codes += strcspn(codes, ","), codes += *codes == ',')
		if (strcspn(codes, ",") == length && strncmp(codes, code, length) == 0)
			return true;
	return false;
}

void replay_compare(const struct past *past, const char *dir)
{
	char before[CODES_MAX], now[CODES_MAX];
	sqlite3 *db = NULL;

	if (check_ledger_open(dir, &db, NULL))
		return;
	read_codes(past->db, before);
	read_codes(db, now);
	sqlite3_close(db);
	for (const char *c = before; *c; c += strcspn(c, ","), c += *c == ',') {
		size_t length = strcspn(c, ",");

		printf("replay: %.*s %s\n", (int)length, c,
		       has_code(now, c, length) ? "again" : "did not come again");
	}
	for (const char *c = now; *c; c += strcspn(c, ","), c += *c == ',') {
		size_t length = strcspn(c, ",");

		if (!has_code(before, c, length))
			printf("replay: %.*s is new\n", (int)length, c);
	}
}
