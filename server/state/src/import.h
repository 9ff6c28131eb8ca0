/* An archive as a log: what importing and replaying have in common. */
#ifndef STATE_IMPORT_H
#define STATE_IMPORT_H

#include <state/transfer.h>

#include "project_internal.h"

/* Reads the archive in fd, which stays the caller's: it is whole and right by its own sums. 0 or an
 * enum proto_code. Given back with state_import_free. */
__attribute__((warn_unused_result)) int import_open(int fd, struct state_import **ret_import,
                                                    struct proto_error *ret_error);

const struct proto_export *import_head(const struct state_import *import);

/* 0; positive, an enum proto_code; negative, a store_status. */
typedef int (*import_take_fn)(struct state_import *import, const struct store_event *event,
                              void *arg, struct proto_error *ret_error);
/* Gives the events to `take`, with their demonstrations, in order and as often as one likes. What
 * it answers other than 0 ends that and is returned; a positive status is placed in the archive. */
__attribute__((warn_unused_result)) int import_each_event(struct state_import *import,
                                                          import_take_fn take, void *arg,
                                                          struct proto_error *ret_error);

/* Folds an event of an archive, held to what a command is held to. As project_take, but that what
 * is wrong is the archive. */
__attribute__((warn_unused_result)) int import_take_event(struct project *project,
                                                          const struct store_event *event,
                                                          struct proto_error *ret_error);

/* project->read_blob; arg: the struct state_import. */
int import_find_blob(void *arg, const char *id, unsigned char **ret_bytes, size_t *ret_length);

#endif
