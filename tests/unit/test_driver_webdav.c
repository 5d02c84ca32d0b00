/*
 * test_driver_webdav.c - nginx's DAV and its JSON index: operations to requests, replies to facts.
 */
#include "tests/unit/driver_texts.h"

#include <errno.h>

static const char *const endpoints[] = {"127.0.0.5:8080"};
static void *store;

static int set_up(void **state)
{
	static const struct plan_store settings = {
		.setting = {{"base", "/da ta/"}},
		.settings = 1,
	};

	(void)state;
	return driver_webdav.open(&store, &settings, endpoints, 1, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	driver_webdav.close(store);
	return 0;
}

#define BASE "http://127.0.0.5:8080/da%20ta/"
static const struct {
	struct op op;
	const char *method, *url, *header;
} requests[] = {
	{{.verb = VERB_PUT, .key = "k/1/7 a+b"}, "PUT", BASE "k/1/7%20a%2Bb", NULL},
	{{.verb = VERB_GET, .key = "k/1/%41"}, "GET", BASE "k/1/%2541", NULL},
	{{.verb = VERB_RANGE, .key = "k/1", .offset = 1, .length = 1},
	 "GET",
	 BASE "k/1",
	 "Range: bytes=1-1"},
	{{.verb = VERB_LIST, .prefix = "k/1/", .after = ""}, "GET", BASE "k/1/", NULL},
	{{.verb = VERB_LIST, .prefix = "k/1/4", .after = ""}, "GET", BASE "k/1/", NULL},
	{{.verb = VERB_LIST, .prefix = "", .after = ""}, "GET", BASE, NULL},
};

static void operations_become_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		assert_request(&driver_webdav, store, &requests[i].op, 0, requests[i].method,
			       requests[i].url, requests[i].header);
}

static void a_base_must_be_a_folder(void **state)
{
	static const char *const wrong[] = {"", "data/", "/data"};
	struct plan_store settings = {.setting = {{"base", ""}}, .settings = 1};
	struct why why;
	void *none;

	(void)state;
	for (int i = 0; i < 3; i++) {
		settings.setting[0].value = wrong[i];
		assert_int_equal(driver_webdav.open(&none, &settings, endpoints, 1, &why), -EINVAL);
	}
}

static const struct {
	enum verb verb;
	int status;
	const char *headers, *body;
	enum outcome outcome;
	uint64_t size;
} replies[] = {
	{VERB_PUT, 201, "", "", OUTCOME_OK, 0},
	{VERB_PUT, 204, "", "", OUTCOME_OK, 0},
	{VERB_PUT, 500, "", "", OUTCOME_AMBIGUOUS, 0},
	{VERB_PUT, 507, "", "", OUTCOME_AMBIGUOUS, 0},
	{VERB_PUT, 409, "", "", OUTCOME_REFUSED, 0},
	{VERB_DELETE, 204, "", "", OUTCOME_OK, 0},
	{VERB_DELETE, 404, "", "", OUTCOME_ABSENT, 0},
	{VERB_GET, 200, "ETag: \"65a-1\"\n", "abc", OUTCOME_OK, 3},
	{VERB_HEAD, 200, "Content-Length: 9\n", "", OUTCOME_OK, 9},
	{VERB_LIST, 200, "", "[]", OUTCOME_OK, 0},
	{VERB_LIST, 404, "", "", OUTCOME_OK, 0},
	{VERB_LIST, 500, "", "", OUTCOME_NOT_APPLIED, 0},
};

static void replies_become_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct reply reply =
			text_reply(replies[i].status, replies[i].headers, replies[i].body);
		const struct op op = {.verb = replies[i].verb, .key = "a", .prefix = "k/1/"};
		struct fact fact;

		assert_int_equal(driver_webdav.reply(store, &op, &reply, &fact, NULL), 0);
		assert_int_equal(fact.outcome, replies[i].outcome);
		assert_int_equal(fact.size, replies[i].size);
		assert_string_equal(fact.tag, "");
	}
}

static const struct {
	const char *prefix;
	int status;
	const char *body, *entries;
	int rc;
} pages[] = {
	{"k/1/", 404, "<html>", "", 0},
	{"k/1/", 200, "[\n]\n", "", 0},
	{"k/1/4", 200,
	 "[{\"name\":\"4 a+b\",\"type\":\"file\",\"size\":7},{\"name\":\"5\",\"type\":\"file\","
	 "\"size\":8},{\"name\":\"4\",\"type\":\"directory\"},"
	 "{\"name\":\"4\\\"\",\"type\":\"file\",\"size\":0}]",
	 "k/1/4 a+b 7 |k/1/4\" 0 |", 0},
	{"", 200, "[{\"name\":\"a\",\"type\":\"file\",\"size\":7}]", "a 7 |", 0},
	{"k/1/", 200, "[{\"name\":\"a\",\"type\":\"file\"}]", "", -EBADMSG},
	{"k/1/", 200, "[{\"name\":\"a\",\"type\":\"file\",\"size\":-7}]", "", -EBADMSG},
	{"k/1/", 200, "[{\"size\":7}]", "", -EBADMSG},
	{"k/1/", 200, "{}", "", -EBADMSG},
	{"k/1/", 200, "[{\"name\":", "", -EBADMSG},
	{"k/1/", 200, "", "", -EBADMSG},
};

static void an_index_becomes_entries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		const struct op op = {.verb = VERB_LIST, .prefix = pages[i].prefix, .after = ""};
		struct reply reply = text_reply(pages[i].status, "", pages[i].body);
		char entries[256] = "", after[KEY_MAX] = "x";
		struct why why = {""};

		assert_int_equal(driver_webdav.page(store, &op, &reply, text_entry, entries, after,
						    sizeof(after), &why),
				 pages[i].rc);
		assert_string_equal(entries, pages[i].entries);
		assert_string_equal(after, "");
		assert_int_equal(why.text[0] != '\0', pages[i].rc < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_become_requests),
		cmocka_unit_test(a_base_must_be_a_folder),
		cmocka_unit_test(replies_become_facts),
		cmocka_unit_test(an_index_becomes_entries),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
