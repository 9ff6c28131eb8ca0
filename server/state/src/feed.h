/* The newest events of one project, kept ready for those who follow it; see state/feed.h. */
#ifndef STATE_SRC_FEED_H
#define STATE_SRC_FEED_H

struct feed;

struct feed *feed_new(void);       /* NULL: out of memory */
void feed_free(struct feed *feed); /* NULL is fine */

#endif
