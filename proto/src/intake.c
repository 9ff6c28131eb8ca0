/* Safetensors in pieces; intake.h says what is kept.
 *
 * The bytes of an element may be spread over two pieces (or eight): at most one element waits in
 * `rest`. Numbers go to their place in the kept file as doubles of this machine. On a little-endian
 * machine these are the file's bytes; elsewhere `encoded` stays unset, and whoever stores the
 * demonstration writes it as if it had come as JSON.
 */
#include <proto/intake.h>

#include <stdlib.h>
#include <string.h>

#include <proto/safetensors.h>

#include "demonstration.h"
#include "tensor_matrix.h"

#define MAX_ELEMENT_BYTES 8

struct proto_intake {
    size_t length, max_bytes; /* as given */
    struct proto_arena *arena;
    size_t received;

    unsigned char start[PROTO_TENSORS_LENGTH_BYTES];
    unsigned char *head; /* NULL until its length is known, and when it has been read */
    size_t head_length;

    bool has_head;
    struct proto_tensors tensors;
    struct proto_demonstration demonstration;
    unsigned char *file; /* as it will be stored */
    size_t file_bytes;

    size_t tensor, element; /* the number that comes next */
    unsigned char rest[MAX_ELEMENT_BYTES];
    size_t rest_bytes;
};

struct proto_intake *proto_intake_new(size_t length, size_t max_bytes, struct proto_arena *arena)
{
    struct proto_intake *intake = calloc(1, sizeof(*intake));
    if (intake)
        *intake = (struct proto_intake){.length = length, .max_bytes = max_bytes, .arena = arena};
    return intake;
}

void proto_intake_free(struct proto_intake *intake)
{
    if (!intake)
        return;
    free(intake->head);
    free(intake->file);
    free(intake);
}

const struct proto_demonstration *proto_intake_head(const struct proto_intake *intake)
{
    return intake->has_head ? &intake->demonstration : NULL;
}

size_t proto_intake_bytes(const struct proto_intake *intake)
{
    size_t elements = intake->element;
    if (!intake->has_head)
        return intake->received;
    for (size_t i = 0; i < intake->tensor; i++)
        elements += intake->tensors.items[i].element_count;
    return intake->head_length + elements * sizeof(double);
}

static enum proto_code no_memory(struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for its numbers");
}

/* Both matrices have rows x cols within their fields' limits, so this cannot overflow. */
static size_t matrix_bytes(const struct proto_matrix *matrix)
{
    return matrix->rows * matrix->cols * sizeof(double);
}

/* Room for the numbers, in the order in which they will be stored: states, actions. */
static enum proto_code begin_file(struct proto_intake *intake, struct proto_error *ret_error)
{
    struct proto_demonstration *demonstration = &intake->demonstration;
    size_t states_bytes = matrix_bytes(&demonstration->states);
    size_t data_bytes = states_bytes + matrix_bytes(&demonstration->actions);
    if (data_bytes > intake->max_bytes)
        return proto_error_set(
            ret_error, PROTO_CODE_BODY_TOO_LARGE, "",
            "Held as float64 this is %zu bytes, at most %zu are stored; thin the trajectory.",
            data_bytes, intake->max_bytes);
    if (proto_demonstration_begin_tensors(demonstration, &intake->file, &intake->file_bytes) < 0)
        return no_memory(ret_error);
    /* The writer pads its head, so numbers are aligned. */
    unsigned char *numbers = intake->file + intake->file_bytes - data_bytes;
    demonstration->states.data = (double *)(void *)numbers;
    demonstration->actions.data = (double *)(void *)(numbers + states_bytes);
    return PROTO_CODE_OK;
}

static enum proto_code read_head(struct proto_intake *intake, struct proto_error *ret_error)
{
    enum proto_code code =
        proto_tensors_read_head(intake->head, intake->head_length, intake->length, intake->arena,
                                &intake->tensors, ret_error);
    free(intake->head);
    intake->head = NULL;
    if (code == PROTO_CODE_OK)
        code = proto_demonstration_from_head(&intake->tensors, intake->arena,
                                             &intake->demonstration, ret_error);
    if (code == PROTO_CODE_OK)
        code = begin_file(intake, ret_error);
    intake->has_head = code == PROTO_CODE_OK;
    return code;
}

static enum proto_code make_head(struct proto_intake *intake, struct proto_error *ret_error)
{
    enum proto_code code =
        proto_tensors_head_length(intake->start, intake->length, &intake->head_length, ret_error);
    if (code != PROTO_CODE_OK)
        return code;
    intake->head = malloc(intake->head_length);
    if (!intake->head)
        return no_memory(ret_error);
    memcpy(intake->head, intake->start, sizeof(intake->start));
    return PROTO_CODE_OK;
}

/* What of the piece belongs to the head; *ret_used says how much. */
static enum proto_code add_to_head(struct proto_intake *intake, const unsigned char *bytes,
                                   size_t length, size_t *ret_used, struct proto_error *ret_error)
{
    size_t wanted = (intake->head ? intake->head_length : sizeof(intake->start)) - intake->received;
    size_t used = length < wanted ? length : wanted;
    memcpy((intake->head ? intake->head : intake->start) + intake->received, bytes, used);
    intake->received += used;
    *ret_used = used;
    if (used < wanted)
        return PROTO_CODE_OK;
    return intake->head ? read_head(intake, ret_error) : make_head(intake, ret_error);
}

/* Whole elements of the tensor that is due, to their place. */
static enum proto_code add_elements(struct proto_intake *intake, const unsigned char *bytes,
                                    size_t count, struct proto_error *ret_error)
{
    const struct proto_tensor *tensor = &intake->tensors.items[intake->tensor];
    struct proto_demonstration *demonstration = &intake->demonstration;
    struct proto_matrix *matrix =
        strcmp(tensor->name, "states") == 0 ? &demonstration->states : &demonstration->actions;
    double *numbers = matrix->data + intake->element;
    enum proto_code code =
        proto_tensor_load(tensor, bytes, intake->element, count, numbers, ret_error);
    if (code == PROTO_CODE_OK)
        code = proto_demonstration_check_range(tensor->name, matrix->cols, intake->element, numbers,
                                               count, ret_error);
    intake->element += count;
    if (intake->element == tensor->element_count) {
        intake->tensor++;
        intake->element = 0;
    }
    return code;
}

/* The element that an earlier piece began; *ret_used says how much of this one it took. */
static enum proto_code add_to_rest(struct proto_intake *intake, const unsigned char *bytes,
                                   size_t length, size_t *ret_used, struct proto_error *ret_error)
{
    size_t width = proto_tensor_element_bytes(&intake->tensors.items[intake->tensor]);
    size_t wanted = width - intake->rest_bytes;
    size_t used = length < wanted ? length : wanted;
    memcpy(intake->rest + intake->rest_bytes, bytes, used);
    intake->rest_bytes += used;
    *ret_used = used;
    if (intake->rest_bytes < width)
        return PROTO_CODE_OK;
    intake->rest_bytes = 0;
    return add_elements(intake, intake->rest, 1, ret_error);
}

static enum proto_code add_to_numbers(struct proto_intake *intake, const unsigned char *bytes,
                                      size_t length, size_t *ret_used,
                                      struct proto_error *ret_error)
{
    if (intake->tensor == intake->tensors.count)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_TENSORS, "header",
                               "the tensors end at byte %zu; the file is longer",
                               intake->tensors.data_bytes);
    const struct proto_tensor *tensor = &intake->tensors.items[intake->tensor];
    size_t width = proto_tensor_element_bytes(tensor);
    size_t count = length / width, left = tensor->element_count - intake->element;
    if (intake->rest_bytes > 0 || count == 0)
        return add_to_rest(intake, bytes, length, ret_used, ret_error);
    count = count < left ? count : left;
    *ret_used = count * width;
    return add_elements(intake, bytes, count, ret_error);
}

enum proto_code proto_intake_add(struct proto_intake *intake, const unsigned char *bytes,
                                 size_t length, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;
    size_t used = 0;
    for (; length > 0 && code == PROTO_CODE_OK; bytes += used, length -= used)
        code = intake->has_head ? add_to_numbers(intake, bytes, length, &used, ret_error)
                                : add_to_head(intake, bytes, length, &used, ret_error);
    return code;
}

enum proto_code proto_intake_finish(struct proto_intake *intake,
                                    struct proto_demonstration *ret_demonstration,
                                    struct proto_error *ret_error)
{
    if (!intake->has_head || intake->tensor < intake->tensors.count)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_TENSORS, "header",
                               "the file ends too early, in the middle of its %s",
                               intake->has_head ? "numbers" : "header");
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        intake->demonstration.encoded = intake->file;
        intake->demonstration.encoded_bytes = intake->file_bytes;
    }
    *ret_demonstration = intake->demonstration;
    return PROTO_CODE_OK;
}
