/* One project at one sequence number: an immutable snapshot that readers hold without a lock.
 *
 * Everything reachable from a view is const from the moment it is published. A new view shares all
 * that did not change with the one before it.
 */
#ifndef STATE_VIEW_H
#define STATE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proto/features.h>
#include <proto/wire.h>
#include <state/cell.h>
#include <state/clock.h>
#include <state/roll.h>

/* Cells. Their strings and arrays are in their own arena. */
struct settings {
    struct proto_project
        project; /* dimensions filled in once the first demonstration has told them */
};

struct task {
    struct proto_task task; /* without counts */
};

struct demonstration {
    struct proto_demonstration meta;     /* without states and actions */
    struct proto_matrix states, actions; /* thinned to criterion.max_steps, raw units */
};

/* See lease.h. */
struct lease {
    int64_t expires_ms; /* wall clock, as it was when the lease was given: what people are told */
    int64_t length_ms;  /* for how long it was given */
    int64_t given_boot_ms;             /* boot clock then, and */
    char boot_id[CLOCK_BOOT_ID_BYTES]; /* of which start; "": not known */
    int64_t fence_before;              /* what it was last renewed with; 0: it was not */
    int skip;                          /* enum proto_skip, once skipped */
};

struct assignment {
    struct proto_assignment assignment;
    int64_t opened_seq, ended_seq; /* events; ended_seq 0 while it is open */
    struct lease lease;
};

struct scales {
    struct proto_scales frozen; /* as the log has it: what was found */
};

struct revision {
    struct proto_revision meta; /* what was said of it */
};

struct summary {
    struct proto_matrix gram; /* p x p */
};

struct hosted; /* a network that is evaluated here, see src/hosted.h */

/* What one revision thinks of one demonstration, in the demonstration's thinned steps. */
struct features {
    struct proto_features meta;
    size_t steps, task_count; /* task_count 1: its own alone, or a list of one */
    /* task x step x column, NULL: not there; log_likelihood task x step or one number a task */
    double *numbers[PROTO_FEATURE_COUNT];
};

/* A revision of the policy with what changes about it. See policies.h. */
struct policy {
    struct revision *revision;
    int state;                      /* enum proto_revision_state */
    bool has_form;                  /* features have come */
    struct proto_feature_form form; /* of all its features */
    struct roll features;  /* struct features or NULL, one per demonstration; empty once retired */
    int64_t count;         /* demonstrations with features */
    struct hosted *hosted; /* its network; NULL: features are uploaded, or it is retired */
    struct summary *summary; /* of the pre-training set; NULL: none, or it is retired */
};

enum serving { SERVING_SELECTION, SERVING_LIKELIHOOD, SERVING_COUNT };

/* What is counted of one task; all of them are derived from the other fields of the view. */
struct task_counts {
    int64_t demonstrations; /* successful, role demonstration */
    int64_t failed;         /* role demonstration, not successful */
    int64_t pretraining;    /* successful */
    int64_t rollouts, rollouts_succeeded;
    int64_t pending;  /* open assignments */
    int64_t given_up; /* assignments that ended as failed, without a demonstration that says so */
};

struct view {
    const char *id;
    int64_t seq;          /* newest event seen */
    int64_t ranked_seq;   /* newest that changed anything a ranking reads */
    int64_t evidence_seq; /* newest that changed more of a ranking than what is pending */
    double superseded_s;  /* monotonic clock, when a newer one was published; 0: newest. Under the
                             registry's mutex. */
    bool deleted;
    struct settings *settings;
    struct scales *scales;      /* NULL until frozen */
    struct roll tasks;          /* struct task, in key order */
    struct roll demonstrations; /* struct demonstration, in order of seq */
    struct roll assignments;    /* struct assignment, in order of opening */
    struct task_counts *counts; /* one per task, in the order of `tasks` */
    size_t *open;               /* indices into assignments of the open ones, in order of opening */
    size_t open_count;
    size_t *skips; /* likewise of the skipped ones that still keep their task from somebody */
    size_t skip_count;
    int64_t boot_ms;                   /* the boot clock as newest seen in an event, and */
    char boot_id[CLOCK_BOOT_ID_BYTES]; /* of which start; "": none seen */
    int64_t held; /* demonstrations the criterion learns from: successful, of role demonstration or
                     pretraining */
    int64_t demonstrated;    /* successful ones of role demonstration: what a budget counts */
    struct policy *policies; /* in order of creation */
    size_t policy_count;
    size_t serving[SERVING_COUNT]; /* 1 + index in policies; 0: none, or the built-in one */
};

struct view *view_ref(const struct view *view);
void view_unref(struct view *view); /* NULL is fine */

/* Index of a task key, or SIZE_MAX. O(log M). */
size_t view_find_task(const struct view *view, const char *key);
/* By id; NULL when there is none. O(log n). */
struct demonstration *view_find_demonstration(const struct view *view, const char *id);
/* Its index, or SIZE_MAX. */
size_t view_demonstration_index(const struct view *view, const char *id);
struct assignment *view_find_assignment(const struct view *view, const char *id);
size_t view_find_assignment_index(const struct view *view, const char *id); /* or SIZE_MAX */
/* Index of the first demonstration (assignment) whose id is greater than `id`: where a page after
 * that cursor begins. */
size_t view_page_demonstrations(const struct view *view, const char *id);
size_t view_page_tasks(const struct view *view, const char *key);
size_t view_page_assignments(const struct view *view, const char *id);

/* The task with its counts, as it is told to clients. Strings are borrowed from the view. */
void view_describe_task(const struct view *view, size_t index, struct proto_task *ret_task);
/* The project with its newest sequence number, and the numbers in use once they are frozen.
 * Borrowed from the view and the arena. 0, or -1 when out of memory. */
__attribute__((warn_unused_result)) int view_describe_project(const struct view *view,
                                                              struct proto_arena *arena,
                                                              struct proto_project *ret_project);
/* The numbers in use: what was found, and in its place what the settings give. Borrowed from both.
 * scales: of the view, or provisional. */
void view_describe_scales(const struct view *view, const struct scales *scales,
                          struct proto_scales *ret_scales);

/* Whether the criterion learns from it. */
static inline bool demonstration_is_held(const struct demonstration *demonstration)
{
    return demonstration->meta.success && demonstration->meta.role != PROTO_ROLE_ROLLOUT;
}

/* How often a task was tried, those under way included: what a warm start counts. */
static inline int64_t task_attempts(const struct task_counts *counts)
{
    return counts->demonstrations + counts->failed + counts->given_up + counts->pending;
}

static inline struct task *view_task(const struct view *view, size_t index)
{
    return roll_get(&view->tasks, index);
}

static inline struct demonstration *view_demonstration(const struct view *view, size_t index)
{
    return roll_get(&view->demonstrations, index);
}

static inline struct assignment *view_assignment(const struct view *view, size_t index)
{
    return roll_get(&view->assignments, index);
}

#endif
