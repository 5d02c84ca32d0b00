/*
 * failctl_points.c - `failctl points [PROGRAM]`: failpoints of running processes, or of an ELF
 * file.
 *
 * Every failpoint leaves its name, ended by a 0, in the section "failkit_names" (failpoint.h); so a
 * program tells its failpoints without being run. The file is not trusted: every offset is checked
 * against its length.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failpoint/failctl.h"

#define NAMES_SECTION "failkit_names"

struct image {
	const char *bytes;
	uint64_t length;
};

static const void *image_at(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->length && size <= image->length - offset ? image->bytes + offset
									 : NULL;
}

static const Elf64_Shdr *section_at(const struct image *image, const Elf64_Ehdr *head, unsigned i)
{
	if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shoff % sizeof(uint64_t))
		return NULL;
	return image_at(image, head->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr),
			sizeof(Elf64_Shdr));
}

static const Elf64_Ehdr *elf_head(const struct image *image)
{
	const Elf64_Ehdr *head = image_at(image, 0, sizeof(*head));

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    head->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	return head;
}

static bool section_is(const struct image *image, const Elf64_Shdr *names,
		       const Elf64_Shdr *section)
{
	const char *name =
		image_at(image, names->sh_offset + section->sh_name, sizeof(NAMES_SECTION));

	return name && memcmp(name, NAMES_SECTION, sizeof(NAMES_SECTION)) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in text, sorted, each once: a failpoint in an inline function is in many objects. */
static json_t *names_json(const char *text, uint64_t size)
{
	const char **names = calloc(size + 1, sizeof(*names)), *end = text + size;
	json_t *rows = json_array();
	size_t count = 0;

	if (!names)
		no_memory();
	while (text < end && memchr(text, 0, (size_t)(end - text))) {
		if (*text)
			names[count++] = text;
		text += strlen(text) + 1;
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
			json_array_append_new(rows,
					      json_pack("{s:o}", "name", json_text(names[i])));
	free(names);
	return rows;
}

static json_t *points_of(const struct image *image, const char *path)
{
	const Elf64_Ehdr *head = elf_head(image);
	const Elf64_Shdr *names = head ? section_at(image, head, head->e_shstrndx) : NULL;

	if (!names) {
		say("points: \"%s\" is no 64-bit ELF file with sections", path);
		return NULL;
	}
	for (unsigned i = 0; i < head->e_shnum; i++) {
		const Elf64_Shdr *section = section_at(image, head, i);
		const char *text;

		if (!section || !section_is(image, names, section))
			continue;
		text = image_at(image, section->sh_offset, section->sh_size);
		if (text && section->sh_type != SHT_NOBITS)
			return names_json(text, section->sh_size);
	}
	return json_array();
}

static int list_program(const struct args *args, const char *path)
{
	static const struct column columns[] = {{"name", "NAME", false}, {0}};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct image image;
	struct stat st;
	json_t *rows;

	if (fd < 0 || fstat(fd, &st) < 0) {
		say("points: cannot read \"%s\": %s", path, strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	image.length = (uint64_t)st.st_size;
	image.bytes = mmap(NULL, image.length, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (image.bytes == MAP_FAILED) {
		say("points: cannot read \"%s\": %s", path, strerror(errno));
		return EXIT_ENVIRONMENT;
	}
	rows = points_of(&image, path);
	munmap((void *)(uintptr_t)image.bytes, image.length);
	return rows ? print_listing(args, rows, columns) : EXIT_USAGE;
}

static int add_point(void *arg, const struct control_point *point)
{
	return json_array_append_new(arg,
				     json_pack("{s:o, s:i, s:b}", "name", json_text(point->name),
					       "processes", (int)point->processes, "value",
					       point->takes_value))
		       ? -ENOMEM
		       : 0;
}

int command_points(struct args *args)
{
	static const struct column columns[] = {{"name", "NAME", false},
						{"processes", "PROCESSES", true},
						{"value", "VALUE", false},
						{0}};
	struct control *control;
	json_t *rows;
	int rc;

	if (args->word_count)
		return list_program(args, args->words[0]);
	rc = open_plane(args, &control);
	if (rc)
		return rc;
	rows = json_array();
	rc = control_points(control, add_point, rows);
	control_close(control);
	if (rc) {
		json_decref(rows);
		say("points: %s", strerror(-rc));
		return EXIT_ENVIRONMENT;
	}
	return print_listing(args, rows, columns);
}
