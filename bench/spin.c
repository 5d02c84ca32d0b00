/* spin.c PAGE - writes one byte to /dev/null for ever, noting the moment when that begins to fail
 * and the moment when it works again. The target of bench/set_to_effect. */
#include "bench/spin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv)
{
	int file = argc == 2 ? open(argv[1], O_RDWR) : -1, null = open("/dev/null", O_WRONLY);
	struct spin_page *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (file < 0 || null < 0 || page == MAP_FAILED)
		return 2;
	while (!atomic_load(&page->quit)) {
		uint32_t state = write(null, "x", 1) == 1 ? SPIN_PASSES : SPIN_FAILS;
		if (state == atomic_load_explicit(&page->state, memory_order_relaxed))
			continue;
		atomic_store(&page->changed_ns, now_ns());
		atomic_store(&page->state, state);
	}
	return 0;
}
