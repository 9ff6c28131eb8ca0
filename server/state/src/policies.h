/* Revisions from the inside: the working project's part. */
#ifndef STATE_SRC_POLICIES_H
#define STATE_SRC_POLICIES_H

#include <state/policies.h>

/* A view's share in copying and ending it. -1: out of memory. */
__attribute__((warn_unused_result)) int policies_copy(const struct view *view,
                                                      struct view *ret_draft);
void policies_deinit(struct view *draft);

/* What only a revision that may serve has: features, network, summary. */
void policy_let_go(struct policy *policy);

/* What the networks of a view remember of its demonstrations, and letting them forget it. The view
 * may be NULL. */
size_t policies_bytes(const struct view *view);
void policies_forget(const struct view *view);

/* Demonstrations come and go; the lists of features go with them. -1: out of memory. */
__attribute__((warn_unused_result)) int policies_add_demonstration(struct view *draft);
__attribute__((warn_unused_result)) int policies_remove_demonstration(struct view *draft,
                                                                      size_t index);

/* A file's numbers, thinned to max_steps, as a cell. at: of the event. NULL: out of memory. */
struct features *features_new(const struct proto_event_features *event, int64_t seq, const char *at,
                              int64_t max_steps);

#endif
