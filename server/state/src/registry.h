/* The registry's insides: state.c changes them, published.c reads them, threads of state use them.
 */
#ifndef STATE_REGISTRY_H
#define STATE_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <state/metrics.h>
#include <state/state.h>

#include "feed.h"
#include "project_internal.h"
#include "tokens.h"

/* One project, for ever: a deleted one keeps its entry, so its log name is never used again. */
struct entry {
    char *id, *log_name;
    struct project project;       /* the writer thread's */
    struct feed *feed;            /* has a lock of its own */
    atomic_uint_fast64_t changes; /* counts what was published of it */
    /* under the registry's mutex */
    struct view *view; /* newest durable one; NULL before the first commit and after deletion */
    struct ranking *ranking; /* newest one; NULL: none yet */
    unsigned asks_waiting;   /* for a newer ranking */
    int64_t failed_seq;      /* the view that could not be ranked for want of memory; 0: none */
    int64_t unfitted_seq;    /* likewise the one that could not be fitted */
    /* the ranking thread's */
    struct amf_engine *engine; /* what it remembers of the project's rankings; NULL: nothing */
    uint64_t ranked_at;        /* its clock: one tick a ranking */
};

struct ranker;
struct fitter;
struct expirer;

/* metrics.c: what the ranking thread counts. */
struct state_counters {
    atomic_uint_fast64_t rankings[STATE_RANKING_BOUNDS + 1], failed;
    atomic_uint_fast64_t total_ns, posterior_ns, weights_ns, gain_ns;
};
void state_count_ranking(struct state_counters *counters, const struct proto_timing *timing);

struct state {
    struct state_config config;
    struct state_counters counters;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a view or a ranking was published */
    char boot_id[CLOCK_BOOT_ID_BYTES];
    bool ending;                /* nobody waits any more */
    void (*watcher)(void *arg); /* called where `changed` is signalled; NULL: none */
    void *watcher_arg;
    struct entry **entries; /* by id, then in order of creation */
    size_t entry_count;
    struct tokens tokens;
    char fold_error[160];       /* which event stopped the start; "" */
    const struct entry *folded; /* at the start: whose event was the last to be read back */
    struct ranker *ranker;
    struct fitter *fitter;
    struct expirer *expirer;
};

/* First entry whose id is not less than the given one. */
size_t entry_bound(const struct state *state, const char *id);
/* Under the mutex. Readers must not look at a draft: the published view tells whether a project
 * lives. */
struct entry *entry_find_published(const struct state *state, const char *id);

/* The newest durable view with its log and its feed, which belong to the registry. NULL: no such
 * project. */
struct view *state_view_and_feed(struct state *state, const char *project_id,
                                 const char **ret_log_name, struct feed **ret_feed);
/* Under the mutex: something of the entry (NULL: of all) was published. */
void state_signal(struct state *state, struct entry *entry);

/* Inside a store_write body: what the project logs from here on happens now. */
void state_begin(struct state *state, struct project *project);

/* Inside a store_write body: the entry that a new project of this id will have. Until its draft is
 * no longer `deleted`, it is not there. 0, PROTO_CODE_PROJECT_EXISTS, or a negative store_status.
 */
__attribute__((warn_unused_result)) int state_reserve(struct state *state, const char *project_id,
                                                      struct entry **ret_entry);

/* ranker.c. The thread takes projects whose ranking is older than their view, one after the other.
 */
__attribute__((warn_unused_result)) int ranker_new(struct state *state, struct ranker **ret_ranker);
void ranker_free(struct ranker *ranker); /* stops the thread; NULL is fine */

/* fitter.c. The thread that maximises the marginal likelihood for projects whose scales have just
 * been frozen, and logs what it found. */
__attribute__((warn_unused_result)) int fitter_new(struct state *state, struct fitter **ret_fitter);
void fitter_free(struct fitter *fitter); /* stops the thread; NULL is fine */

/* expirer.c. The thread that ends leases whose time is up, each as an event of the log. */
__attribute__((warn_unused_result)) int expirer_new(struct state *state,
                                                    struct expirer **ret_expirer);
/* Once, on the calling thread: ties and ends leases. What cannot be stored is logged. */
void expirer_look(struct state *state);
void expirer_free(struct expirer *expirer); /* stops the thread; NULL is fine */

#endif
