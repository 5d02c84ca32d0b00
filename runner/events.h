/*
 * events.h - carries what the plane's ring tells into the ledger, on a thread of its own.
 *
 * Rules of faults are named after them (fault.h), so each event finds its fault. The ring is
 * evidence for people; verdicts rest on the rules' counters, which lose nothing.
 */
#ifndef RUNNER_EVENTS_H
#define RUNNER_EVENTS_H

#include <stdint.h>

#include "failkit/control.h"
#include "failkit/why.h"
#include "runner/ledger.h"

struct events;

int events_open(struct events **out, struct control *control, struct ledger *ledger,
		struct why *why);
/* Carries what is there, then ends; tells how many events were overwritten before they were read.
 */
uint64_t events_close(struct events *events);

#endif
