/* A network that is evaluated here: a revision of kind mlp from the inside.
 *
 * What it thinks of demonstrations takes the form of uploaded features, so that from there on
 * nothing tells the two apart: h and the predicted actions of every step that is kept, under every
 * task. It is worked out when a ranking wants it, in the pool, and remembered: a new demonstration
 * costs its own part, a changed task list all of it. Forgetting changes no bit of an answer, since
 * each demonstration under each task is a batch of its own.
 */
#ifndef STATE_SRC_HOSTED_H
#define STATE_SRC_HOSTED_H

#include <stdatomic.h>

#include <amf/pool.h>
#include <proto/network.h>
#include <state/policies.h>

struct hosted;

/* What a network thinks of the demonstrations of one view. A cell. */
struct evaluated {
    bool hidden;         /* with h */
    struct task **tasks; /* of the view */
    size_t task_count;
    struct demonstration **demonstrations; /* one per demonstration of the view; NULL: not wanted */
    struct features **features;            /* likewise */
    size_t count;
};

/* Numbers behind the state that a network takes: of a task's vector, or 0. */
size_t hosted_task_dim(const struct proto_network *network, int64_t state_dim);

/* The network has passed project_check_revision, from where the dimensions are, too. 0, or -1 when
 * out of memory. */
__attribute__((warn_unused_result)) int hosted_new(const struct proto_network *network,
                                                   const struct proto_project *project,
                                                   struct hosted **ret_hosted);
struct hosted *hosted_ref(struct hosted *hosted);
void hosted_unref(struct hosted *hosted); /* NULL is fine */

/* Length of the vector that a task needs; 0: none. */
size_t hosted_vector_dim(const struct hosted *hosted);
struct proto_feature_form hosted_form(const struct hosted *hosted);

/* Of the demonstrations that wants names for this role. hidden: h as well. Blocks on the pool; not
 * for the writer's thread, nor for a connection's. AMF_NOT_FINITE: *ret_fault is then the index of
 * the first demonstration of which it makes such numbers. AMF_NO_MEMORY, AMF_TOO_LARGE,
 * AMF_CANCELLED. */
enum amf_status hosted_evaluate(struct hosted *hosted, const struct view *view,
                                const struct policy_wants *wants, int role, bool hidden,
                                struct amf_pool *pool, const atomic_bool *cancel,
                                struct evaluated **ret_evaluated, size_t *ret_fault);
void evaluated_unref(struct evaluated *evaluated); /* NULL is fine */

/* What is remembered, and forgetting it. Any thread. */
size_t hosted_bytes(struct hosted *hosted);
void hosted_forget(struct hosted *hosted);

#endif
