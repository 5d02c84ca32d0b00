/*
 * test_control_plane.c - planes are made, found, refused and swept.
 *
 * What is no plane must be refused with a reason, never mapped further than its length.
 */
#include "control_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void a_plane_is_made_whole_and_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(control_path(f->control), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size);
	assert_int_equal(f->control->head->plane_bytes, st.st_size);
	assert_null(plane_check(f->control->head, (uint64_t)st.st_size));
}

/* In kB, what /proc/self/smaps says of the mapping of this file. */
static long mapped_kb(const char *path, const char *what)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[4096];
	bool ours = false;
	long kb = -1;

	assert_non_null(maps);
	while (kb < 0 && fgets(line, sizeof(line), maps))
		if (strstr(line, path))
			ours = true;
		else if (ours && strncmp(line, what, strlen(what)) == 0)
			kb = atol(line + strlen(what));
	fclose(maps);
	return kb;
}

static void its_maker_does_not_grow_with_its_use(void **state)
{
	struct fixture *f = *state;
	const char *path = control_path(f->control);

	assert_true(mapped_kb(path, "Size:") > 0);
	assert_int_equal(mapped_kb(path, "Rss:"), mapped_kb(path, "Size:"));
}

static void names_are_checked(void **state)
{
	static const char *const refused[] = {"", ".hidden", "a b", "a/b", "x\n"};
	struct fixture *f = *state;
	struct control *made;

	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(control_create(&made, refused[i], NULL, &f->why), -EINVAL);
	assert_int_equal(control_create(&made, "unit", NULL, &f->why), -EEXIST);
	assert_int_equal(control_create(&made, NULL, NULL, &f->why), 0);
	assert_true(control_name_is_good(control_name(made)));
	control_close(made);
}

static void it_is_opened_by_name_path_or_alone(void **state)
{
	struct fixture *f = *state;
	struct control *opened, *second;

	assert_int_equal(control_open(&opened, "unit", &f->why), 0);
	control_close(opened);
	assert_int_equal(control_open(&opened, control_path(f->control), &f->why), 0);
	assert_string_equal(control_name(opened), "unit");
	control_close(opened);
	assert_int_equal(control_open(&opened, NULL, &f->why), 0);
	control_close(opened);
	assert_int_equal(control_open(&opened, "none", &f->why), -ENOENT);

	assert_int_equal(control_create(&second, "two", NULL, &f->why), 0);
	assert_int_equal(control_open(&opened, NULL, &f->why), -EINVAL);
	assert_non_null(strstr(f->why.text, "two, unit"));
	control_close(second);
}

static void write_file(const struct fixture *f, const char *name, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/failkit.%s", f->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void garbage_is_refused(void **state)
{
	struct fixture *f = *state;
	static char bytes[65536];
	struct control *opened;

	write_file(f, "empty", bytes, 0);
	assert_int_equal(control_open(&opened, "empty", &f->why), -EINVAL);
	write_file(f, "zero", bytes, sizeof(bytes));
	assert_int_equal(control_open(&opened, "zero", &f->why), -EINVAL);
	/* A true head with nothing behind it. */
	memcpy(bytes, f->control->head, sizeof(*f->control->head));
	write_file(f, "cut", bytes, sizeof(bytes));
	assert_int_equal(control_open(&opened, "cut", &f->why), -EINVAL);
}

/* Each fact of the head, spoilt for a moment. */
static void another_build_or_boot_is_refused(void **state)
{
	struct fixture *f = *state;
	struct plane_head *head = f->control->head;
	struct control *opened;
	uint64_t *const words[] = {&head->plane_bytes, &head->calls_hash, &head->build_hash};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		++*words[i];
		assert_int_equal(control_open(&opened, "unit", &f->why), -EINVAL);
		--*words[i];
	}
	head->boot_id[0]++;
	assert_int_equal(control_open(&opened, "unit", &f->why), -ESTALE);
	head->boot_id[0]--;
	assert_int_equal(control_open(&opened, "unit", &f->why), 0);
	control_close(opened);
}

static int keep_plane(void *arg, const struct control_plane *plane)
{
	if (strcmp(plane->name, "orphan") == 0)
		*(struct control_plane *)arg = *plane;
	return 0;
}

/* A child makes a plane and dies; while a process lives in it, it is not dead. */
static void only_planes_of_the_dead_are_swept(void **state)
{
	struct fixture *f = *state;
	struct control_plane seen = {0};
	struct fixture orphan = *f;
	unsigned removed;
	pid_t pid = fork();

	if (pid == 0)
		_exit(control_create(&orphan.control, "orphan", NULL, NULL) ? 1 : 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(control_open(&orphan.control, "orphan", &f->why), 0);
	fixture_slot(&orphan, 7);
	assert_int_equal(control_planes(keep_plane, &seen), 0);
	assert_int_equal(seen.creator, pid);
	assert_int_equal(seen.processes, 1);
	assert_false(seen.dead);

	control_slot(orphan.control, 7)->start_ticks++;
	assert_int_equal(control_planes(keep_plane, &seen), 0);
	assert_true(seen.dead);
	assert_int_equal(control_sweep(&removed, &f->why), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(access(control_path(f->control), F_OK), 0);
	control_close(orphan.control);
}

static void the_environment_names_library_plane_and_node(void **state)
{
	struct fixture *f = *state;
	char old[] = "LD_PRELOAD=/old.so", home[] = "HOME=/x", stale[] = "FAILKIT_NODE=no";
	char *const before[] = {home, old, stale, NULL};
	char **made, want[256];

	assert_null(control_environment(f->control, "ds1", "/proc/self/exe", before, &f->why));
	assert_int_equal(control_node(f->control, "ds1", "ds", 0x7f000003, &f->why), 0);
	assert_null(control_environment(f->control, "ds2", "/proc/self/exe", before, &f->why));
	assert_string_equal(f->why.text, "unknown node \"ds2\", did you mean \"ds1\"?");
	made = control_environment(f->control, "ds1", "/dev/../dev/null", before, &f->why);
	assert_non_null(made);
	assert_string_equal(made[0], "HOME=/x");
	assert_string_equal(made[1], "LD_PRELOAD=/dev/null:/old.so");
	snprintf(want, sizeof(want), "FAILKIT_PLANE=%s", control_path(f->control));
	assert_string_equal(made[2], want);
	assert_string_equal(made[3], "FAILKIT_NODE=ds1");
	assert_null(made[4]);
	control_environment_free(made);
}

/* A target may write anywhere in its plane; a controller, which may be root, is not led astray. */
static void a_head_that_is_spoiled_later_leads_nowhere(void **state)
{
	struct fixture *f = *state;
	struct control_rule rule;

	fixture_set(f, "x := fsync = off");
	for (unsigned i = 0; i < PART_MAX; i++)
		f->control->head->part[i].offset_pages = UINT32_MAX;
	fixture_set(f, "y := fsync = off");
	assert_int_equal(control_rule(f->control, "x", &rule, &f->why), 0);
	assert_int_equal(control_heal(f->control, -1, &f->why), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_plane_is_made_whole_and_private),
		FIXTURE_TEST(its_maker_does_not_grow_with_its_use),
		FIXTURE_TEST(names_are_checked),
		FIXTURE_TEST(it_is_opened_by_name_path_or_alone),
		FIXTURE_TEST(garbage_is_refused),
		FIXTURE_TEST(another_build_or_boot_is_refused),
		FIXTURE_TEST(a_head_that_is_spoiled_later_leads_nowhere),
		FIXTURE_TEST(only_planes_of_the_dead_are_swept),
		FIXTURE_TEST(the_environment_names_library_plane_and_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
