/* What amfd does to a data directory instead of serving it: --check and --purge. */
#ifndef SERVER_MAINTENANCE_H
#define SERVER_MAINTENANCE_H

#include <stdio.h>

#include "config.h"

/* Exit codes of both, those of `amf`, which runs them. */
enum maintenance_exit {
    MAINTENANCE_DONE = 0,    /* sound; erased, or nothing to erase */
    MAINTENANCE_DAMAGED = 1, /* --check found something */
    MAINTENANCE_USAGE = 2,   /* --purge without --yes */
    MAINTENANCE_CANNOT = 4   /* the directory is in use, or cannot be opened */
};

/* A report to `out`, as JSON with config->json; what keeps it from working goes to ret_error. */
enum maintenance_exit maintenance_check(const struct config *config, FILE *out,
                                        char ret_error[CONFIG_ERROR_BYTES]);
enum maintenance_exit maintenance_purge(const struct config *config, FILE *out,
                                        char ret_error[CONFIG_ERROR_BYTES]);

#endif
