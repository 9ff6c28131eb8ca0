/* An exported project's decisions, made again: from the same log the same choices, bit for bit.
 *
 * The log is folded event by event. Each decision is made in the state it was made in, by a ranking
 * of the event that its own had seen, and held against its record. So it costs a ranking for each
 * event that decisions were made from, and memory for one project.
 *
 * With other settings (what_if) each decision tells what would have been asked instead, given what
 * was really held and really under way by then: what would have followed from it nobody knows.
 */
#ifndef STATE_RERUN_H
#define STATE_RERUN_H

#include <amf/pool.h>
#include <proto/wire.h>

enum rerun_outcome {
    RERUN_SAME,       /* every bit; with what_if: the same task */
    RERUN_CLOSE,      /* other BLAS kernels: to 1e-9, or a choice whose margin was under that */
    RERUN_DIFFERS,    /* what_if: another task, or none */
    RERUN_UNRECORDED, /* by a version that did not record what it was made of */
    RERUN_OUTCOMES
};

struct rerun_decision {
    size_t index, total; /* of the log's decisions */
    const struct proto_event_opened *recorded;
    const struct proto_event_opened *repeated; /* NULL: no task was named */
    enum rerun_outcome outcome;
    const char *field; /* the first that differs; NULL: none. Both values as text: */
    const char *was, *is;
};
typedef void (*rerun_fn)(const struct rerun_decision *decision, void *arg);

struct rerun_settings {
    struct amf_pool *pool;
    const char *what_if; /* settings as a PATCH of the project says them, JSON; NULL: none */
    rerun_fn fn;         /* of each decision, in order; pointers are valid during the call */
    void *arg;
};

/* Whether the settings of what_if are ones at all. PROTO_CODE_OK, or what a PATCH is refused with.
 */
__attribute__((warn_unused_result)) enum proto_code
rerun_check(const struct rerun_settings *settings, struct proto_error *ret_error);

/* Of the archive in the file fd. PROTO_CODE_OK; an archive that import refuses, settings that a
 * PATCH refuses, NO_MEMORY or INTERNAL. */
__attribute__((warn_unused_result)) enum proto_code
rerun(int fd, const struct rerun_settings *settings, struct proto_error *ret_error);

#endif
