/*
 * test_refstore_util.c - the reference store's keys, lists, numbers and near misses.
 *
 * Goal: what a client sends is read exactly or refused. Method: tables of texts and what they mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/refstore/util.c"

static void test_percent_escapes_are_decoded_or_refused(void **state)
{
	static const struct {
		const char *text, *meaning;
	} rows[] = {
		{"", ""},         {"plain", "plain"},
		{"a%2Fb", "a/b"}, {"%41%7e%C3%a9", "A~\xc3\xa9"},
		{"a+b", "a+b"},   {"12345678", NULL}, /* does not fit */
		{"%", NULL},      {"%4", NULL},
		{"%4g", NULL},    {"%zz", NULL},
		{"x%00", NULL},
	};
	char to[8];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int length = percent_decode(rows[i].text, to, sizeof(to));

		if (!rows[i].meaning) {
			assert_int_equal(length, -EINVAL);
			continue;
		}
		assert_int_equal(length, strlen(rows[i].meaning));
		assert_string_equal(to, rows[i].meaning);
	}
}

static void test_every_byte_survives_encoding(void **state)
{
	char all[256], encoded[3 * 256], decoded[256];

	(void)state;
	for (int c = 1; c < 256; c++)
		all[c - 1] = (char)c;
	all[255] = 0;
	assert_true(percent_encode(all, encoded, sizeof(encoded)));
	assert_int_equal(percent_decode(encoded, decoded, sizeof(decoded)), 255);
	assert_string_equal(decoded, all);
	assert_false(percent_encode("////", encoded, 12));
	assert_true(percent_encode("///", encoded, 12));
}

static void test_only_utf8_is_valid(void **state)
{
	static const char *const good[] = {
		"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xc3",
					  "\xc0\x80",
					  "\xe0\x80\x80",
					  "\xed\xa0\x80",
					  "\xf0\x80\x80\x80",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xe2\x82",
					  "a\xff"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(utf8_is_valid(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(utf8_is_valid(bad[i]));
}

static void test_lists_are_walked_item_by_item(void **state)
{
	const char *list = ",a,,bcd,e,";
	char item[3], grown[8] = "";

	(void)state;
	assert_int_equal(list_count(list), 3);
	assert_true(list_has(list, "bcd"));
	assert_false(list_has(list, "bc"));
	assert_false(list_has("", "a"));
	assert_true(list_next(&list, item, sizeof(item)));
	assert_string_equal(item, "a");
	assert_true(list_next(&list, item, sizeof(item)));
	assert_string_equal(item, "bc"); /* cut to what fits, the list moves on whole */
	assert_true(list_next(&list, item, sizeof(item)));
	assert_string_equal(item, "e");
	assert_false(list_next(&list, item, sizeof(item)));
	list_add(grown, sizeof(grown), "abc");
	list_add(grown, sizeof(grown), "def");
	assert_string_equal(grown, "abc,def");
	list_add(grown, sizeof(grown), "g");
	assert_string_equal(grown, "abc,def");
}

static void test_numbers_and_tags_are_read_whole(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_true(number_parse("18446744073709551615", &n));
	assert_int_equal(n, UINT64_MAX);
	n = 7;
	assert_false(number_parse("18446744073709551616", &n));
	assert_false(number_parse("-1", &n));
	assert_false(number_parse("+1", &n));
	assert_false(number_parse(" 1", &n));
	assert_false(number_parse("1x", &n));
	assert_false(number_parse("", &n));
	assert_false(number_parse(NULL, &n));
	assert_false(tag_parse("0123456789ABCDEF", &n));
	assert_false(tag_parse("0123456789abcde", &n));
	assert_int_equal(n, 7);
	assert_true(tag_parse("00000000000000ff", &n));
	assert_int_equal(n, 255);
}

static void test_the_nearest_word_is_near(void **state)
{
	static const char *const known[] = {"--listen", "--dir", "--spare"};

	(void)state;
	assert_string_equal(nearest_word("--lisen", known, 3), "--listen");
	assert_string_equal(nearest_word("--dri", known, 3), "--dir");
	assert_null(nearest_word("frobnicate-everything", known, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent_escapes_are_decoded_or_refused),
		cmocka_unit_test(test_every_byte_survives_encoding),
		cmocka_unit_test(test_only_utf8_is_valid),
		cmocka_unit_test(test_lists_are_walked_item_by_item),
		cmocka_unit_test(test_numbers_and_tags_are_read_whole),
		cmocka_unit_test(test_the_nearest_word_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
