#include "hosted.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <amf/network.h>

struct hosted {
    struct amf_network *network;
    struct proto_feature_form form;
    size_t state_dim, task_dim, action_dim, hidden_dim;
    const double *task_mean, *task_std; /* task_dim; NULL: vectors as they are */
    pthread_mutex_t mutex;
    struct evaluated *latest; /* under the mutex; NULL: nothing is remembered */
};

/* ---- a network ---- */

size_t hosted_task_dim(const struct proto_network *network, int64_t state_dim)
{
    return network->input_dim - (size_t)state_dim;
}

static const enum amf_layer_kind kinds[] = {
    [PROTO_LAYER_LINEAR] = AMF_LAYER_LINEAR, [PROTO_LAYER_NORM] = AMF_LAYER_NORM,
    [PROTO_LAYER_RELU] = AMF_LAYER_RELU,     [PROTO_LAYER_GELU] = AMF_LAYER_GELU,
    [PROTO_LAYER_TANH] = AMF_LAYER_TANH,     [PROTO_LAYER_GELU_TANH] = AMF_LAYER_GELU_TANH};

static enum amf_status build_network(const struct proto_network *from, struct hosted *hosted)
{
    struct amf_layer *layers = calloc(from->layer_count, sizeof *layers);
    const struct amf_network_spec spec = {.state_dim = hosted->state_dim,
                                          .task_dim = hosted->task_dim,
                                          .action_dim = hosted->action_dim,
                                          .state_mean = from->input_mean.items,
                                          .state_std = from->input_std.items,
                                          .action_mean = from->output_mean.items,
                                          .action_std = from->output_std.items,
                                          .layers = layers,
                                          .layer_count = from->layer_count};
    struct amf_network_fault fault;
    enum amf_status status;

    if (!layers)
        return AMF_NO_MEMORY;
    for (size_t k = 0; k < from->layer_count; k++) {
        const struct proto_layer *layer = &from->layers[k];

        layers[k] = (struct amf_layer){.kind = kinds[layer->op],
                                       .in = layer->in,
                                       .out = layer->out,
                                       .weight = layer->weight.items,
                                       .bias = layer->bias.items,
                                       .epsilon = layer->eps};
    }
    status = amf_network_new(&spec, &hosted->network, &fault);
    free(layers);
    return status;
}

/* input_mean and input_std are of the state, or of the vector behind it too. */
static int take_task_moments(const struct proto_network *from, struct hosted *hosted)
{
    size_t bytes = hosted->task_dim * sizeof(double);
    double *mean, *std;

    if (from->input_mean.count == hosted->state_dim || bytes == 0)
        return 0;
    if (from->input_mean.count == 0)
        return 0;
    mean = proto_arena_alloc(cell_arena(hosted), hosted->task_dim, sizeof *mean);
    std = proto_arena_alloc(cell_arena(hosted), hosted->task_dim, sizeof *std);
    if (!mean || !std)
        return -1;
    memcpy(mean, from->input_mean.items + hosted->state_dim, bytes);
    memcpy(std, from->input_std.items + hosted->state_dim, bytes);
    hosted->task_mean = mean;
    hosted->task_std = std;
    return 0;
}

static void hosted_release(void *payload)
{
    struct hosted *hosted = payload;

    evaluated_unref(hosted->latest);
    amf_network_free(hosted->network);
    pthread_mutex_destroy(&hosted->mutex);
}

int hosted_new(const struct proto_network *network, const struct proto_project *project,
               struct hosted **ret_hosted)
{
    struct hosted *hosted = cell_new(sizeof *hosted);

    if (!hosted)
        return -1;
    pthread_mutex_init(&hosted->mutex, NULL);
    hosted->state_dim = (size_t)project->state_dim;
    hosted->task_dim = hosted_task_dim(network, project->state_dim);
    hosted->action_dim = network->output_dim;
    hosted->hidden_dim = network->hidden_dim;
    hosted->form = (struct proto_feature_form){.per_task = true,
                                               .phi = (int64_t)network->hidden_dim,
                                               .h = (int64_t)network->hidden_dim,
                                               .g = PROTO_INT_NULL,
                                               .mean = (int64_t)network->output_dim,
                                               .log_likelihood = PROTO_LIKELIHOOD_NONE};
    if (take_task_moments(network, hosted) || build_network(network, hosted)) {
        hosted_unref(hosted);
        return -1;
    }
    *ret_hosted = hosted;
    return 0;
}

struct hosted *hosted_ref(struct hosted *hosted)
{
    return cell_ref(hosted);
}

void hosted_unref(struct hosted *hosted)
{
    cell_unref_with(hosted, hosted_release);
}

size_t hosted_vector_dim(const struct hosted *hosted)
{
    return hosted->task_dim;
}

struct proto_feature_form hosted_form(const struct hosted *hosted)
{
    return hosted->form;
}

/* ---- what is remembered ---- */

static void evaluated_release(void *payload)
{
    struct evaluated *evaluated = payload;

    for (size_t c = 0; evaluated->tasks && c < evaluated->task_count; c++)
        cell_unref(evaluated->tasks[c]);
    for (size_t i = 0; i < evaluated->count; i++) {
        cell_unref(evaluated->demonstrations[i]);
        cell_unref(evaluated->features[i]);
    }
}

void evaluated_unref(struct evaluated *evaluated)
{
    cell_unref_with(evaluated, evaluated_release);
}

static struct evaluated *remembered(struct hosted *hosted)
{
    struct evaluated *latest;

    pthread_mutex_lock(&hosted->mutex);
    latest = cell_ref(hosted->latest);
    pthread_mutex_unlock(&hosted->mutex);
    return latest;
}

static void remember(struct hosted *hosted, struct evaluated *evaluated)
{
    struct evaluated *old;

    pthread_mutex_lock(&hosted->mutex);
    old = hosted->latest;
    hosted->latest = cell_ref(evaluated);
    pthread_mutex_unlock(&hosted->mutex);
    evaluated_unref(old);
}

size_t hosted_bytes(struct hosted *hosted)
{
    struct evaluated *latest = remembered(hosted);
    size_t numbers = 0;

    for (size_t i = 0; latest && i < latest->count; i++)
        if (latest->features[i])
            numbers += latest->features[i]->steps * latest->task_count *
                       (hosted->action_dim + (latest->hidden ? hosted->hidden_dim : 0));
    evaluated_unref(latest);
    return numbers * sizeof(double);
}

void hosted_forget(struct hosted *hosted)
{
    remember(hosted, NULL);
}

/* Under these tasks all that was found before is still right. */
static bool same_tasks(const struct evaluated *before, const struct view *view)
{
    if (before->task_count != view->tasks.count)
        return false;
    for (size_t c = 0; c < before->task_count; c++) {
        const struct proto_task *old = &before->tasks[c]->task, *new = &view_task(view, c)->task;

        if (strcmp(old->key, new->key) != 0 || old->vector.count != new->vector.count ||
            (old->vector.count && memcmp(old->vector.items, new->vector.items,
                                         old->vector.count * sizeof *old->vector.items) != 0))
            return false;
    }
    return true;
}

/* ---- evaluation ---- */

/* Room for what is found of one demonstration. NULL: out of memory. */
static struct features *features_room(const struct hosted *hosted, const struct view *view,
                                      const struct demonstration *demonstration, bool hidden)
{
    size_t tasks = view->tasks.count, steps = demonstration->states.rows;
    struct features *cell = cell_new(sizeof *cell);
    struct proto_arena *arena = cell ? cell_arena(cell) : NULL;
    const char **keys = cell ? proto_arena_alloc(arena, tasks + 1, sizeof *keys) : NULL;
    bool failed = !keys;

    for (size_t c = 0; !failed && c < tasks; c++) {
        keys[c] = proto_arena_strdup(arena, view_task(view, c)->task.key);
        failed = !keys[c];
    }
    if (!failed) {
        cell->meta.tasks = (struct proto_strings){keys, tasks};
        cell->meta.form = hosted->form;
        cell->steps = steps;
        cell->task_count = tasks;
        cell->numbers[PROTO_FEATURE_MEAN] =
            proto_arena_alloc(arena, tasks * steps, hosted->action_dim * sizeof(double));
        failed = !cell->numbers[PROTO_FEATURE_MEAN];
    }
    if (!failed && hidden) {
        cell->numbers[PROTO_FEATURE_H] =
            proto_arena_alloc(arena, tasks * steps, hosted->hidden_dim * sizeof(double));
        cell->numbers[PROTO_FEATURE_PHI] = cell->numbers[PROTO_FEATURE_H];
        failed = !cell->numbers[PROTO_FEATURE_H];
    }
    if (failed) {
        cell_unref(cell);
        return NULL;
    }
    return cell;
}

static struct evaluated *evaluated_new(const struct view *view, bool hidden)
{
    struct evaluated *cell = cell_new(sizeof *cell);
    size_t count = view->demonstrations.count, tasks = view->tasks.count;

    if (!cell)
        return NULL;
    cell->hidden = hidden;
    cell->tasks = proto_arena_alloc(cell_arena(cell), tasks + 1, sizeof *cell->tasks);
    cell->demonstrations =
        proto_arena_alloc(cell_arena(cell), count + 1, sizeof *cell->demonstrations);
    cell->features = proto_arena_alloc(cell_arena(cell), count + 1, sizeof *cell->features);
    if (!cell->tasks || !cell->demonstrations || !cell->features) {
        cell_unref(cell);
        return NULL;
    }
    for (; cell->task_count < tasks; cell->task_count++)
        cell->tasks[cell->task_count] = cell_ref(view_task(view, cell->task_count));
    cell->count = count;
    return cell;
}

struct job {
    struct hosted *hosted;
    const struct view *view;
    struct evaluated *evaluated;
    double *vectors; /* task x task_dim, as the network takes them */
    struct amf_network_batch *batches;
    size_t *fresh; /* indices of demonstrations that are new to it; a batch a task each */
    size_t fresh_count;
};

static void job_deinit(struct job *job)
{
    free(job->vectors);
    free(job->batches);
    free(job->fresh);
    evaluated_unref(job->evaluated);
}

/* Shares what is remembered, and makes room for the rest. Demonstrations are in order of seq. */
static int job_share(struct job *job, const struct evaluated *before,
                     const struct policy_wants *wants, int role)
{
    struct evaluated *now = job->evaluated;
    size_t at = 0;

    if (before && (before->hidden != now->hidden || !same_tasks(before, job->view)))
        before = NULL;
    for (size_t i = 0; i < now->count; i++) {
        struct demonstration *demonstration = view_demonstration(job->view, i);

        if (!policy_wants_demonstration(wants, job->view, i, role))
            continue;
        while (before && at < before->count &&
               (!before->demonstrations[at] ||
                before->demonstrations[at]->meta.seq < demonstration->meta.seq))
            at++;
        now->demonstrations[i] = cell_ref(demonstration);
        if (before && at < before->count && before->demonstrations[at] == demonstration) {
            now->features[i] = cell_ref(before->features[at]);
            continue;
        }
        now->features[i] = features_room(job->hosted, job->view, demonstration, now->hidden);
        if (!now->features[i])
            return -1;
        job->fresh[job->fresh_count++] = i;
    }
    return 0;
}

static void job_take_vectors(struct job *job)
{
    const struct hosted *hosted = job->hosted;

    for (size_t c = 0; c < job->view->tasks.count; c++)
        for (size_t d = 0; d < hosted->task_dim; d++) {
            double raw = view_task(job->view, c)->task.vector.items[d];

            job->vectors[c * hosted->task_dim + d] =
                hosted->task_mean ? (raw - hosted->task_mean[d]) / hosted->task_std[d] : raw;
        }
}

static void job_fill_batches(struct job *job)
{
    const struct hosted *hosted = job->hosted;
    size_t tasks = job->view->tasks.count;

    for (size_t k = 0; k < job->fresh_count * tasks; k++) {
        struct demonstration *demonstration = view_demonstration(job->view, job->fresh[k / tasks]);
        const struct features *features = job->evaluated->features[job->fresh[k / tasks]];
        size_t task = k % tasks, steps = features->steps;
        double *hidden = features->numbers[PROTO_FEATURE_H];

        job->batches[k] = (struct amf_network_batch){
            .states = demonstration->states.data,
            .count = steps,
            .task = hosted->task_dim ? job->vectors + task * hosted->task_dim : NULL,
            .ret_actions =
                features->numbers[PROTO_FEATURE_MEAN] + task * steps * hosted->action_dim,
            .ret_hidden = hidden ? hidden + task * steps * hosted->hidden_dim : NULL};
    }
}

static int job_init(struct job *job, const struct policy_wants *wants, int role, bool hidden)
{
    size_t count = job->view->demonstrations.count, tasks = job->view->tasks.count;
    struct evaluated *before = remembered(job->hosted);
    int failed;

    job->evaluated = evaluated_new(job->view, hidden);
    job->vectors = calloc(tasks * job->hosted->task_dim + 1, sizeof *job->vectors);
    job->fresh = calloc(count + 1, sizeof *job->fresh);
    failed = !job->evaluated || !job->vectors || !job->fresh || job_share(job, before, wants, role);
    evaluated_unref(before);
    if (!failed)
        job->batches = calloc(job->fresh_count * tasks + 1, sizeof *job->batches);
    if (failed || !job->batches)
        return -1;
    job_take_vectors(job);
    job_fill_batches(job);
    return 0;
}

/* The first demonstration of which numbers are not finite. */
static enum amf_status job_blame(struct job *job, struct amf_pool *pool, const atomic_bool *cancel,
                                 size_t *ret_fault)
{
    size_t tasks = job->view->tasks.count;
    enum amf_status status = AMF_OK;

    for (size_t k = 0; k < job->fresh_count && !status; k++) {
        status = amf_network_evaluate(job->hosted->network, job->batches + k * tasks, tasks, pool,
                                      cancel);
        *ret_fault = job->fresh[k];
    }
    return status ? status : AMF_NOT_FINITE;
}

enum amf_status hosted_evaluate(struct hosted *hosted, const struct view *view,
                                const struct policy_wants *wants, int role, bool hidden,
                                struct amf_pool *pool, const atomic_bool *cancel,
                                struct evaluated **ret_evaluated, size_t *ret_fault)
{
    __attribute__((cleanup(job_deinit))) struct job job = {.hosted = hosted, .view = view};
    enum amf_status status;

    if (job_init(&job, wants, role, hidden))
        return AMF_NO_MEMORY;
    status = amf_network_evaluate(hosted->network, job.batches, job.fresh_count * view->tasks.count,
                                  pool, cancel);
    if (status == AMF_NOT_FINITE)
        return job_blame(&job, pool, cancel, ret_fault);
    if (status)
        return status;
    remember(hosted, job.evaluated);
    *ret_evaluated = job.evaluated;
    job.evaluated = NULL;
    return AMF_OK;
}
