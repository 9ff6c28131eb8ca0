/* The working project: what commands change, on the writer thread only.
 *
 * A command checks first, then appends its events to the open transaction and applies each to the
 * draft. The same apply functions fold the log at start, so a restart arrives at the same state.
 *
 * Statuses: 0, done. Positive, an enum proto_code: refused, nothing has changed, *ret_error says
 * why. Negative, an enum store_status: the transaction has failed and the draft will be thrown
 * away.
 */
#ifndef STATE_PROJECT_H
#define STATE_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

#include <proto/error.h>
#include <proto/log_events.h>
#include <state/view.h>

struct project;
struct store_tx;

/* The project as it stands inside the open transaction; borrowed. */
const struct view *project_view(const struct project *project);
/* Its log's name in the store: no later project of the same id has it. Lives as long as the state.
 */
const char *project_log_name(const struct project *project);

__attribute__((warn_unused_result)) int project_update(struct project *project, struct store_tx *tx,
                                                       const struct proto_project *settings,
                                                       struct proto_error *ret_error);
__attribute__((warn_unused_result)) int project_delete(struct project *project,
                                                       struct store_tx *tx);

/* Freezes numbers that were worked out from `base`, a view of this project. changed_meanwhile when
 * its demonstrations, tasks or settings are others now. */
__attribute__((warn_unused_result)) int project_refit(struct project *project, struct store_tx *tx,
                                                      const struct view *base,
                                                      const struct scales *scales,
                                                      struct proto_error *ret_error);

__attribute__((warn_unused_result)) int
project_put_task(struct project *project, struct store_tx *tx, const struct proto_task *task,
                 bool *ret_created, struct proto_error *ret_error);
__attribute__((warn_unused_result)) int project_delete_task(struct project *project,
                                                            struct store_tx *tx, const char *key,
                                                            struct proto_error *ret_error);

/* Whether a project in this state takes a demonstration: its task and the sizes of its matrices,
 * whose numbers are not looked at. */
__attribute__((warn_unused_result)) int
project_check_demonstration(const struct view *view,
                            const struct proto_demonstration *demonstration, const char *at,
                            struct proto_error *ret_error);
/* demonstration: checked alone (proto_demonstration_check), sha256 and encoded set. Content that is
 * held already is not stored again: ret_stored->duplicate. `at` names where in the request the
 * demonstration stands ("" or "/demonstration"). */
__attribute__((warn_unused_result)) int
project_add_demonstration(struct project *project, struct store_tx *tx,
                          const struct proto_demonstration *demonstration, const char *at,
                          struct proto_stored *ret_stored, struct proto_error *ret_error);
__attribute__((warn_unused_result)) int
project_retract_demonstration(struct project *project, struct store_tx *tx, const char *id,
                              const char *reason, struct proto_error *ret_error);

/* The same revision again is no event. *ret_created: there was none of that name. A staged one is
 * replaced. */
__attribute__((warn_unused_result)) int project_put_revision(struct project *project,
                                                             struct store_tx *tx,
                                                             const struct proto_revision *revision,
                                                             bool *ret_created,
                                                             struct proto_error *ret_error);
__attribute__((warn_unused_result)) int project_activate(struct project *project,
                                                         struct store_tx *tx, const char *revision,
                                                         struct proto_error *ret_error);
/* Whether a project in this state takes these features, whose numbers are not looked at. */
__attribute__((warn_unused_result)) int
project_check_features(const struct view *view, const struct proto_event_features *features,
                       struct proto_error *ret_error);
/* features: revision, demonstration, sha256, file and encoded are set, the numbers finite.
 * *ret_created: there were none. *ret_features is borrowed from the project. */
__attribute__((warn_unused_result)) int
project_put_features(struct project *project, struct store_tx *tx,
                     const struct proto_event_features *features, bool *ret_created,
                     struct proto_features *ret_features, struct proto_error *ret_error);

/* Opens an assignment: id, fence, state and opened_at are filled in. *ret_assignment is borrowed
 * from the project. */
__attribute__((warn_unused_result)) int
project_open_assignment(struct project *project, struct store_tx *tx,
                        const struct proto_event_opened *opened, double lease_s,
                        const struct assignment **ret_assignment);
/* Gives an open assignment a new fence and a lease from now on. fence: one that opens it. */
__attribute__((warn_unused_result)) int project_renew_assignment(struct project *project,
                                                                 struct store_tx *tx,
                                                                 const char *id, int64_t fence,
                                                                 double lease_s);
/* state: any but OPEN; end: its id, and what belongs to that state (the held demonstration of a
 * completed one). The assignment must be open. */
__attribute__((warn_unused_result)) int
project_end_assignment(struct project *project, struct store_tx *tx, int state,
                       const struct proto_event_assignment_end *end);
/* Ends every open assignment whose time is up at the time of this transaction. */
__attribute__((warn_unused_result)) int project_expire(struct project *project,
                                                       struct store_tx *tx);
/* Ties open leases to the boot clock that runs now, where one is tied to another: see lease.h. */
__attribute__((warn_unused_result)) int project_tie(struct project *project, struct store_tx *tx);
/* Whether there is nothing for project_tie to do. */
bool project_is_tied(const struct view *view, const struct instant *now);
/* The time of the transaction under way. */
struct instant project_now(const struct project *project);

#endif
