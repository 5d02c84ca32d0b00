/*
 * nearest.h - the known word nearest to a misspelt one, for messages.
 */
#ifndef RUNNER_NEAREST_H
#define RUNNER_NEAREST_H

/* at(arg, i): the i-th known word, NULL after the last. NULL when none is near. */
const char *nearest(const char *word, const char *(*at)(const void *arg, int i), const void *arg);

#endif
