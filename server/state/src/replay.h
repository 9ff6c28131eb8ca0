/* The start's way through the log of all projects. */
#ifndef STATE_REPLAY_H
#define STATE_REPLAY_H

#include "project_internal.h"

/* status: of reading the row as an event, which is there if it is 0. Everything is valid during the
 * call; nonzero stops. */
typedef int (*replay_fn)(const struct store_event *stored, int status, const struct event *event,
                         void *arg);

/* Calls fn for each event in the order of commit, on the thread that calls. 0, fn's answer, or a
 * negative store_status, after fn has had all that could be read before it. fn must not read from
 * the store. */
__attribute__((warn_unused_result)) int replay(struct store *store, replay_fn fn, void *arg);

#endif
