/* The working project from the inside, and the kinds of events there are. */
#ifndef STATE_PROJECT_INTERNAL_H
#define STATE_PROJECT_INTERNAL_H

#include <stdatomic.h>

#include <amf/pool.h>
#include <state/project.h>
#include <store/store.h>

#include "hashes.h"
#include "view_internal.h"

struct project {
    struct view draft;
    const char *log_name;  /* the project's name in the store, unique for ever; owned by the
                              registry's entry */
    struct hashes *hashes; /* content hash -> demonstration */
    int64_t now_ms;        /* of the transaction under way, as is boot_ms */
    int64_t boot_ms;       /* see struct instant */
    const char *boot_id;
    struct store *store; /* for reading back what is held */
    struct store_tx *tx; /* the transaction under way; NULL while the log is folded */
    /* While a log from elsewhere is folded: where its demonstrations are. 0 or a store_status. */
    int (*read_blob)(void *arg, const char *id, unsigned char **ret_bytes, size_t *ret_length);
    void *read_blob_arg;
    struct amf_pool *pool; /* likewise; may be NULL */
    bool rethin_due;       /* folded a change of max_steps: thin anew what was held before it */
    struct view
        *frozen; /* what the transaction under way will publish; NULL: nothing, or deleted */
    bool dirty;  /* changed since it was last published */
    bool spoilt; /* holds changes that were rolled back, and memory was too short to undo them */
};

/* What an event says beside its body. */
struct event_head {
    int64_t seq, at_ms;
};

typedef int event_check_fn(const struct project *project, const struct event_head *head,
                           const void *body, struct proto_error *ret_error);

/* What stands in the bytes that belong to an event. */
enum event_blob {
    EVENT_BLOB_NONE,
    EVENT_BLOB_DEMONSTRATION, /* states and actions: proto_demonstration_from_tensors */
    EVENT_BLOB_FEATURES,      /* proto_features_read */
    EVENT_BLOB_POLICY         /* proto_revision_from_tensors; a revision may also have none */
};

/* One kind of event: its name in the log, its shape, and what it does to the draft. */
struct event_kind {
    const char *type;
    const struct proto_shape *shape;
    enum event_blob blob;
    int (*apply)(struct project *project, const struct event_head *head, const void *body);
    /* Whether an event from elsewhere can follow in this log: 0, or an enum proto_code. check.c */
    event_check_fn *check;
    bool of_leases; /* changes who works on what alone */
};

extern const struct event_kind event_project_created, event_project_updated, event_project_deleted,
    event_task_put, event_task_deleted, event_demonstration_added, event_demonstration_retracted,
    event_scales_frozen, event_assignment_opened, event_assignment_completed,
    event_assignment_expired, event_assignment_renewed, event_assignment_skipped,
    event_assignment_failed, event_assignment_released, event_leases_carried, event_policy_put,
    event_policy_activated, event_features_put;
extern const struct event_kind *const event_kinds[]; /* all of them, NULL-terminated */

const struct event_kind *event_kind_find(const char *type); /* NULL: none is called that */
/* Nobody is kept from this task any more. */
void skips_end_of_task(struct view *draft, const char *key);

/* An event as it is applied. The body is what the kind's shape describes. */
struct event {
    const struct event_kind *kind;
    struct event_head head;
    union {
        struct proto_project project;
        struct proto_task task;
        struct proto_demonstration demonstration;
        struct proto_scales scales;
        struct proto_event_removed removed;
        struct proto_event_assignment_end end;
        struct proto_event_opened opened;
        struct proto_event_renewed renewed;
        struct proto_event_carried carried;
        struct proto_revision revision;
        struct proto_event_activated activated;
        struct proto_event_features features;
    } body;
};

/* log.c: folding in two steps. A row (with its blob) as an event, whose body may point into it and
 * into the arena; own: it was written by this server. Any thread. Then the event onto the draft.
 * 0, or a negative store_status. */
__attribute__((warn_unused_result)) int event_read(const struct store_event *stored, bool own,
                                                   struct proto_arena *arena,
                                                   struct event *ret_event,
                                                   struct proto_error *ret_error);
__attribute__((warn_unused_result)) int event_apply(struct project *project,
                                                    const struct event *event);

/* Appends an event and applies it. blob: of a demonstration, else NULL. 0 or a negative
 * store_status. */
__attribute__((warn_unused_result)) int project_log(struct project *project, struct store_tx *tx,
                                                    const struct event_kind *kind, const void *body,
                                                    const void *blob, size_t blob_bytes,
                                                    const char *blob_id);
/* Both for one event of the log. 0, or a negative store_status. */
__attribute__((warn_unused_result)) int project_replay(struct project *project,
                                                       const struct store_event *event);

/* Folds one event of a log that came from elsewhere. Positive, an enum proto_code: it cannot stand
 * here, and nothing has changed. */
__attribute__((warn_unused_result)) int project_take(struct project *project,
                                                     const struct store_event *event,
                                                     struct proto_error *ret_error);

/* Logs what is left of each open lease, from now on. from: the project's id where it came from;
 * NULL: here. left_ms: one for each, in the order of the view. */
__attribute__((warn_unused_result)) int project_carry(struct project *project, struct store_tx *tx,
                                                      const char *from, const int64_t *left_ms);

/* Ids are per project and rise with the sequence number, so they sort by time: "d0000000042". */
#define ID_BYTES 24
void project_id_format(char prefix, int64_t seq, char ret_id[ID_BYTES]);

/* What a project as it stands takes, for commands and for events from elsewhere: 0, or an enum
 * proto_code. Each is about a struct that is right in itself. */
__attribute__((warn_unused_result)) int project_check_update(const struct view *draft,
                                                             const struct proto_project *settings,
                                                             struct proto_error *ret_error);
__attribute__((warn_unused_result)) int project_check_task(const struct view *draft,
                                                           const struct proto_task *task,
                                                           struct proto_error *ret_error);
__attribute__((warn_unused_result)) int project_check_task_removal(const struct view *draft,
                                                                   const char *key,
                                                                   struct proto_error *ret_error);

__attribute__((warn_unused_result)) int
project_check_revision(const struct view *draft, const struct proto_revision *revision,
                       struct proto_error *ret_error);
/* Whether its summary is one: p^3 / 3 operations in the pool, or in one of its own (NULL). */
__attribute__((warn_unused_result)) int
revision_check_summary(const struct proto_revision *revision, struct amf_pool *pool,
                       struct proto_error *ret_error);
/* Whether the networks that serve or may serve can take a task. */
__attribute__((warn_unused_result)) int
project_check_task_in_networks(const struct view *draft, const struct proto_task *task,
                               struct proto_error *ret_error);
bool project_has_network(const struct view *draft);
__attribute__((warn_unused_result)) int project_check_activation(const struct view *draft,
                                                                 const char *revision,
                                                                 struct proto_error *ret_error);

/* check.c: the checks of the kinds of events, in the order of the kinds. */
event_check_fn check_project_created, check_project_updated, check_project_deleted, check_task_put,
    check_task_deleted, check_demonstration_added, check_demonstration_retracted,
    check_scales_frozen, check_assignment_opened, check_assignment_completed,
    check_assignment_ended, check_assignment_renewed, check_leases_carried;

/* Thins every held demonstration and its features anew, from the store, by today's max_steps. 0 or
 * a negative store_status. */
__attribute__((warn_unused_result)) int project_rethin(struct project *project);

__attribute__((warn_unused_result)) int project_rethin_features(struct project *project);
/* Bytes that belong to an event, from wherever this project is being made. 0 or a store_status. */
__attribute__((warn_unused_result)) int project_read_blob(const struct project *project,
                                                          const char *id, unsigned char **ret_bytes,
                                                          size_t *ret_length);

/* Makes the view that the next commit publishes, so that nothing is left to fail after it. 0 or
 * STORE_NO_MEMORY. */
__attribute__((warn_unused_result)) int project_freeze(struct project *project);
/* What it means when the store's own bytes cannot be decoded: damage, or only no memory. */
int project_status_of_stored(enum proto_code code);

/* The scales that the held demonstrations give today, or while nothing is held the newest rollouts,
 * as a cell. There is one of either. NULL when out of memory. */
struct scales *project_fit(const struct view *view);
/* Whether the settings ask for numbers that maximise the marginal likelihood. */
bool project_wants_fit(const struct view *view);
/* Whether the frozen scales wait for such a fit. */
bool project_fit_due(const struct view *view);
/* `from` with what maximises the marginal likelihood of the view's demonstrations in place of
 * medians and given numbers, in a new cell. Blocks on the pool; not for the writer thread. 0; -1
 * out of memory; 1 cancelled. */
__attribute__((warn_unused_result)) int
scales_maximise(const struct view *view, const struct scales *from, struct amf_pool *pool,
                const atomic_bool *cancel, struct scales **ret_scales);
/* How many held demonstrations freeze the scales. */
int64_t project_fit_after(const struct view *view);

/* Thins a trajectory's matrices to max_steps into a demonstration's arena. */
__attribute__((warn_unused_result)) int demonstration_thin(struct demonstration *demonstration,
                                                           const struct proto_matrix *states,
                                                           const struct proto_matrix *actions,
                                                           int64_t max_steps);

#endif
