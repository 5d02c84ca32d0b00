/*
 * test_node_log.c - logs that are rotated while somebody appends to them.
 *
 * A writer that opened its log once, to append, as a node does, prints numbered lines. All parts of
 * the log in order must be those lines, each once, whole, whatever was rotated when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/cluster_impl.h"
#include "runner/gate_log.h"

enum { LINES = 40000, MOST = 65536 };

static struct {
	char folder[64];
	struct node node;
	int log;
	_Atomic bool done;
} made;

static int open_made(void **state)
{
	(void)state;
	memset(&made, 0, sizeof(made));
	/* Beside the build, on a file system for files: memory's can't collapse ranges. */
	strcpy(made.folder, "build/test-log-XXXXXX");
	if (!mkdtemp(made.folder))
		strcpy(made.folder, "/tmp/failkit-log-XXXXXX");
	assert_true(access(made.folder, W_OK) == 0 || mkdtemp(made.folder));
	snprintf(made.node.log, sizeof(made.node.log), "%s/ds1.log", made.folder);
	made.log = open(made.node.log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	assert_true(made.log >= 0);
	return 0;
}

static int close_made(void **state)
{
	char command[128];

	(void)state;
	close(made.log);
	snprintf(command, sizeof(command), "rm -rf %s", made.folder);
	return system(command);
}

static void *print_lines(void *arg)
{
	char line[32];

	(void)arg;
	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "line %d of many\n", i);

		if (write(made.log, line, (size_t)n) != n)
			break;
	}
	atomic_store(&made.done, true);
	return NULL;
}

static off_t size_of(int part)
{
	char path[640];
	struct stat st;

	snprintf(path, sizeof(path), part ? "%s.%d" : "%s", made.node.log, part);
	return stat(path, &st) ? -1 : st.st_size;
}

static bool collapses(void)
{
	char path[640], block[8192] = "";
	int fd;
	bool can;

	snprintf(path, sizeof(path), "%s/probe", made.folder);
	fd = open(path, O_RDWR | O_CREAT, 0644);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	can = fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == 0;
	close(fd);
	return can;
}

static void nothing_is_lost_while_a_node_prints(void **state)
{
	enum { KEEP = 1000 };
	char path[640], line[64], wanted[64];
	pthread_t writer;
	int parts = 0, n = 0;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, print_lines, NULL), 0);
	while (!atomic_load(&made.done))
		assert_int_equal(node_log_rotate(&made.node, MOST, KEEP), 0);
	pthread_join(writer, NULL);
	while (size_of(parts + 1) >= 0)
		parts++;
	assert_true(parts > 2);
	uint64_t gone = made.node.log_gone, kept = 0;
	FILE *all = tmpfile();
	for (int part = parts; part >= 0; part--) {
		snprintf(path, sizeof(path), part ? "%s.%d" : "%s", made.node.log, part);
		FILE *in = fopen(path, "r");
		for (int c; (c = getc(in)) != EOF;)
			putc(c, all);
		kept += part ? (uint64_t)ftell(in) : 0;
		fclose(in);
	}
	assert_int_equal(kept, gone);
	rewind(all);
	if (collapses())
		for (; fgets(line, sizeof(line), all); n++) {
			snprintf(wanted, sizeof(wanted), "line %d of many\n", n);
			assert_string_equal(line, wanted);
		}
	else
		n = LINES;
	assert_int_equal(n, LINES);
	fclose(all);
}

static void only_so_many_are_kept(void **state)
{
	char block[4096];

	(void)state;
	memset(block, 'x', sizeof(block));
	for (int turn = 0; turn < 6; turn++) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(write(made.log, block, sizeof(block)), sizeof(block));
		assert_int_equal(node_log_rotate(&made.node, 8192, 2), 0);
	}
	assert_true(size_of(0) <= 8192);
	assert_true(size_of(1) > 0);
	assert_true(size_of(2) > 0);
	assert_int_equal(size_of(3), -1);
	assert_int_equal((off_t)made.node.log_gone + size_of(0), 6 * 3 * 4096);
}

static void a_short_log_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(write(made.log, "short\n", 6), 6);
	assert_int_equal(node_log_rotate(&made.node, 8192, 2), 0);
	assert_int_equal(node_log_rotate(&made.node, 0, 2), 0);
	assert_int_equal(size_of(0), 6);
	assert_int_equal(size_of(1), -1);
	strcat(made.node.log, ".none");
	assert_int_equal(node_log_rotate(&made.node, 8192, 2), 0);
}

static int print_and_rotate(int line)
{
	for (int last = line + 700; line < last; line++)
		assert_true(dprintf(made.log, "line %d\n", line) > 0);
	assert_int_equal(node_log_rotate(&made.node, 8192, 3), 0);
	return line;
}

static void it_is_read_on_over_its_rotation(void **state)
{
	char text[512], line[32];
	uint64_t at = 0;
	int printed = 0, read = 0;

	(void)state;
	for (int turn = 0; turn < 9; turn++) {
		printed = print_and_rotate(printed);
		/* Every third turn, so that what is new lies in up to three parts and the log. */
		for (size_t n; turn % 3 == 2; at += strlen(line), read++) {
			n = node_log_read(&made.node, 3, &at, text, sizeof(text));
			if (!n)
				break;
			snprintf(line, sizeof(line), "line %d\n", read);
			assert_int_equal(strncmp(text, line, strlen(line)), 0);
		}
	}
	assert_int_equal(read, printed);
	assert_int_equal(at, node_log_end(&made.node));
}

static void what_was_rotated_out_is_passed_over(void **state)
{
	uint64_t at = 0, oldest;
	char text[64];
	int line = 0;

	(void)state;
	for (int turn = 0; turn < 6; turn++)
		line = print_and_rotate(line);
	oldest = made.node.log_gone - (uint64_t)(size_of(1) + size_of(2));
	assert_int_equal(node_log_read(&made.node, 2, &at, text, sizeof(text)), sizeof(text));
	assert_int_equal(at, oldest);
}

static const struct {
	const char *step;
	bool met;
} looks[] = {
	{"ds* \"^recovered in [0-9]+ ms$\"", true},
	{"ds* recovered in", true},
	{"ds1 \"over.*ready\"", false}, /* no line has both */
	{"ds1 ^ready", true},
	{"ds1 half", false}, /* its line is not ended */
	{"ds1 x{80}", true},
};

static void a_line_is_found_in_the_log_and_in_its_parts(void **state)
{
	(void)state;
	dprintf(made.log, "starting\nrecovered in 31 ms\nready\n%0*d", 17000, 7);
	dprintf(made.log, "%.*s\nhal", 90,
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	for (int parts = 0; parts < 2; parts++) {
		for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
			struct gate_log log;
			uint64_t at = 0;

			assert_int_equal(gate_log_parse(&log, looks[i].step, NULL), 0);
			assert_int_equal(gate_log_met(&log, &made.node, parts, &at), looks[i].met);
		}
		assert_int_equal(node_log_rotate(&made.node, 8192, 2), 0);
	}
	struct gate_log log;
	uint64_t at = 0;
	assert_int_equal(gate_log_parse(&log, "ds1 ^half$", NULL), 0);
	assert_false(gate_log_met(&log, &made.node, 2, &at));
	dprintf(made.log, "f\n");
	assert_true(gate_log_met(&log, &made.node, 2, &at));
}

static void the_tail_is_that_of_what_is_left(void **state)
{
	char tail[64];

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(dprintf(made.log, "line %d\n", i) > 0);
	assert_int_equal(node_log_rotate(&made.node, 8192, 2), 0);
	node_log_tail(&made.node, tail, sizeof(tail));
	assert_string_equal(tail, "line 997 | line 998 | line 999");
}

#define MADE(test) cmocka_unit_test_setup_teardown(test, open_made, close_made)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MADE(nothing_is_lost_while_a_node_prints),
		MADE(only_so_many_are_kept),
		MADE(a_short_log_is_left_alone),
		MADE(it_is_read_on_over_its_rotation),
		MADE(what_was_rotated_out_is_passed_over),
		MADE(a_line_is_found_in_the_log_and_in_its_parts),
		MADE(the_tail_is_that_of_what_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
