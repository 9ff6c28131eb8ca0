/* Layers first, each of which takes its tensors; then what nobody took is refused. */
#include <proto/network.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metadata.h"
#include "tables.h"

const char *const proto_layer_op_names[] = {"linear",    "layer_norm", "relu", "gelu",
                                            "gelu_tanh", "tanh",       NULL};

/* ---- what `layers` says ---- */

struct layer_text {
    int op;
    const char *weight, *bias;
    double eps;
};

struct layers_text {
    struct proto_list layers;
};

static void layer_defaults(void *ret_layer)
{
    *(struct layer_text *)ret_layer = (struct layer_text){.eps = 1e-5};
}

static bool op_has_weight(int op)
{
    return op == PROTO_LAYER_LINEAR || op == PROTO_LAYER_NORM;
}

static enum proto_code layer_check(const void *object, struct proto_error *ret_error)
{
    const struct layer_text *layer = object;
    const char *name = proto_layer_op_names[layer->op];
    if (op_has_weight(layer->op) && !layer->weight)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "/weight",
                               "%s needs a weight: the name of a tensor", name);
    if (!op_has_weight(layer->op) && (layer->weight || layer->bias))
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD,
                               layer->weight ? "/weight" : "/bias", "%s has no tensors", name);
    return PROTO_CODE_OK;
}

#define AT(member) offsetof(struct layer_text, member)
static const struct proto_field layer_fields[] = {
    {"op", PROTO_ENUM, AT(op), PROTO_REQUIRED, .names = proto_layer_op_names},
    {"weight", PROTO_STRING, AT(weight), PROTO_NULLABLE, .max_length = 128},
    {"bias", PROTO_STRING, AT(bias), PROTO_NULLABLE, .max_length = 128},
    {"eps", PROTO_REAL, AT(eps), .min = 1e-30, .max = 1e6},
};
#undef AT

static const struct proto_shape layer_shape = {.name = "Layer",
                                               .size = sizeof(struct layer_text),
                                               PROTO_FIELDS(layer_fields),
                                               .set_defaults = layer_defaults,
                                               .check = layer_check};

static const struct proto_field layers_fields[] = {
    {"layers", PROTO_LIST, offsetof(struct layers_text, layers), PROTO_REQUIRED,
     .max_length = PROTO_NETWORK_MAX_LAYERS, .shape = &layer_shape},
};

static const struct proto_shape layers_shape = {
    .name = "Layers", .size = sizeof(struct layers_text), PROTO_FIELDS(layers_fields)};

/* What somebody with another operation can do. */
static void say_way_out(struct proto_error *error)
{
    size_t at = strlen(error->at), used = strlen(error->detail);
    if (at >= 3 && !strcmp(error->at + at - 3, "/op"))
        snprintf(error->detail + used, sizeof(error->detail) - used,
                 "; a network with another operation is evaluated elsewhere: upload its features "
                 "to a revision of kind external");
}

/* proto_decode reads objects alone. */
static enum proto_code read_text(const struct proto_tensors *tensors, struct proto_arena *arena,
                                 struct layers_text *layers, struct proto_error *ret_error)
{
    const char *text = proto_tensors_metadata(tensors, "layers");
    enum proto_code code;
    char *object;
    if (!text)
        return proto_error_set(ret_error, PROTO_CODE_MISSING_FIELD, "metadata layers",
                               "a network needs layers: a JSON list of operations, input first");
    object = proto_arena_printf(arena, "{\"layers\":%s}", text);
    if (!object)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for the network");
    code = proto_decode(&layers_shape, object, strlen(object), false, arena, layers, ret_error);
    if (code == PROTO_CODE_MALFORMED_JSON)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata layers",
                               "it is not a JSON list of operations");
    if (code == PROTO_CODE_INVALID_FIELD)
        say_way_out(ret_error);
    if (code == PROTO_CODE_OK && layers->layers.count == 0)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "metadata layers",
                               "it is empty; expected operations, the last of them linear");
    return proto_metadata_place("metadata", code, ret_error);
}

/* ---- tensors ---- */

struct reading {
    const struct proto_tensors *tensors;
    struct proto_arena *arena;
    bool *taken; /* one per tensor */
    struct proto_error *error;
};

__attribute__((format(printf, 4, 5))) static enum proto_code refuse(const struct reading *reading,
                                                                    enum proto_code code,
                                                                    const char *tensor,
                                                                    const char *format, ...)
{
    char at[sizeof(reading->error->at)], detail[sizeof(reading->error->detail)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    snprintf(at, sizeof(at), "tensor %s", tensor);
    return proto_error_set(reading->error, code, at, "%s", detail);
}

static enum proto_code check_finite(const struct reading *reading, const char *name,
                                    const struct proto_reals *numbers)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (!isfinite(numbers->items[i]))
            return refuse(reading, PROTO_CODE_NOT_FINITE, name, "number %zu is not finite", i);
    return PROTO_CODE_OK;
}

/* A tensor of 1 or 2 dimensions. who: what wants it, for the error. */
static enum proto_code take(const struct reading *reading, const char *name, size_t rank,
                            const char *who, size_t ret_shape[2], struct proto_reals *ret_numbers)
{
    const struct proto_tensor *tensor = proto_tensors_find(reading->tensors, name);
    struct proto_reals numbers = {NULL, 0};
    if (!tensor)
        return refuse(reading, PROTO_CODE_MISSING_FIELD, name, "%s wants it, and the file has none",
                      who);
    if (tensor->rank != rank || tensor->dtype == PROTO_DTYPE_OTHER)
        return refuse(reading, PROTO_CODE_INVALID_TENSOR, name,
                      "%s: it has %zu dimensions of %s; expected %zu of F16, F32 or F64", who,
                      tensor->rank, tensor->dtype_name, rank);
    for (size_t axis = 0; axis < rank; axis++) {
        if (tensor->shape[axis] == 0 || tensor->shape[axis] > PROTO_NETWORK_MAX_WIDTH)
            return refuse(reading, PROTO_CODE_INVALID_TENSOR, name,
                          "%s: axis %zu has %zu numbers; expected 1 to %d", who, axis,
                          tensor->shape[axis], PROTO_NETWORK_MAX_WIDTH);
        ret_shape[axis] = tensor->shape[axis];
    }
    if (reading->taken[tensor - reading->tensors->items])
        return refuse(reading, PROTO_CODE_INVALID_TENSOR, name,
                      "%s wants it, and so does another layer; expected a tensor for each", who);
    numbers.count = tensor->element_count;
    numbers.items = proto_arena_alloc(reading->arena, numbers.count, sizeof(*numbers.items));
    if (!numbers.items)
        return refuse(reading, PROTO_CODE_NO_MEMORY, name, "no memory for it");
    proto_tensor_elements(tensor, 0, numbers.count, numbers.items);
    reading->taken[tensor - reading->tensors->items] = true;
    *ret_numbers = numbers;
    return check_finite(reading, name, ret_numbers);
}

static enum proto_code take_bias(const struct reading *reading, const char *name, const char *who,
                                 struct proto_layer *layer)
{
    size_t shape[2] = {0};
    enum proto_code code;
    if (!name)
        return PROTO_CODE_OK;
    code = take(reading, name, 1, who, shape, &layer->bias);
    if (code == PROTO_CODE_OK && shape[0] != layer->out)
        code = refuse(reading, PROTO_CODE_INVALID_TENSOR, name,
                      "%s: it has %zu numbers; the layer's weight gives %zu", who, shape[0],
                      layer->out);
    return code;
}

/* width: of what comes in; 0: not known yet. */
static enum proto_code take_layer(const struct reading *reading, const struct layer_text *text,
                                  size_t index, size_t width, struct proto_layer *layer)
{
    bool linear = text->op == PROTO_LAYER_LINEAR;
    size_t shape[2] = {0, 0};
    char who[64];
    enum proto_code code;
    *layer = (struct proto_layer){
        .op = text->op, .weight_name = text->weight, .in = width, .out = width, .eps = text->eps};
    if (!op_has_weight(text->op))
        return PROTO_CODE_OK;
    snprintf(who, sizeof(who), "layer %zu (%s)", index, proto_layer_op_names[text->op]);
    code = take(reading, text->weight, linear ? 2 : 1, who, shape, &layer->weight);
    if (code != PROTO_CODE_OK)
        return code;
    layer->out = shape[0];
    layer->in = linear ? shape[1] : shape[0];
    if (width && layer->in != width)
        return refuse(reading, PROTO_CODE_INVALID_TENSOR, text->weight,
                      "%s: axis %d has %zu numbers; the layers before it give %zu", who, linear,
                      layer->in, width);
    return take_bias(reading, text->bias, who, layer);
}

static enum proto_code take_layers(const struct reading *reading, const struct layers_text *text,
                                   struct proto_network *network)
{
    const struct layer_text *texts = text->layers.items;
    int last = PROTO_LAYER_LINEAR;
    size_t width = 0;
    network->layer_count = text->layers.count;
    for (size_t k = 0; k < network->layer_count; k++) {
        struct proto_layer *layer = &network->layers[k];
        enum proto_code code = take_layer(reading, &texts[k], k, width, layer);
        if (code != PROTO_CODE_OK)
            return code;
        if (!network->input_dim)
            network->input_dim = layer->in;
        network->hidden_dim = layer->in;
        width = layer->out;
        last = texts[k].op;
    }
    network->output_dim = width;
    if (last == PROTO_LAYER_LINEAR)
        return PROTO_CODE_OK;
    char at[48];
    snprintf(at, sizeof(at), "metadata layers/%zu/op", network->layer_count - 1);
    return proto_error_set(reading->error, PROTO_CODE_INVALID_FIELD, at,
                           "the last operation is %s; expected linear, whose input is the last "
                           "hidden layer",
                           proto_layer_op_names[last]);
}

/* A mean and a standard deviation, or neither. count 0: as many as there are. */
static enum proto_code take_moments(const struct reading *reading, const char *mean,
                                    const char *std, size_t count, struct proto_reals *ret_mean,
                                    struct proto_reals *ret_std)
{
    size_t shape[2] = {0}, again[2] = {0};
    enum proto_code code;
    if (!proto_tensors_find(reading->tensors, mean) && !proto_tensors_find(reading->tensors, std))
        return PROTO_CODE_OK;
    code = take(reading, mean, 1, std, shape, ret_mean);
    if (code == PROTO_CODE_OK)
        code = take(reading, std, 1, mean, again, ret_std);
    if (code != PROTO_CODE_OK)
        return code;
    if (count && shape[0] != count)
        return refuse(reading, PROTO_CODE_INVALID_TENSOR, mean,
                      "it has %zu numbers; the last layer gives %zu", shape[0], count);
    if (again[0] != shape[0])
        return refuse(reading, PROTO_CODE_INVALID_TENSOR, std, "it has %zu numbers, %s has %zu",
                      again[0], mean, shape[0]);
    for (size_t d = 0; d < ret_std->count; d++)
        if (!(ret_std->items[d] > 0))
            return refuse(reading, PROTO_CODE_INVALID_TENSOR, std,
                          "number %zu is %g; expected numbers above 0", d, ret_std->items[d]);
    return PROTO_CODE_OK;
}

/* Before any of them is read. */
static enum proto_code check_size(const struct reading *reading)
{
    size_t numbers = 0;
    for (size_t i = 0; i < reading->tensors->count; i++)
        numbers += reading->tensors->items[i].element_count; /* of a file that is here */
    if (numbers <= PROTO_NETWORK_MAX_NUMBERS)
        return PROTO_CODE_OK;
    return proto_error_set(reading->error, PROTO_CODE_INVALID_TENSOR, "header",
                           "the tensors have %zu numbers; expected at most %d", numbers,
                           PROTO_NETWORK_MAX_NUMBERS);
}

static enum proto_code check_all_taken(const struct reading *reading)
{
    for (size_t i = 0; i < reading->tensors->count; i++) {
        const char *name = reading->tensors->items[i].name;
        if (!reading->taken[i] && strcmp(name, "summary") != 0)
            return refuse(reading, PROTO_CODE_INVALID_TENSOR, name,
                          "no layer names it; expected tensors of layers, input_mean, input_std, "
                          "output_mean, output_std or summary");
    }
    return PROTO_CODE_OK;
}

const struct proto_layer *proto_network_first(const struct proto_network *network)
{
    const struct proto_layer *layer = network->layers;
    while (!op_has_weight(layer->op))
        layer++;
    return layer;
}

enum proto_code proto_network_read(const struct proto_tensors *tensors, struct proto_arena *arena,
                                   struct proto_network **ret_network,
                                   struct proto_error *ret_error)
{
    struct reading reading = {tensors, arena, NULL, ret_error};
    struct layers_text text = {{NULL, 0}};
    struct proto_network *network = proto_arena_alloc(arena, 1, sizeof(*network));
    enum proto_code code = read_text(tensors, arena, &text, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    reading.taken = proto_arena_alloc(arena, tensors->count + 1, sizeof(*reading.taken));
    if (network)
        network->layers = proto_arena_alloc(arena, text.layers.count, sizeof(*network->layers));
    if (!network || !network->layers || !reading.taken)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for the network");
    code = check_size(&reading);
    if (code == PROTO_CODE_OK)
        code = take_layers(&reading, &text, network);
    if (code == PROTO_CODE_OK)
        code = take_moments(&reading, "input_mean", "input_std", 0, &network->input_mean,
                            &network->input_std);
    if (code == PROTO_CODE_OK)
        code = take_moments(&reading, "output_mean", "output_std", network->output_dim,
                            &network->output_mean, &network->output_std);
    if (code == PROTO_CODE_OK)
        code = check_all_taken(&reading);
    if (code == PROTO_CODE_OK)
        *ret_network = network;
    return code;
}
