/* report.c - the files of a report and its short form. */
#include "runner/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SHOWN_MAX = 10 }; /* violations in the short form */

static int write_file(const struct report *report, const char *name,
		      int (*form)(const struct report *report, FILE *to), struct why *why)
{
	char path[4096];
	FILE *file;
	int error;

	snprintf(path, sizeof(path), "%s/%s", report->dir, name);
	file = fopen(path, "we");
	if (!file)
		return why_set(why, -errno, "cannot write \"%s\": %s", path, strerror(errno));
	error = form(report, file);
	if (fclose(file) && !error)
		error = -errno;
	return error ? why_set(why, error, "cannot write \"%s\": %s", path, strerror(-error)) : 0;
}

static int markdown(const struct report *report, FILE *to)
{
	report_markdown(report, to);
	return ferror(to) ? -EIO : 0;
}

int report_write(const char *dir, struct why *why)
{
	struct report report;
	int error = report_read(&report, dir, why);

	if (error)
		return error;
	error = write_file(&report, "report.md", markdown, why);
	if (!error)
		error = write_file(&report, "results.json", report_json, why);
	report_fini(&report);
	return error;
}

static void print_faults(const struct report *report)
{
	int reached = 0, fired = 0;
	uint64_t fires = 0;

	for (int i = 0; i < report->faults; i++) {
		reached += report->fault[i].reached_ns != 0;
		fired += report->fault[i].fires > 0;
		fires += report->fault[i].fires;
	}
	printf("%d faults scheduled, %d reached, %d fired, %" PRIu64 " fires\n", report->faults,
	       reached, fired, fires);
}

int report_summary(const char *dir, struct why *why)
{
	struct report report;
	int error = report_read(&report, dir, why);

	if (error)
		return error;
	printf("%" PRIu64 " operations, %s verified, %" PRIu64 " acknowledged mutations, %" PRIu64
	       " ambiguous\n",
	       report.ops, report.verified, report.acks, report.ambiguous);
	print_faults(&report);
	for (int i = 0; i < report.violations && i < SHOWN_MAX; i++)
		printf("%s %s\n    %s\n", report.violation[i].code, report.violation[i].key,
		       report.violation[i].text);
	if (report.violations > SHOWN_MAX)
		printf("and %d more violations, which the report has\n",
		       report.violations - SHOWN_MAX);
	if (report.interrupted[0])
		printf("interrupted: the faults that were not reached are not tested\n");
	printf("%s%s%s\n", report.verdict, report.reason[0] ? ": " : "", report.reason);
	printf("report: %s/report.md\n", dir);
	report_fini(&report);
	return 0;
}
