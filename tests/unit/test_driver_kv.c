/*
 * test_driver_kv.c - the reference store's protocol: operations to requests, replies to facts.
 */
#include "tests/unit/driver_texts.h"

#include <errno.h>

static const char *const endpoints[] = {"127.0.0.5:7000", "127.0.0.6:7000"};
static void *store;

static int set_up(void **state)
{
	(void)state;
	return driver_kv.open(&store, NULL, endpoints, 2, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	driver_kv.close(store);
	return 0;
}

static const struct {
	struct op op;
	int endpoint;
	const char *method, *url, *header;
} requests[] = {
	{{.verb = VERB_PUT, .key = "k/1/7"}, 0, "PUT", "http://127.0.0.5:7000/o/k%2F1%2F7", NULL},
	{{.verb = VERB_PUT, .key = "a", .tag = "0123456789abcdef"},
	 0,
	 "PUT",
	 "http://127.0.0.5:7000/o/a",
	 "If-Match: \"0123456789abcdef\""},
	{{.verb = VERB_PUT, .key = "a", .tag = "*"},
	 0,
	 "PUT",
	 "http://127.0.0.5:7000/o/a",
	 "If-None-Match: *"},
	{{.verb = VERB_GET, .key = "a+b %41?&#\xc3\xa9~"},
	 1,
	 "GET",
	 "http://127.0.0.6:7000/o/a%2Bb%20%2541%3F%26%23%C3%A9~",
	 NULL},
	{{.verb = VERB_HEAD, .key = "a"}, 0, "HEAD", "http://127.0.0.5:7000/o/a", NULL},
	{{.verb = VERB_DELETE, .key = "a"}, 0, "DELETE", "http://127.0.0.5:7000/o/a", NULL},
	{{.verb = VERB_RANGE, .key = "a", .offset = 5, .length = 10},
	 0,
	 "GET",
	 "http://127.0.0.5:7000/o/a",
	 "Range: bytes=5-14"},
	{{.verb = VERB_RANGE, .key = "a", .offset = 5},
	 0,
	 "GET",
	 "http://127.0.0.5:7000/o/a",
	 "Range: bytes=5-"},
	{{.verb = VERB_LIST, .prefix = "k/1", .after = "k/1/\"x", .limit = 20},
	 0,
	 "GET",
	 "http://127.0.0.5:7000/o?prefix=k%2F1&after=k%2F1%2F%22x&limit=20",
	 NULL},
};

static void operations_become_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		assert_request(&driver_kv, store, &requests[i].op, requests[i].endpoint,
			       requests[i].method, requests[i].url, requests[i].header);
}

static void keys_too_long_and_unknown_endpoints_are_refused(void **state)
{
	char key[KEY_MAX + 2];
	struct op op = {.verb = VERB_GET, .key = key};
	struct request request;
	struct why why;

	(void)state;
	memset(key, '/', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	assert_int_equal(driver_kv.request(store, &op, 0, &request, &why), -ENAMETOOLONG);
	op.key = "a";
	assert_int_equal(driver_kv.request(store, &op, 2, &request, &why), -EINVAL);
}

#define TAG "ETag: \"0123456789abcdef\"\n"
static const struct {
	enum verb verb;
	int status;
	const char *headers, *body;
	enum outcome outcome;
	uint64_t size, from, to;
	const char *tag;
	uint32_t wait_ms;
} replies[] = {
	{VERB_PUT, 201, TAG, "", OUTCOME_OK, 0, 0, 0, "0123456789abcdef", 0},
	{VERB_PUT, 200, "", "", OUTCOME_GARBAGE, 0, 0, 0, "", 0},
	{VERB_PUT, 503, "Retry-After: 2\n", "", OUTCOME_AMBIGUOUS, 0, 0, 0, "", 2000},
	{VERB_PUT, 500, "", "", OUTCOME_AMBIGUOUS, 0, 0, 0, "", 0},
	{VERB_PUT, 408, "", "", OUTCOME_AMBIGUOUS, 0, 0, 0, "", 0},
	{VERB_PUT, 202, "", "", OUTCOME_AMBIGUOUS, 0, 0, 0, "", 0},
	{VERB_PUT, 404, "", "", OUTCOME_REFUSED, 0, 0, 0, "", 0},
	{VERB_PUT, 412, "", "", OUTCOME_REFUSED, 0, 0, 0, "", 0},
	{VERB_PUT, 413, "", "", OUTCOME_REFUSED, 0, 0, 0, "", 0},
	{VERB_PUT, 206, "", "", OUTCOME_GARBAGE, 0, 0, 0, "", 0},
	{VERB_DELETE, 204, "", "", OUTCOME_OK, 0, 0, 0, "", 0},
	{VERB_DELETE, 404, "", "", OUTCOME_ABSENT, 0, 0, 0, "", 0},
	{VERB_GET, 200, TAG, "hello", OUTCOME_OK, 5, 0, 4, "0123456789abcdef", 0},
	{VERB_GET, 200, TAG, "", OUTCOME_OK, 0, 0, 0, "0123456789abcdef", 0},
	{VERB_GET, 200, "", "hello", OUTCOME_GARBAGE, 5, 0, 4, "", 0},
	{VERB_GET, 204, TAG, "", OUTCOME_GARBAGE, 0, 0, 0, "", 0},
	{VERB_GET, 404, "", "no", OUTCOME_ABSENT, 0, 0, 0, "", 0},
	{VERB_GET, 503, "Retry-After: x\n", "", OUTCOME_NOT_APPLIED, 0, 0, 0, "", 0},
	{VERB_GET, 301, "", "", OUTCOME_REFUSED, 0, 0, 0, "", 0},
	{VERB_HEAD, 200, TAG "Content-Length: 77\n", "", OUTCOME_OK, 77, 0, 76, "0123456789abcdef",
	 0},
	{VERB_HEAD, 200, TAG, "", OUTCOME_GARBAGE, 0, 0, 0, "", 0},
	{VERB_HEAD, 200, TAG "Content-Length: 7x\n", "", OUTCOME_GARBAGE, 7, 0, 0, "", 0},
	{VERB_RANGE, 206, TAG "Content-Range: bytes 3-7/90\n", "hello", OUTCOME_OK, 90, 3, 7,
	 "0123456789abcdef", 0},
	{VERB_RANGE, 206, TAG "Content-Range: bytes 3-8/90\n", "hello", OUTCOME_GARBAGE, 90, 3, 8,
	 "", 0},
	{VERB_RANGE, 206, TAG "Content-Range: bytes 3-7/5\n", "hello", OUTCOME_GARBAGE, 5, 3, 7, "",
	 0},
	{VERB_RANGE, 206, TAG "Content-Range: bytes 3-7/*\n", "hello", OUTCOME_GARBAGE, 0, 3, 7, "",
	 0},
	{VERB_RANGE, 206, TAG, "hello", OUTCOME_GARBAGE, 0, 0, 0, "", 0},
	{VERB_RANGE, 200, TAG, "hello", OUTCOME_OK, 5, 0, 4, "0123456789abcdef", 0},
	{VERB_RANGE, 416, "", "", OUTCOME_REFUSED, 0, 0, 0, "", 0},
	{VERB_LIST, 200, "", "{}", OUTCOME_OK, 0, 0, 0, "", 0},
	{VERB_LIST, 503, "", "", OUTCOME_NOT_APPLIED, 0, 0, 0, "", 0},
};

static void replies_become_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct reply reply =
			text_reply(replies[i].status, replies[i].headers, replies[i].body);
		const struct op op = {.verb = replies[i].verb, .key = "a", .prefix = ""};
		struct fact fact;
		struct why why = {""};

		assert_int_equal(driver_kv.reply(store, &op, &reply, &fact, &why), 0);
		if (fact.outcome != replies[i].outcome || fact.size != replies[i].size ||
		    fact.from != replies[i].from || fact.to != replies[i].to ||
		    strcmp(fact.tag, replies[i].tag) != 0 ||
		    fact.retry_after_ms != replies[i].wait_ms)
			fail_msg("row %zu: outcome %d size %llu %llu-%llu tag \"%s\"", i,
				 fact.outcome, (unsigned long long)fact.size,
				 (unsigned long long)fact.from, (unsigned long long)fact.to,
				 fact.tag);
		assert_int_equal(why.text[0] != '\0', fact.outcome == OUTCOME_GARBAGE);
	}
}

static void an_answer_cut_short_is_no_answer(void **state)
{
	struct reply reply = text_reply(200, TAG, "hel");
	struct op op = {.verb = VERB_GET, .key = "a"};
	struct fact fact;

	(void)state;
	reply.complete = false;
	driver_kv.reply(store, &op, &reply, &fact, NULL);
	assert_int_equal(fact.outcome, OUTCOME_NOT_APPLIED);
	op.verb = VERB_PUT;
	driver_kv.reply(store, &op, &reply, &fact, NULL);
	assert_int_equal(fact.outcome, OUTCOME_AMBIGUOUS);
}

static const struct {
	const char *body, *entries, *after;
	int rc;
} pages[] = {
	{"{\"entries\":[],\"more\":false}", "", "", 0},
	{"{\"entries\":[{\"key\":\"a\",\"size\":1,\"tag\":\"x\"},"
	 "{\"key\":\"b \\\"\",\"size\":2,\"tag\":\"y\"}],\"more\":true}",
	 "a 1 x|b \" 2 y|", "b \"", 0},
	{"{\"entries\":[{\"key\":\"a\",\"size\":1,\"tag\":\"x\"}],\"more\":false}", "a 1 x|", "",
	 0},
	{"{\"entries\":[],\"more\":true}", "", "", -EBADMSG},
	{"{\"entries\":[{\"key\":\"a\",\"size\":-1,\"tag\":\"x\"}],\"more\":false}", "", "",
	 -EBADMSG},
	{"{\"entries\":[{\"key\":\"a\",\"size\":1}],\"more\":false}", "", "", -EBADMSG},
	{"{\"entries\":[3],\"more\":false}", "", "", -EBADMSG},
	{"{\"entries\":[]}", "", "", -EBADMSG},
	{"{\"entries\":[{\"key\":\"a\",\"si", "", "", -EBADMSG},
	{"<html>", "", "", -EBADMSG},
	{"", "", "", -EBADMSG},
};

static void pages_become_entries(void **state)
{
	const struct op op = {.verb = VERB_LIST, .prefix = "", .after = ""};

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct reply reply = text_reply(200, "", pages[i].body);
		char entries[256] = "", after[KEY_MAX] = "";
		struct why why = {""};

		assert_int_equal(driver_kv.page(store, &op, &reply, text_entry, entries, after,
						sizeof(after), &why),
				 pages[i].rc);
		assert_string_equal(entries, pages[i].entries);
		assert_string_equal(after, pages[i].after);
		assert_int_equal(why.text[0] != '\0', pages[i].rc < 0);
	}
}

static void drivers_are_found_by_name(void **state)
{
	struct why why = {""};

	(void)state;
	assert_ptr_equal(driver_find("kv", NULL), &driver_kv);
	assert_ptr_equal(driver_find("webdav", NULL), &driver_webdav);
	assert_null(driver_find("webdaw", &why));
	assert_non_null(strstr(why.text, "did you mean \"webdav\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_become_requests),
		cmocka_unit_test(keys_too_long_and_unknown_endpoints_are_refused),
		cmocka_unit_test(replies_become_facts),
		cmocka_unit_test(an_answer_cut_short_is_no_answer),
		cmocka_unit_test(pages_become_entries),
		cmocka_unit_test(drivers_are_found_by_name),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
