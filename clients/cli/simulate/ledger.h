/* What the server has said to the fleet, so that it can be held to it.
 *
 * Every answer is noted once, by whoever got it: who was given which assignment with which fence,
 * what was acknowledged, how long answers took, what was refused. What contradicts an earlier
 * answer (a lease in two hands, a fence given twice) is noted as broken at once. One lock for all:
 * a note costs microseconds, an answer milliseconds.
 */
#ifndef SIMULATE_LEDGER_H
#define SIMULATE_LEDGER_H

#include <pthread.h>
#include <stdbool.h>

#include <amf_client/client.h>

enum call_kind { CALL_ASK, CALL_COMPLETE, CALL_UPLOAD, CALL_OTHER, CALL_KINDS };

struct series { /* of answers to first tries, seconds */
    double *values;
    size_t count, capacity;
};

struct given { /* an assignment */
    const char *id, *demonstration;
    size_t operator_, task; /* task SIZE_MAX: none that was recorded */
    int64_t fence;
    double gain;
    int rule;
    int state; /* what was acknowledged last; OPEN also once its time is up */
    bool busy; /* somebody is at it */
};

struct stored {
    const char *id, *sha256;
    size_t task;
    int role;
    bool success, duplicate;
};

struct fault { /* a refusal or a broken connection */
    char code[40];
    long status; /* 0: no answer */
    size_t count;
};

enum { FAULTS_MAX = 32, BROKEN_MAX = 10, WHY_MAX = 512 };

struct spread {                          /* new assignments while others were at work */
    size_t alone, apart, forced, chosen; /* forced: every task had somebody; chosen: not every */
    char why[WHY_MAX];                   /* the server's sentence for the last chosen repeat */
};

struct ledger {
    pthread_mutex_t lock;
    size_t task_count, *busy; /* of a task: operators at it */
    struct given *given;
    size_t given_count, given_capacity;
    struct stored *stored;
    size_t stored_count, stored_capacity;
    int64_t *fences;
    size_t fence_count, fence_capacity;
    struct series calls[CALL_KINDS];
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
    size_t repeated;               /* requests that were sent more than once */
    size_t credited, late, failed; /* demonstrations of people */
    size_t nothing;                /* asks that were told to wait */
    size_t abandoned;              /* leases that were left to lapse for good */
    struct spread spread;
    char broken[BROKEN_MAX][256]; /* the first ones */
    size_t broken_count;
    bool no_memory; /* something could not be noted: nothing can be vouched for */
    struct proto_arena arena;
};

/* 0; -1 no memory. */
__attribute__((warn_unused_result)) int ledger_init(struct ledger *ledger, size_t task_count);
void ledger_deinit(struct ledger *ledger);

/* One exchange of a request: what came of it. */
void ledger_answer(struct ledger *ledger, enum call_kind kind, enum amf_client_status status,
                   const struct amf_client_result *result, double took_s, bool first_try);
__attribute__((format(printf, 2, 3))) void ledger_broken(struct ledger *ledger, const char *format,
                                                         ...);

/* An assignment was given to an operator whose name is `name`. Its number for the functions below;
 * SIZE_MAX: out of memory. */
size_t ledger_given(struct ledger *ledger, size_t operator_, const char *name, size_t task,
                    const struct proto_assignment *assignment);
void ledger_renewed(struct ledger *ledger, size_t given, int64_t fence);
/* state OPEN: left to lapse. */
void ledger_ended(struct ledger *ledger, size_t given, int state, const char *demonstration);
/* A demonstration was acknowledged. */
void ledger_stored(struct ledger *ledger, const struct proto_stored *stored, size_t task, int role,
                   bool success);
/* One more of a count of the ledger. */
void ledger_count(struct ledger *ledger, size_t *count);
size_t ledger_shown(struct ledger *ledger); /* successful demonstrations acknowledged */

#endif
