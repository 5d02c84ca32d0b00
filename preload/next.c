/* next.c - see next.h for the model. */
#include "preload/next.h"

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

#include "preload/raw.h"

/* What DT_GNU_HASH points to; then its filter's words, the buckets and the chains. */
struct hash_table {
	uint32_t buckets, first, words, shift;
};

struct object {
	const ElfW(Sym) * symbols;
	const char *strings;
	const struct hash_table *table;
};

/* The loader turns these into addresses, but not where the section can't be written. */
static const void *address_of(const struct link_map *map, const ElfW(Dyn) * entry)
{
	uintptr_t at = entry->d_un.d_ptr;

	return (const void *)(at < map->l_addr ? at + map->l_addr : at);
}

static bool read_object(const struct link_map *map, struct object *out)
{
	*out = (struct object){0};
	for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_SYMTAB)
			out->symbols = address_of(map, entry);
		else if (entry->d_tag == DT_STRTAB)
			out->strings = address_of(map, entry);
		else if (entry->d_tag == DT_GNU_HASH)
			out->table = address_of(map, entry);
	}
	return out->symbols && out->strings && out->table && out->table->buckets;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	return hash;
}

static bool defines(const ElfW(Sym) * symbol)
{
	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

/* A chain ends with an odd word; the rest of a word is its symbol's hash. */
static const ElfW(Sym) * find_symbol(const struct object *object, const char *name)
{
	const struct hash_table *table = object->table;
	const ElfW(Addr) *filter = (const void *)(table + 1);
	const uint32_t *buckets = (const void *)(filter + table->words);
	const uint32_t *chains = buckets + table->buckets;
	uint32_t hash = hash_of(name), i = buckets[hash % table->buckets];

	for (; i >= table->first; i++) {
		const ElfW(Sym) *symbol = &object->symbols[i];

		if ((chains[i - table->first] | 1) == (hash | 1) && defines(symbol) &&
		    raw_equal(object->strings + symbol->st_name, name))
			return symbol;
		if (chains[i - table->first] & 1)
			break;
	}
	return NULL;
}

static void *definition_in(const struct link_map *map, const char *name)
{
	const ElfW(Sym) * symbol;
	struct object object;

	symbol = read_object(map, &object) ? find_symbol(&object, name) : NULL;
	return symbol ? (void *)(map->l_addr + symbol->st_value) : NULL;
}

void *next_definition(const char *name)
{
	const struct link_map *own = _r_debug.r_map, *map;
	void *found = NULL;

	while (own && own->l_ld != _DYNAMIC)
		own = own->l_next;
	for (map = own ? own->l_next : NULL; map && !found; map = map->l_next)
		found = definition_in(map, name);
	for (map = _r_debug.r_map; map != own && !found; map = map->l_next)
		found = definition_in(map, name);
	return found;
}
