/* Every project in memory: the registry, the views readers take, the rankings worked out behind
 * them.
 *
 * Lock order: the registry's mutex is the only one, is held for pointer swaps and look-ups only,
 * and nothing else is called under it but condition variables and the watcher (feed.h). Views and
 * rankings are read without it.
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <log/log.h>
#include <state/clock.h>
#include <state/project.h>
#include <state/ranking.h>
#include <state/tokens.h>
#include <state/view.h>

struct state;
struct store;
struct store_tx;
struct amf_pool;

struct state_config {
    struct store *store;
    struct amf_pool *pool;
    struct clock clock;
    const char *admin_token; /* see tokens.h; read at the start only; NULL: none */
    struct log_sink log;
};

/* Folds the log, hooks into the store, starts the thread that ranks. 0, or -1 with one line in
 * ret_error. Everything in config is borrowed and must outlive the state. */
__attribute__((warn_unused_result)) int state_new(const struct state_config *config,
                                                  struct state **ret_state, char ret_error[256]);
/* No more requests may be under way. Before store_close. */
void state_free(struct state *state);

/* Readers; any thread. A view is the newest durable one; NULL when there is no such project. Give
 * back with view_unref. */
struct view *state_view(struct state *state, const char *project_id);
/* The same, with the name of its very log in the store, which lives as long as the state. */
struct view *state_view_and_log(struct state *state, const char *project_id,
                                const char **ret_log_name);
/* The newest durable views of all projects whose id is greater than `after` (NULL: all), in id
 * order, at most `limit`. Views go into ret_views (room for `limit`); answers how many. */
size_t state_views(struct state *state, const char *after, size_t limit, struct view **ret_views);

size_t state_count(struct state *state); /* projects there are */

/* The newest ranking of a project, waiting up to wait_s for one that has seen event `seq`. NULL
 * when there is none (yet). *ret_age_s: for how long newer events than it has seen have been
 * waiting; 0 when it has seen all. */
struct ranking *state_ranking(struct state *state, const char *project_id, int64_t seq,
                              double wait_s, double *ret_age_s);
/* For an ask: waits up to wait_s for a ranking that has seen the view. Not where the one there is
 * differs by what is pending alone and somebody waits already: its picks ahead answer for that, and
 * a crowd of askers changes what is pending faster than it can be ranked. */
void state_await_ranking(struct state *state, const struct view *view, double wait_s);
/* From now on nobody waits for a ranking: the daemon is about to end. */
void state_end_waiting(struct state *state);

/* Moments and scales as a view's demonstrations give them today, the fit of the marginal likelihood
 * included where the settings ask for it: seconds, in the pool. view->held > 0. For project_refit.
 * 0, or -1 when out of memory. The cell is given back with cell_unref. */
__attribute__((warn_unused_result)) int state_refit(struct state *state, const struct view *view,
                                                    struct scales **ret_scales);

/* Whether a revision's summary is the Gram matrix of anything: p^3 / 3 operations, in the pool. 0,
 * or an enum proto_code. */
__attribute__((warn_unused_result)) int state_check_summary(struct state *state,
                                                            const struct proto_revision *revision,
                                                            struct proto_error *ret_error);

/* Writers; inside a store_write body only. Statuses as in project.h. state_project starts the
 * project's share in the transaction: its events carry the time of this call. */
__attribute__((warn_unused_result)) int state_project(struct state *state, const char *project_id,
                                                      struct project **ret_project,
                                                      struct proto_error *ret_error);
__attribute__((warn_unused_result)) int
state_create_project(struct state *state, struct store_tx *tx, const struct proto_project *settings,
                     struct project **ret_project, struct proto_error *ret_error);

/* PROTO_CODE_PROJECT_NOT_FOUND, in words. */
enum proto_code state_no_project(const char *project_id, struct proto_error *ret_error);

int64_t state_now_ms(const struct state *state);
/* Both clocks. Of a view that was taken before. */
struct instant state_instant(const struct state *state);
struct store *state_store(struct state *state);
/* The store's name of a project's log (project_log_name) as readers see it; NULL when there is no
 * such project. */
const char *state_log_name(struct state *state, const char *project_id);

#endif
