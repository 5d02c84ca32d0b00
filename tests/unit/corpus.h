/*
 * corpus.h - what the fuzzers have learnt, replayed: each seed of tests/fuzz/ goes through its
 * fuzzer's own function, which aborts when something is wrong. The seeds are found beside the sources,
 * from the folder that make runs in: a folder of files, or a file of lines in hexadecimal.
 */
#ifndef TESTS_UNIT_CORPUS_H
#define TESTS_UNIT_CORPUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int corpus_replay_folder(const char *folder)
{
	static uint8_t data[65536];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int seeds = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[512];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		FILE *file = fopen(path, "re");
		assert_non_null(file);
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
		seeds++;
	}
	closedir(dir);
	return seeds;
}

static inline int corpus_replay_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[8192];
	int seeds = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		uint8_t data[sizeof(line) / 2];
		size_t size = 0;

		for (unsigned byte; sscanf(line + 2 * size, "%2x", &byte) == 1; size++)
			data[size] = (uint8_t)byte;
		assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
		seeds++;
	}
	fclose(file);
	return seeds;
}

#endif
