/* A data directory that no daemon has open: is it sound, and what of it is of deleted projects. */
#ifndef STATE_AUDIT_H
#define STATE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <store/store.h>

/* One project that is or was. */
struct audit_log {
    char *project; /* its id */
    char *name;    /* of its log in the store */
    bool deleted;
    int64_t events, demonstrations, bytes;
};

struct audit_logs {
    struct audit_log *items;
    size_t count;
};

#define AUDIT_LOGS_NULL                                                                            \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
/* 0 or a negative store_status. */
__attribute__((warn_unused_result)) int audit_logs_read(struct store *store,
                                                        struct audit_logs *ret_logs);
void audit_logs_deinit(struct audit_logs *logs);

/* Folds every log as an import would: each event is decoded and held to what a command is held to,
 * each demonstration to its hash. The first event of a log that does not fit is told to fn and
 * ends that log. 0 also then; STORE_NO_MEMORY. */
__attribute__((warn_unused_result)) int
audit_fold(struct store *store, const struct audit_logs *logs, store_problem_fn fn, void *arg);

#endif
