/*
 * liar.h - an HTTP object store in memory that speaks the kv driver's protocol, and lies when
 * asked.
 */
#ifndef TESTS_UNIT_LIAR_H
#define TESTS_UNIT_LIAR_H

enum lie {
	LIE_NONE,
	LIE_BUSY,     /* honest, but every 7th request is 503; mutations by chance applied or not */
	LIE_LOST_PUT, /* every 40th put is acknowledged and dropped */
	LIE_KEPT_DELETE, /* every 20th delete is acknowledged and not done */
	LIE_ROTTEN,      /* every 40th body of 100 bytes and more has a bit flipped for good */
	LIE_SHIFTED,     /* every 20th range is one byte off, and says it is not */
	LIE_SHORT_LIST,  /* every 10th listing lacks its first entry */
	LIE_WRONG_TAG,   /* every 40th put is acknowledged with another tag */
	LIE_COUNT,
};

/* Serves on 127.0.0.1; returns the port. One at a time. */
int liar_start(enum lie lie);
void liar_stop(void);
unsigned liar_objects(void);

#endif
