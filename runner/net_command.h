/*
 * net_command.h - running the programs that configure a network namespace; for net*.c alone.
 */
#ifndef RUNNER_NET_COMMAND_H
#define RUNNER_NET_COMMAND_H

#include "failkit/why.h"

enum { NET_OUTPUT_MAX = 65536 };

/* Runs a program of the administrator's folders; words are divided by single blanks. output: of
 * NET_OUTPUT_MAX bytes, or NULL. Its own words become why. */
__attribute__((format(printf, 3, 4))) int net_command(char *output, struct why *why,
						      const char *format, ...);

#endif
