/* A model of leases: what docs/concepts.md promises, written down a second time.
 *
 * It knows true time (milliseconds, the same under every start of the machine), keeps plain arrays,
 * and uses nothing of the server. Whoever drives the server tells it what was asked and what came
 * back; the first answer that breaks a promise stays in `violation`.
 */
#ifndef TESTS_PROPERTY_LEASES_H
#define TESTS_PROPERTY_LEASES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LEASES_TASKS = 4,
    LEASES_OPERATORS = 4,
    LEASES_MAX = 512,
    LEASES_FENCES = 16,
    LEASES_NO_LIMIT = 1000000
};

enum leases_state {
    LEASE_OPEN,
    LEASE_COMPLETED,
    LEASE_EXPIRED,
    LEASE_SKIPPED,
    LEASE_FAILED,
    LEASE_RELEASED
};
enum leases_skip { SKIP_ME, SKIP_OTHERS, SKIP_NEVER };

struct model_lease {
    char id[24];
    int task, operator_;
    enum leases_state state;
    int64_t fences[LEASES_FENCES]; /* all it was ever given, the newest last */
    int fence_count;
    int64_t renewed_with;      /* one of them; 0: none */
    int64_t given, ends;       /* true time */
    int64_t wall_ends;         /* what the wall clock was to say in the end */
    bool failed_demonstration; /* one was handed in under it */
};

struct model_block { /* a skip */
    int task, operator_;
    enum leases_skip to;
    bool over;
};

struct leases {
    int64_t now, wall_offset;
    int64_t last_seen; /* when the log last saw the boot clock */
    int64_t newest_fence;
    int budget, minimum[LEASES_TASKS], maximum[LEASES_TASKS], demonstrations[LEASES_TASKS];
    int attempts_failed[LEASES_TASKS]; /* ended as failed, or handed in as failed */
    struct model_lease leases[LEASES_MAX];
    int lease_count;
    struct model_block blocks[LEASES_MAX];
    int block_count;
    char violation[256];
};

__attribute__((format(printf, 2, 3))) void leases_violated(struct leases *model, const char *format,
                                                           ...);

/* ---- time: true time goes on; the wall clock is set; the machine starts again ---- */
void leases_pass(struct leases *model, int64_t ms);
/* Off for down_ms; the log saw the boot clock last at last_seen. */
void leases_reboot(struct leases *model, int64_t down_ms, int64_t wall_jump_ms);

/* ---- what may be ---- */
bool leases_is_live(const struct leases *model, const struct model_lease *lease);
bool leases_takes(const struct leases *model, const struct model_lease *lease, int64_t fence);
/* Whether an ask of this operator may open this task now. */
bool leases_may_open(const struct leases *model, int operator_, int task);
/* NULL: something may be opened; else the code of the reason that an asker should be told. */
const char *leases_reason(const struct leases *model, int operator_);
int leases_pending(const struct leases *model, int task);
int leases_attempts(const struct leases *model, int task);
struct model_lease *leases_find(struct leases *model, const char *id);

/* ---- what was ---- */
void leases_opened(struct leases *model, const char *id, int operator_, int task, int64_t fence,
                   int64_t lease_ms, bool for_minimum);
void leases_renewed(struct leases *model, struct model_lease *lease, int64_t with, int64_t fence,
                    int64_t lease_ms);
void leases_ended(struct leases *model, struct model_lease *lease, enum leases_state state,
                  enum leases_skip to);
void leases_task_updated(struct leases *model, int task);

#endif
