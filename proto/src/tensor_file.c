#include <proto/tensor_file.h>

#include <stdlib.h>
#include <string.h>

struct proto_tensor_file {
    size_t length, max_bytes; /* as given */
    struct proto_arena *arena;
    unsigned char start[PROTO_TENSORS_LENGTH_BYTES];
    unsigned char *bytes; /* NULL until the head's length is known */
    size_t received;
    size_t wanted; /* of the part that is due: the head's length, the head, the whole */
    bool has_head;
    struct proto_tensors tensors;
};

struct proto_tensor_file *proto_tensor_file_new(size_t length, size_t max_bytes,
                                                struct proto_arena *arena)
{
    struct proto_tensor_file *file = calloc(1, sizeof(*file));
    if (file)
        *file = (struct proto_tensor_file){.length = length,
                                           .max_bytes = max_bytes,
                                           .arena = arena,
                                           .wanted = PROTO_TENSORS_LENGTH_BYTES};
    return file;
}

void proto_tensor_file_free(struct proto_tensor_file *file)
{
    if (!file)
        return;
    free(file->bytes);
    free(file);
}

const struct proto_tensors *proto_tensor_file_head(const struct proto_tensor_file *file)
{
    return file->has_head ? &file->tensors : NULL;
}

size_t proto_tensor_file_bytes(const struct proto_tensor_file *file)
{
    return file->received;
}

/* Room for `bytes` in all, which are due next. */
static enum proto_code grow(struct proto_tensor_file *file, size_t bytes,
                            struct proto_error *ret_error)
{
    unsigned char *grown = realloc(file->bytes, bytes);
    if (!grown)
        return proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "no memory for the file");
    if (!file->bytes)
        memcpy(grown, file->start, sizeof(file->start));
    file->bytes = grown;
    file->wanted = bytes;
    return PROTO_CODE_OK;
}

static enum proto_code begin_head(struct proto_tensor_file *file, struct proto_error *ret_error)
{
    size_t head_length = 0;
    enum proto_code code =
        proto_tensors_head_length(file->start, file->length, &head_length, ret_error);
    return code == PROTO_CODE_OK ? grow(file, head_length, ret_error) : code;
}

/* The whole has its size from the head on. */
static enum proto_code begin_numbers(struct proto_tensor_file *file, struct proto_error *ret_error)
{
    enum proto_code code = proto_tensors_read_head(file->bytes, file->received, file->length,
                                                   file->arena, &file->tensors, ret_error);
    size_t whole;
    if (code != PROTO_CODE_OK)
        return code;
    if (__builtin_add_overflow(file->received, file->tensors.data_bytes, &whole) ||
        whole > file->max_bytes)
        return proto_error_set(ret_error, PROTO_CODE_BODY_TOO_LARGE, "",
                               "The file may have %zu bytes.", file->max_bytes);
    file->has_head = true;
    return grow(file, whole, ret_error);
}

/* What is due is in: the next part. */
static enum proto_code go_on(struct proto_tensor_file *file, struct proto_error *ret_error)
{
    if (!file->bytes)
        return begin_head(file, ret_error);
    return file->has_head ? PROTO_CODE_OK : begin_numbers(file, ret_error);
}

enum proto_code proto_tensor_file_add(struct proto_tensor_file *file, const unsigned char *bytes,
                                      size_t length, struct proto_error *ret_error)
{
    enum proto_code code = PROTO_CODE_OK;
    while (length > 0 && code == PROTO_CODE_OK) {
        size_t room = file->wanted - file->received, used = length < room ? length : room;
        if (used == 0)
            return proto_error_set(ret_error, PROTO_CODE_MALFORMED_TENSORS, "header",
                                   "the tensors end at byte %zu; the file is longer",
                                   file->tensors.data_bytes);
        memcpy((file->bytes ? file->bytes : file->start) + file->received, bytes, used);
        file->received += used;
        bytes += used;
        length -= used;
        if (file->received == file->wanted)
            code = go_on(file, ret_error);
    }
    return code;
}

enum proto_code proto_tensor_file_finish(const struct proto_tensor_file *file,
                                         const unsigned char **ret_bytes, size_t *ret_length,
                                         struct proto_error *ret_error)
{
    if (!file->has_head || file->received < file->wanted)
        return proto_error_set(ret_error, PROTO_CODE_MALFORMED_TENSORS, "header",
                               "the file ends too early, in the middle of its %s",
                               file->has_head ? "numbers" : "header");
    *ret_bytes = file->bytes;
    *ret_length = file->received;
    return PROTO_CODE_OK;
}
