/* Commands about revisions of a policy, checked before anything is logged. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <amf/ridge.h>

#include "hosted.h"
#include "policies.h"
#include "project_internal.h"

static int not_found(const struct view *draft, const char *revision, struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_POLICY_NOT_FOUND, "",
                                "Project %s has no revision %.64s of its policy; GET /policies "
                                "lists those it has, PUT /policies/%.64s makes this one.",
                                draft->id, revision, revision);
}

static int retired(const char *revision, struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_POLICY_IN_USE, "",
                                "Revision %.64s is retired and its features were let go; PUT a "
                                "revision of another name.",
                                revision);
}

/* ---- PUT of a revision ---- */

static int check_summary_dim(const struct proto_revision *revision, const struct policy *held,
                             struct proto_error *ret_error)
{
    if (revision->summary_dim == PROTO_INT_NULL || !held || !held->has_form ||
        held->form.phi == revision->summary_dim)
        return 0;
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor summary",
                                "axis 0 has %" PRId64 "; the features of revision %s have no phi "
                                "of so many columns",
                                revision->summary_dim, revision->revision);
}

__attribute__((format(printf, 4, 5))) static int refuse_tensor(enum proto_code code,
                                                               const char *name,
                                                               struct proto_error *ret_error,
                                                               const char *format, ...)
{
    char at[sizeof ret_error->at], detail[sizeof ret_error->detail];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    snprintf(at, sizeof at, "tensor %s", name);
    return (int)proto_error_set(ret_error, code, at, "%s", detail);
}

/* Every task's vector is what the network takes behind the state. */
static int check_vectors(const struct view *draft, const struct proto_network *network,
                         struct proto_error *ret_error)
{
    int64_t states = draft->settings->project.state_dim;
    size_t wanted = hosted_task_dim(network, states);

    for (size_t c = 0; wanted && c < draft->tasks.count; c++) {
        const struct proto_task *task = &view_task(draft, c)->task;

        if (task->vector.count != wanted)
            return refuse_tensor(
                PROTO_CODE_WRONG_DIMENSION, proto_network_first(network)->weight_name, ret_error,
                "the network takes %zu numbers: a state of %" PRId64 " and a task's vector of %zu; "
                "the vector of task %s has %zu",
                network->input_dim, states, wanted, task->key, task->vector.count);
    }
    return 0;
}

static int check_network(const struct view *draft, const struct proto_network *network,
                         struct proto_error *ret_error)
{
    const struct proto_project *project = &draft->settings->project;
    const struct proto_layer *last = &network->layers[network->layer_count - 1];
    size_t moments = network->input_mean.count;

    if (project->state_dim == PROTO_INT_NULL || project->action_dim == PROTO_INT_NULL)
        return (int)proto_error_set(ret_error, PROTO_CODE_WRONG_DIMENSION, "",
                                    "The project does not know its dimensions yet: PATCH state_dim "
                                    "and action_dim, or post a demonstration first.");
    if (network->output_dim != (size_t)project->action_dim)
        return refuse_tensor(PROTO_CODE_WRONG_DIMENSION, last->weight_name, ret_error,
                             "layer %zu (linear) gives %zu numbers; this project's actions have "
                             "%" PRId64 ": a policy with other actions wants a project of its own",
                             network->layer_count - 1, network->output_dim, project->action_dim);
    if (network->input_dim < (size_t)project->state_dim)
        return refuse_tensor(PROTO_CODE_WRONG_DIMENSION, proto_network_first(network)->weight_name,
                             ret_error,
                             "the network takes %zu numbers; this project's states have %" PRId64,
                             network->input_dim, project->state_dim);
    if (moments && moments != network->input_dim && moments != (size_t)project->state_dim)
        return refuse_tensor(PROTO_CODE_WRONG_DIMENSION, "input_mean", ret_error,
                             "it has %zu numbers; expected %" PRId64 ", of the state, or %zu, of "
                             "all that the network takes",
                             moments, project->state_dim, network->input_dim);
    return check_vectors(draft, network, ret_error);
}

int project_check_task_in_networks(const struct view *draft, const struct proto_task *task,
                                   struct proto_error *ret_error)
{
    for (size_t i = 0; i < draft->policy_count; i++) {
        const struct policy *policy = &draft->policies[i];
        size_t wanted = policy->hosted ? hosted_vector_dim(policy->hosted) : 0;

        if (wanted && task->vector.count != wanted)
            return (int)proto_error_set(ret_error, PROTO_CODE_WRONG_DIMENSION, "/vector",
                                        "The vector of task %s has %zu numbers; the network %.64s "
                                        "takes one of %zu.",
                                        task->key, task->vector.count,
                                        policy->revision->meta.revision, wanted);
    }
    return 0;
}

bool project_has_network(const struct view *draft)
{
    for (size_t i = 0; i < draft->policy_count; i++)
        if (draft->policies[i].hosted)
            return true;
    return false;
}

int project_check_revision(const struct view *draft, const struct proto_revision *revision,
                           struct proto_error *ret_error)
{
    size_t index = view_find_policy(draft, revision->revision);
    const struct policy *held = index == SIZE_MAX ? NULL : &draft->policies[index];

    if (!strcmp(revision->revision, PROTO_REVISION_GP))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/revision",
                                    "\"gp\" is the built-in revision; choose another name.");
    if (revision->kind == PROTO_POLICY_GP)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kind",
                                    "The Gaussian process is built in; a revision is \"external\" "
                                    "or \"mlp\".");
    if ((revision->kind == PROTO_POLICY_MLP) != (revision->network != NULL))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/kind",
                                    "The weights of a network come as a safetensors file.");
    if (revision->summary_dim != PROTO_INT_NULL && revision->role == PROTO_REVISION_LIKELIHOOD)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor summary",
                                    "a summary is for selection; the role is likelihood");
    if (held && held->state != PROTO_REVISION_STAGED)
        return (int)proto_error_set(
            ret_error, PROTO_CODE_POLICY_IN_USE, "",
            "Revision %.64s is %s; what it is cannot change any more. PUT one of another name.",
            revision->revision, proto_revision_state_names[held->state]);
    if (held && held->revision->meta.kind != revision->kind)
        return (int)proto_error_set(ret_error, PROTO_CODE_POLICY_IN_USE, "",
                                    "Revision %.64s is of kind %s; PUT one of another name.",
                                    revision->revision,
                                    proto_policy_kind_names[held->revision->meta.kind]);
    return revision->network ? check_network(draft, revision->network, ret_error)
                             : check_summary_dim(revision, held, ret_error);
}

int revision_check_summary(const struct proto_revision *revision, struct amf_pool *pool,
                           struct proto_error *ret_error)
{
    AMF_POOL_CLEANUP struct amf_pool *own = NULL;
    enum amf_status status = AMF_OK;

    if (revision->summary_dim == PROTO_INT_NULL)
        return 0;
    if (!pool)
        status = amf_pool_new(1, &own);
    if (!status)
        status = amf_ridge_check_summary(revision->summary.rows, revision->summary.data,
                                         pool ? pool : own, NULL);
    if (status == AMF_OK)
        return 0;
    if (status != AMF_BAD_ARGUMENT && status != AMF_NOT_FINITE)
        return (int)proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "",
                                    "no memory to check the summary");
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor summary",
                                "it is not symmetric and positive semidefinite; expected the sum "
                                "of phi phi' over pairs");
}

static bool texts_equal(const char *left, const char *right)
{
    return left == right || (left && right && !strcmp(left, right));
}

static bool revisions_equal(const struct proto_revision *left, const struct proto_revision *right)
{
    bool equal = left->kind == right->kind && left->role == right->role &&
                 left->sigma == right->sigma && texts_equal(left->note, right->note) &&
                 texts_equal(left->sha256, right->sha256) &&
                 left->trained_on.count == right->trained_on.count;

    for (size_t i = 0; equal && i < left->trained_on.count; i++)
        equal = !strcmp(left->trained_on.items[i], right->trained_on.items[i]);
    return equal;
}

int project_put_revision(struct project *project, struct store_tx *tx,
                         const struct proto_revision *revision, bool *ret_created,
                         struct proto_error *ret_error)
{
    const struct view *draft = &project->draft;
    size_t index = view_find_policy(draft, revision->revision);
    char id[ID_BYTES];
    int status;

    *ret_created = index == SIZE_MAX;
    if (index != SIZE_MAX && revisions_equal(&draft->policies[index].revision->meta, revision))
        return 0;
    status = project_check_revision(draft, revision, ret_error);
    if (status)
        return status;
    project_id_format('p', draft->seq + 1, id);
    return project_log(project, tx, &event_policy_put, revision,
                       revision->encoded_bytes ? revision->encoded : NULL, revision->encoded_bytes,
                       revision->encoded_bytes ? id : NULL);
}

/* ---- activation ---- */

int project_check_activation(const struct view *draft, const char *revision,
                             struct proto_error *ret_error)
{
    size_t index = view_find_policy(draft, revision);

    if (index == SIZE_MAX && strcmp(revision, PROTO_REVISION_GP) == 0 && view_has_gp(draft))
        return 0;
    if (index == SIZE_MAX)
        return not_found(draft, revision, ret_error);
    return draft->policies[index].state == PROTO_REVISION_RETIRED ? retired(revision, ret_error)
                                                                  : 0;
}

/* It serves already as all that it can. */
static bool serves(const struct view *draft, size_t index)
{
    int role = index == SIZE_MAX ? PROTO_REVISION_BOTH : draft->policies[index].revision->meta.role;
    size_t place = index == SIZE_MAX ? 0 : index + 1;

    return (role == PROTO_REVISION_LIKELIHOOD || draft->serving[SERVING_SELECTION] == place) &&
           (role == PROTO_REVISION_SELECTION || draft->serving[SERVING_LIKELIHOOD] == place);
}

int project_activate(struct project *project, struct store_tx *tx, const char *revision,
                     struct proto_error *ret_error)
{
    const struct proto_event_activated activated = {revision};
    int status = project_check_activation(&project->draft, revision, ret_error);

    if (status || serves(&project->draft, view_find_policy(&project->draft, revision)))
        return status;
    return project_log(project, tx, &event_policy_activated, &activated, NULL, 0, NULL);
}

/* ---- features ---- */

static int check_steps(const struct demonstration *demonstration,
                       const struct proto_feature_file *file, struct proto_error *ret_error)
{
    char at[64];
    size_t kind = 0;

    if (file->steps == 0 || file->steps == (size_t)demonstration->meta.steps)
        return 0;
    while (!file->tensors[kind])
        kind++;
    snprintf(at, sizeof at, "tensor %s", proto_feature_names[kind]);
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, at,
                                "axis %d (steps) has %zu; demonstration %s has %" PRId64 " steps",
                                kind == PROTO_FEATURE_LOG_LIKELIHOOD || file->form.per_task ? 1 : 0,
                                file->steps, demonstration->meta.id, demonstration->meta.steps);
}

static int check_tasks(const struct view *draft, const struct demonstration *demonstration,
                       const struct proto_strings *tasks, struct proto_error *ret_error)
{
    bool own = tasks->count == 0;

    for (size_t i = 0; i < tasks->count; i++) {
        if (view_find_task(draft, tasks->items[i]) == SIZE_MAX)
            return (int)proto_error_set(ret_error, PROTO_CODE_UNKNOWN_TASK, "metadata tasks",
                                        "Project %s has no task %.64s.", draft->id,
                                        tasks->items[i]);
        own |= !strcmp(tasks->items[i], demonstration->meta.task);
    }
    if (own)
        return 0;
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata tasks",
                                "%s is missing, the task of demonstration %s itself.",
                                demonstration->meta.task, demonstration->meta.id);
}

static int check_columns(const struct view *draft, const struct proto_revision *revision,
                         const struct proto_feature_file *file, struct proto_error *ret_error)
{
    const struct proto_feature_form *form = &file->form;
    int64_t action_dim = draft->settings->project.action_dim;

    if (form->mean != PROTO_INT_NULL && form->mean != action_dim)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor mean",
                                    "axis %d (columns) has %" PRId64
                                    "; this project's actions have %" PRId64
                                    ": upload a mean of every one of them, in their units",
                                    form->per_task ? 2 : 1, form->mean, action_dim);
    if (revision->summary_dim != PROTO_INT_NULL && form->phi != revision->summary_dim)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_TENSOR, "tensor phi",
                                    "the summary of revision %s wants phi with %" PRId64 " columns",
                                    revision->revision, revision->summary_dim);
    return 0;
}

int project_check_features(const struct view *draft, const struct proto_event_features *features,
                           struct proto_error *ret_error)
{
    size_t index = view_find_policy(draft, features->revision);
    const struct demonstration *demonstration =
        view_find_demonstration(draft, features->demonstration);
    const struct policy *policy;
    int refused;

    if (index == SIZE_MAX)
        return not_found(draft, features->revision, ret_error);
    policy = &draft->policies[index];
    if (!demonstration)
        return (int)proto_error_set(ret_error, PROTO_CODE_DEMONSTRATION_NOT_FOUND, "",
                                    "Project %s holds no demonstration %.64s.", draft->id,
                                    features->demonstration);
    if (policy->state == PROTO_REVISION_RETIRED)
        return retired(features->revision, ret_error);
    if (policy->hosted)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "",
                                    "Revision %.64s is a network that is evaluated here; it takes "
                                    "no features.",
                                    features->revision);
    refused = check_steps(demonstration, features->file, ret_error);
    if (!refused)
        refused = check_tasks(draft, demonstration, &features->file->tasks, ret_error);
    if (!refused)
        refused = check_columns(draft, &policy->revision->meta, features->file, ret_error);
    if (!refused && policy->has_form)
        refused = (int)proto_features_check_form(features->file, &policy->form, features->revision,
                                                 ret_error);
    return refused;
}

static void features_fill(const struct features *held, bool duplicate,
                          struct proto_features *ret_features)
{
    *ret_features = held->meta;
    ret_features->duplicate = duplicate;
}

int project_put_features(struct project *project, struct store_tx *tx,
                         const struct proto_event_features *features, bool *ret_created,
                         struct proto_features *ret_features, struct proto_error *ret_error)
{
    struct view *draft = &project->draft;
    struct proto_event_features event = *features;
    const struct features *held;
    char id[ID_BYTES];
    size_t index, place;
    int status = project_check_features(draft, features, ret_error);

    if (status)
        return status;
    index = view_find_policy(draft, features->revision);
    place = view_demonstration_index(draft, features->demonstration);
    held = policy_features(&draft->policies[index], place);
    *ret_created = !held;
    if (held && !strcmp(held->meta.sha256, features->sha256)) {
        features_fill(held, true, ret_features);
        return 0;
    }
    project_id_format('f', draft->seq + 1, id);
    event.id = id;
    status = project_log(project, tx, &event_features_put, &event, features->encoded,
                         features->encoded_bytes, id);
    if (!status)
        features_fill(policy_features(&draft->policies[index], place), false, ret_features);
    return status;
}
