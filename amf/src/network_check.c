/* Refuses a network that does not fit together, and says which layer wanted what. */
#include <math.h>
#include <stdint.h>

#include <amf/matrix.h>

#include "network_private.h"

static enum amf_status fault_set(struct amf_network_fault *fault, enum amf_status status,
                                 const char *field, const char *wanted, size_t size)
{
    fault->field = field;
    fault->wanted = wanted;
    fault->size = size;
    return status;
}

/* count numbers; NULL only where they are optional. */
static enum amf_status check_numbers(const double *numbers, size_t rows, size_t cols, bool optional,
                                     const char *field, struct amf_network_fault *fault)
{
    size_t count;

    if (__builtin_mul_overflow(rows, cols, &count) || count > SIZE_MAX / sizeof(double))
        return fault_set(fault, AMF_TOO_LARGE, field, "fewer numbers", 0);
    if (!numbers)
        return optional ? AMF_OK : fault_set(fault, AMF_BAD_ARGUMENT, field, "its numbers", count);
    return amf_all_finite(numbers, count)
               ? AMF_OK
               : fault_set(fault, AMF_NOT_FINITE, field, "finite numbers", 0);
}

/* A mean and a standard deviation, or neither. */
static enum amf_status check_moments(const double *mean, const double *std, size_t dim,
                                     const char *mean_field, const char *std_field,
                                     struct amf_network_fault *fault)
{
    enum amf_status status;

    if (!mean && !std)
        return AMF_OK;
    status = check_numbers(mean, dim, 1, false, mean_field, fault);
    if (!status)
        status = check_numbers(std, dim, 1, false, std_field, fault);
    for (size_t d = 0; !status && d < dim; d++)
        if (!(std[d] > 0))
            return fault_set(fault, AMF_BAD_ARGUMENT, std_field, "numbers above 0", 0);
    return status;
}

static enum amf_status check_linear(const struct amf_layer *layer, size_t width,
                                    struct amf_network_fault *fault)
{
    enum amf_status status;

    if (layer->in != width)
        return fault_set(fault, AMF_BAD_ARGUMENT, "in",
                         fault->layer ? "as many as the layer before gives"
                                      : "as many as states and task vectors have",
                         width);
    if (!layer->out)
        return fault_set(fault, AMF_BAD_ARGUMENT, "out", "at least", 1);
    status = check_numbers(layer->weight, layer->out, layer->in, false, "weight", fault);
    return status ? status : check_numbers(layer->bias, layer->out, 1, true, "bias", fault);
}

static enum amf_status check_norm(const struct amf_layer *layer, size_t width,
                                  struct amf_network_fault *fault)
{
    enum amf_status status;

    if (layer->out != width)
        return fault_set(fault, AMF_BAD_ARGUMENT, "out", "as many as the layer before gives",
                         width);
    if (!isfinite(layer->epsilon))
        return fault_set(fault, AMF_NOT_FINITE, "epsilon", "a finite number", 0);
    if (!(layer->epsilon > 0))
        return fault_set(fault, AMF_BAD_ARGUMENT, "epsilon", "a number above 0", 0);
    status = check_numbers(layer->weight, layer->out, 1, false, "weight", fault);
    return status ? status : check_numbers(layer->bias, layer->out, 1, true, "bias", fault);
}

/* *width: of what comes in, then of what goes out. */
static enum amf_status check_layer(const struct amf_layer *layer, size_t *width,
                                   struct amf_network_fault *fault)
{
    enum amf_status status = AMF_OK;

    if ((unsigned)layer->kind > AMF_LAYER_TANH)
        return fault_set(fault, AMF_BAD_ARGUMENT, "kind", "a known kind", 0);
    if (layer->kind == AMF_LAYER_NORM)
        return check_norm(layer, *width, fault);
    if (layer->kind == AMF_LAYER_LINEAR) {
        status = check_linear(layer, *width, fault);
        *width = layer->out;
    }
    return status;
}

static enum amf_status check_last(const struct amf_network_spec *spec,
                                  struct amf_network_fault *fault)
{
    const struct amf_layer *last;

    if (!spec->layer_count || !spec->layers) {
        fault->layer = SIZE_MAX;
        return fault_set(fault, AMF_BAD_ARGUMENT, "layers", "at least", 1);
    }
    last = &spec->layers[spec->layer_count - 1];
    fault->layer = spec->layer_count - 1;
    if (last->kind != AMF_LAYER_LINEAR)
        return fault_set(fault, AMF_BAD_ARGUMENT, "kind", "linear, as it is the last", 0);
    if (last->out != spec->action_dim)
        return fault_set(fault, AMF_BAD_ARGUMENT, "out", "as many as actions have",
                         spec->action_dim);
    return AMF_OK;
}

enum amf_status amf_network_check(const struct amf_network_spec *spec,
                                  struct amf_network_fault *ret_fault)
{
    struct amf_network_fault fault = {.layer = SIZE_MAX};
    size_t width = 0;
    enum amf_status status = AMF_OK;

    if (!spec->action_dim)
        status = fault_set(&fault, AMF_BAD_ARGUMENT, "action_dim", "at least", 1);
    else if (__builtin_add_overflow(spec->state_dim, spec->task_dim, &width))
        status = fault_set(&fault, AMF_TOO_LARGE, "task_dim", "fewer numbers", 0);
    else if (!width)
        status = fault_set(&fault, AMF_BAD_ARGUMENT, "state_dim", "at least", 1);
    if (!status)
        status = check_moments(spec->state_mean, spec->state_std, spec->state_dim, "state_mean",
                               "state_std", &fault);
    if (!status)
        status = check_moments(spec->action_mean, spec->action_std, spec->action_dim, "action_mean",
                               "action_std", &fault);
    if (!status)
        status = check_last(spec, &fault);
    for (size_t k = 0; !status && k < spec->layer_count; k++) {
        fault.layer = k;
        status = check_layer(&spec->layers[k], &width, &fault);
    }
    if (status)
        *ret_fault = fault;
    return status;
}
