/* amfd --replay: the decisions of an exported project, made again; see state/rerun.h. */
#ifndef SERVER_REPLAY_H
#define SERVER_REPLAY_H

#include "maintenance.h"

/* MAINTENANCE_DONE; MAINTENANCE_DAMAGED: a decision came out differently (not with what_if, which
 * looks for that); MAINTENANCE_USAGE: settings that no project takes; MAINTENANCE_CANNOT: the file
 * is no export, or cannot be read. progress: for a person who waits; NULL: nobody does. */
enum maintenance_exit maintenance_replay(const struct config *config, FILE *out, FILE *progress,
                                         char ret_error[CONFIG_ERROR_BYTES]);

#endif
