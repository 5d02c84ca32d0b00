/* stack_object.c - see stack.h: which object is at an address, from /proc/self/maps and the ELF header
 * that is mapped with it. */
#include <elf.h>

#include "failpoint/stack.h"

/* A line of maps. */
struct mapping {
	uint64_t start, end, offset;
	bool shared_writable;
	const char *path; /* "" for none */
};

struct search {
	struct stack_object *object;
	uintptr_t address;
	uint64_t first, first_path; /* where the last file began, its path's hash */
	bool done, shared_writable;
};

/* What one thread unmaps another may get back at the same address. The kernel orders the two; for who
 * does not see our system calls (TSan), so does this count. */
static _Atomic unsigned unmapped;

void *stack_map(size_t size, int flags, int fd)
{
	void *mapping = raw_mmap(size, flags, fd);

	atomic_load_explicit(&unmapped, memory_order_acquire);
	return mapping;
}

void stack_unmap(const void *mapping, size_t size)
{
	atomic_fetch_add_explicit(&unmapped, 1, memory_order_release);
	raw_munmap((void *)(uintptr_t)mapping, size);
}

struct stack_scratch *stack_scratch_take(void)
{
	return stack_map(sizeof(struct stack_scratch), MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void stack_scratch_give(struct stack_scratch *scratch)
{
	stack_unmap(scratch, sizeof(*scratch));
}

static const char *read_hex(const char *at, uint64_t *out)
{
	*out = 0;
	for (;; at++) {
		unsigned digit = (unsigned)(*at <= '9' ? *at - '0' : *at - 'a' + 10);

		if (*at < '0' || (*at > '9' && *at < 'a') || digit > 15)
			return at;
		*out = *out << 4 | digit;
	}
}

static const char *skip_words(const char *at, unsigned words)
{
	for (; words && *at; words--) {
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return at;
}

/* "7f00-7f01 r-xp 00001000 fe:01 42    /usr/lib/x.so" */
static void read_mapping(const char *line, struct mapping *out)
{
	line = read_hex(line, &out->start);
	line = read_hex(line + (*line == '-'), &out->end);
	line = skip_words(line, 1);
	out->shared_writable = line[0] && line[1] == 'w' && line[2] && line[3] == 's';
	line = skip_words(line, 1);
	line = read_hex(line, &out->offset);
	out->path = skip_words(line, 3);
}

static void copy_path(struct stack_object *object, const char *path)
{
	static const char mark[] = " (deleted)";
	size_t n = raw_copy(object->path, sizeof(object->path), path, SIZE_MAX);
	const size_t marked = sizeof(mark) - 1;

	if (n > marked && raw_equal(object->path + n - marked, mark))
		object->path[n - marked] = 0;
}

static void look_at(struct search *s, const char *line)
{
	struct mapping m;
	uint64_t path;

	read_mapping(line, &m);
	path = raw_hash(m.path, raw_length(m.path));
	if (m.path[0] && m.offset == 0) {
		s->first = m.start;
		s->first_path = path;
	}
	if (s->address < m.start || s->address >= m.end)
		return;
	s->done = true;
	s->shared_writable = m.shared_writable;
	copy_path(s->object, m.path);
	if (m.path[0] && s->first_path == path)
		s->object->base = (uintptr_t)s->first;
}

/* The lines that are whole; returns how many bytes of text are left. */
static size_t look_at_lines(struct search *s, char *text, size_t length)
{
	size_t begin = 0;

	for (size_t i = 0; i < length && !s->done; i++) {
		if (text[i] != '\n')
			continue;
		text[i] = 0;
		look_at(s, text + begin);
		begin = i + 1;
	}
	for (size_t i = begin; i < length; i++)
		text[i - begin] = text[i];
	return length - begin;
}

static void read_maps(struct search *s, char *text, size_t size)
{
	int fd = raw_open("/proc/self/maps", O_RDONLY);
	size_t left = 0;
	long n;

	while (fd >= 0 && !s->done && left < size &&
	       (n = raw_read(fd, text + left, size - left)) > 0)
		left = look_at_lines(s, text, left + (size_t)n);
	if (fd >= 0)
		raw_close(fd);
}

/* What its program headers say, if it is an object at all. */
static bool read_headers(struct stack_object *object)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)object->base;
	const Elf64_Phdr *p;
	bool loaded = false;

	if (!raw_is_readable(header) || header->e_ident[0] != ELFMAG0 ||
	    header->e_ident[1] != ELFMAG1 || header->e_ident[2] != ELFMAG2 ||
	    header->e_ident[3] != ELFMAG3 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_phentsize != sizeof(*p))
		return false;
	p = (const Elf64_Phdr *)(object->base + header->e_phoff);
	if (!raw_is_readable(p) || !raw_is_readable(p + header->e_phnum))
		return false;
	for (unsigned i = 0; i < header->e_phnum; i++, p++) {
		if (p->p_type == PT_LOAD && !loaded) {
			object->bias = object->base - (uintptr_t)(p->p_vaddr - p->p_offset);
			loaded = true;
		}
		if (p->p_type == PT_LOAD)
			object->end = object->bias + p->p_vaddr + p->p_memsz;
		if (p->p_type == PT_GNU_EH_FRAME)
			object->frames = object->bias + p->p_vaddr;
	}
	return loaded && (!object->frames || raw_is_readable((const void *)object->frames));
}

bool stack_object_at(struct stack_scratch *scratch, uintptr_t address)
{
	struct search s = {.object = &scratch->object, .address = address};

	scratch->object.base = scratch->object.frames = scratch->object.bias = 0;
	scratch->object.end = 0;
	read_maps(&s, scratch->text, sizeof(scratch->text));
	return scratch->object.base != 0 && read_headers(&scratch->object);
}

bool stack_shared_file_at(struct stack_scratch *scratch, uintptr_t address)
{
	struct search s = {.object = &scratch->object, .address = address};

	read_maps(&s, scratch->text, sizeof(scratch->text));
	return s.shared_writable && scratch->object.path[0] == '/';
}
