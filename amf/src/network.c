/* A network's life and its forward pass.
 *
 * Steps go through all layers NETWORK_ROWS at a time, between two buffers of a worker, so a long
 * trajectory needs no more room than a short one.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <amf/matrix.h>

#include "blas.h"
#include "internal.h"
#include "network_private.h"

#define NETWORK_ROWS 64

/* ---- building ---- */

void amf_network_free(struct amf_network *network)
{
    if (!network)
        return;
    for (size_t k = 0; network->layers && k < network->layer_count; k++) {
        free(network->layers[k].weight);
        free(network->layers[k].bias);
    }
    free(network->layers);
    free(network->state_mean);
    free(network->state_std);
    free(network->action_mean);
    free(network->action_std);
    free(network);
}

size_t amf_network_hidden_dim(const struct amf_network *network)
{
    return network->hidden_dim;
}

/* count numbers, or as many times `otherwise`. */
static double *network_copy(const double *numbers, size_t count, double otherwise)
{
    double *copy = amf_new_array(count, sizeof(double));

    for (size_t k = 0; copy && k < count; k++)
        copy[k] = numbers ? numbers[k] : otherwise;
    return copy;
}

static enum amf_status network_copy_moments(struct amf_network *network,
                                            const struct amf_network_spec *spec)
{
    network->state_mean = network_copy(spec->state_mean, spec->state_dim, 0);
    network->state_std = network_copy(spec->state_std, spec->state_dim, 1);
    network->action_mean = network_copy(spec->action_mean, spec->action_dim, 0);
    network->action_std = network_copy(spec->action_std, spec->action_dim, 1);
    return network->state_mean && network->state_std && network->action_mean && network->action_std
               ? AMF_OK
               : AMF_NO_MEMORY;
}

/* width: of what comes in. */
static enum amf_status network_copy_layer(struct network_layer *layer, const struct amf_layer *from,
                                          size_t width)
{
    bool linear = from->kind == AMF_LAYER_LINEAR;

    layer->kind = from->kind;
    layer->in = width;
    layer->out = linear ? from->out : width;
    layer->epsilon = from->epsilon;
    if (!linear && from->kind != AMF_LAYER_NORM)
        return AMF_OK;
    layer->weight = network_copy(from->weight, linear ? layer->in * layer->out : layer->out, 1);
    layer->bias = network_copy(from->bias, layer->out, 0);
    return layer->weight && layer->bias ? AMF_OK : AMF_NO_MEMORY;
}

static enum amf_status network_build(struct amf_network *network,
                                     const struct amf_network_spec *spec)
{
    size_t width = spec->state_dim + spec->task_dim;
    enum amf_status status = network_copy_moments(network, spec);

    network->state_dim = spec->state_dim;
    network->task_dim = spec->task_dim;
    network->action_dim = spec->action_dim;
    network->widest = width;
    network->layers = amf_new_array(spec->layer_count, sizeof(*network->layers));
    if (!network->layers)
        return AMF_NO_MEMORY;
    network->layer_count = spec->layer_count;
    for (size_t k = 0; !status && k < spec->layer_count; k++) {
        network->hidden_dim = width;
        status = network_copy_layer(&network->layers[k], &spec->layers[k], width);
        width = network->layers[k].out;
        network->widest = width > network->widest ? width : network->widest;
    }
    return status;
}

enum amf_status amf_network_new(const struct amf_network_spec *spec,
                                struct amf_network **ret_network,
                                struct amf_network_fault *ret_fault)
{
    AMF_NETWORK_CLEANUP struct amf_network *network = NULL;
    enum amf_status status = amf_network_check(spec, ret_fault);

    if (status)
        return status;
    network = calloc(1, sizeof(*network));
    if (!network)
        return AMF_NO_MEMORY;
    status = network_build(network, spec);
    if (status)
        return status;
    *ret_network = network;
    network = NULL;
    return AMF_OK;
}

/* ---- one step through one layer, in place ---- */

/* sum_d (x_d - from)^power, power 1 or 2, in eight strands that the processor adds at once. */
static double network_sum(const double *x, size_t count, double from, bool squares)
{
    double strands[8] = {0}, sum = 0;
    size_t d = 0;

    for (; d + 8 <= count; d += 8)
        for (size_t k = 0; k < 8; k++) {
            double value = x[d + k] - from;

            strands[k] += squares ? value * value : value;
        }
    for (; d < count; d++)
        sum += squares ? (x[d] - from) * (x[d] - from) : x[d] - from;
    for (size_t k = 0; k < 8; k++)
        sum += strands[k];
    return sum;
}

static void network_normalize(const struct network_layer *layer, double *x)
{
    double mean = network_sum(x, layer->out, 0, false) / (double)layer->out;
    double variance = network_sum(x, layer->out, mean, true) / (double)layer->out;
    double scale = 1 / sqrt(variance + layer->epsilon);

    if (isinf(variance)) /* which would make 0 of everything */
        scale = NAN;
    for (size_t d = 0; d < layer->out; d++)
        x[d] = (x[d] - mean) * scale * layer->weight[d] + layer->bias[d];
}

static double network_activate(enum amf_layer_kind kind, double x)
{
    switch (kind) {
    case AMF_LAYER_GELU:
        return x / 2 * erfc(-x * M_SQRT1_2); /* 1 + erf would cancel below 0 */
    case AMF_LAYER_GELU_TANH:
        return x / 2 * (1 + tanh(M_2_SQRTPI * M_SQRT1_2 * (x + 0.044715 * x * x * x)));
    default:
        return tanh(x);
    }
}

static void network_step(const struct network_layer *layer, double *x)
{
    if (layer->kind == AMF_LAYER_NORM) {
        network_normalize(layer, x);
        return;
    }
    if (layer->kind == AMF_LAYER_RELU) {
        for (size_t d = 0; d < layer->out; d++)
            x[d] = x[d] > 0 ? x[d] : 0;
        return;
    }
    for (size_t d = 0; d < layer->out; d++)
        x[d] = network_activate(layer->kind, x[d]);
}

/* ---- a batch ---- */

struct network_job {
    const struct amf_network *network;
    const struct amf_network_batch *batches;
    struct amf_matrix work; /* workers x (2 NETWORK_ROWS widest) */
};

static enum amf_status network_linear(const struct network_layer *layer, size_t rows,
                                      const double *in, double *out)
{
    enum amf_status status = amf_blas_outer(rows, layer->out, layer->in, 1, in, layer->in,
                                            layer->weight, layer->in, out, layer->out);

    for (size_t r = 0; !status && r < rows; r++)
        for (size_t d = 0; d < layer->out; d++)
            out[r * layer->out + d] += layer->bias[d];
    return status;
}

static void network_input(const struct amf_network *network, const struct amf_network_batch *batch,
                          size_t first, size_t rows, double *x)
{
    for (size_t r = 0; r < rows; r++) {
        const double *state = batch->states + (first + r) * network->state_dim;

        for (size_t d = 0; d < network->state_dim; d++)
            *x++ = (state[d] - network->state_mean[d]) / network->state_std[d];
        for (size_t d = 0; d < network->task_dim; d++)
            *x++ = batch->task[d];
    }
}

/* Writes rows of actions, and of the last hidden layer, whose buffer is `hidden`. */
static enum amf_status network_output(const struct amf_network *network,
                                      const struct amf_network_batch *batch, size_t first,
                                      size_t rows, const double *hidden, const double *out)
{
    size_t width = network->hidden_dim, numbers = rows * network->action_dim;
    double *actions = batch->ret_actions + first * network->action_dim;

    for (size_t r = 0; r < rows; r++)
        for (size_t d = 0; d < network->action_dim; d++)
            *actions++ = network->action_mean[d] + network->action_std[d] * *out++;
    if (!amf_all_finite(actions - numbers, numbers))
        return AMF_NOT_FINITE;
    if (batch->ret_hidden)
        memcpy(batch->ret_hidden + first * width, hidden, rows * width * sizeof(double));
    return AMF_OK;
}

/* Checks each layer that can overflow: relu and tanh would make an honest number of an infinite
 * one.
 */
static enum amf_status network_rows(const struct amf_network *network,
                                    const struct amf_network_batch *batch, size_t first,
                                    size_t rows, double *here, double *there)
{
    enum amf_status status = AMF_OK;

    network_input(network, batch, first, rows, here);
    if (!amf_all_finite(here, rows * (network->state_dim + network->task_dim)))
        return AMF_NOT_FINITE;
    for (size_t k = 0; !status && k < network->layer_count; k++) {
        const struct network_layer *layer = &network->layers[k];
        double *swap = here;

        if (layer->kind == AMF_LAYER_LINEAR) {
            status = network_linear(layer, rows, here, there);
            here = there;
            there = swap;
        }
        for (size_t r = 0; layer->kind != AMF_LAYER_LINEAR && r < rows; r++)
            network_step(layer, here + r * layer->out);
        if (!status && layer->weight && !amf_all_finite(here, rows * layer->out))
            status = AMF_NOT_FINITE;
    }
    return status ? status : network_output(network, batch, first, rows, there, here);
}

static enum amf_status network_batch(void *arg, size_t task, size_t worker)
{
    const struct network_job *job = arg;
    const struct amf_network_batch *batch = &job->batches[task];
    double *here = amf_matrix_row(&job->work, worker), *there = here + job->work.cols / 2;
    enum amf_status status = AMF_OK;

    for (size_t first = 0; !status && first < batch->count; first += NETWORK_ROWS)
        status = network_rows(job->network, batch, first,
                              amf_min(NETWORK_ROWS, batch->count - first), here, there);
    return status;
}

enum amf_status amf_network_evaluate(const struct amf_network *network,
                                     const struct amf_network_batch *batches, size_t count,
                                     struct amf_pool *pool, const atomic_bool *cancel)
{
    AMF_MATRIX_CLEANUP struct amf_matrix work = AMF_MATRIX_NULL;
    struct network_job job = {.network = network, .batches = batches};
    size_t room;
    enum amf_status status;

    if (__builtin_mul_overflow(network->widest, 2 * NETWORK_ROWS, &room))
        return AMF_TOO_LARGE;
    status = amf_matrix_init(&work, amf_pool_size(pool), room);
    job.work = work;
    return status ? status : amf_pool_run(pool, count, network_batch, &job, cancel);
}
