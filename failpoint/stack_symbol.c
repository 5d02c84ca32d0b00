/* stack_symbol.c - see stack.h: the names of the function at an address, from the object's file. The
 * file is mapped while it is looked at, and may hold anything: each offset is checked. */
#include <elf.h>

#include "failpoint/stack.h"

struct file {
	const char *bytes;
	uint64_t size;
};

struct symbols {
	const Elf64_Sym *symbol;
	uint64_t count;
	const char *names;
	uint64_t names_size;
};

static bool open_file(const char *path, struct file *file)
{
	int fd = raw_open(path, O_RDONLY);
	struct statx st;

	if (fd < 0)
		return false;
	file->bytes = NULL;
	if (raw_statx("", fd, &st) == 0 && st.stx_size >= sizeof(Elf64_Ehdr)) {
		file->size = st.stx_size;
		file->bytes = stack_map(file->size, MAP_PRIVATE, fd);
	}
	raw_close(fd);
	return file->bytes != NULL;
}

/* NULL when the piece is not within the file. */
static const void *piece(const struct file *file, uint64_t offset, uint64_t size)
{
	if (offset > file->size || size > file->size - offset || offset % 8)
		return NULL;
	return file->bytes + offset;
}

/* Has the file been replaced since it was loaded? */
static bool is_loaded_file(const struct file *file, const struct stack_object *object)
{
	const char *loaded = (const char *)object->base;

	for (size_t i = 0; i < sizeof(Elf64_Ehdr); i++)
		if (file->bytes[i] != loaded[i])
			return false;
	return true;
}

static const Elf64_Shdr *section(const struct file *file, unsigned number)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)file->bytes;

	if (number >= header->e_shnum || header->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	return piece(file, header->e_shoff + number * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
}

static bool find_symbols(const struct file *file, unsigned type, struct symbols *out)
{
	const Elf64_Shdr *table = NULL, *names;

	for (unsigned i = 0; (table = section(file, i)) && table->sh_type != type; i++)
		;
	names = table ? section(file, table->sh_link) : NULL;
	if (!names || names->sh_offset > file->size ||
	    names->sh_size > file->size - names->sh_offset || !names->sh_size)
		return false;
	out->symbol = piece(file, table->sh_offset, table->sh_size);
	out->count = table->sh_size / sizeof(Elf64_Sym);
	out->names = file->bytes + names->sh_offset;
	out->names_size = names->sh_size;
	return out->symbol && !out->names[out->names_size - 1];
}

static bool is_function(const Elf64_Sym *symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

static bool take_names(const struct symbols *s, uint64_t value, stack_name_fn *take, void *arg)
{
	for (uint64_t i = 0; i < s->count; i++) {
		const Elf64_Sym *symbol = &s->symbol[i];

		if (value - symbol->st_value < symbol->st_size && is_function(symbol) &&
		    symbol->st_name < s->names_size &&
		    take(arg, s->names + symbol->st_name, value - symbol->st_value))
			return true;
	}
	return false;
}

/* The full table; where that was stripped, what the loader needs. */
bool stack_symbols_at(struct stack_scratch *scratch, uintptr_t address, stack_name_fn *take,
		      void *arg)
{
	struct stack_object *object = &scratch->object;
	struct symbols symbols;
	struct file file;
	bool taken = false;

	if (!stack_object_at(scratch, address) || !open_file(object->path, &file))
		return false;
	if (is_loaded_file(&file, object) && (find_symbols(&file, SHT_SYMTAB, &symbols) ||
					      find_symbols(&file, SHT_DYNSYM, &symbols)))
		taken = take_names(&symbols, address - object->bias, take, arg);
	stack_unmap(file.bytes, file.size);
	return taken;
}
