/* Whatever format a file has, it is sent as safetensors: a third of the size of JSON, exact, and
 * the server takes in far larger ones.
 */
#define _GNU_SOURCE /* memmem */
#include "demo_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proto/safetensors.h>

__attribute__((format(printf, 2, 3))) static int refuse(char error[512], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, 512, format, args);
    va_end(args);
    return -1;
}

void demo_file_deinit(struct demo_file *file)
{
    free(file->bytes);
    proto_arena_deinit(&file->arena);
    *file = (struct demo_file)DEMO_FILE_NULL;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

bool demo_file_is_one(const char *path)
{
    return ends_in(path, ".safetensors") || ends_in(path, ".json");
}

/* As much as fstat promised and not a byte more: a file that grows meanwhile is being written. */
static int read_open(int fd, struct demo_file *file, char error[512])
{
    struct stat info;
    size_t got = 0;

    if (fstat(fd, &info) < 0)
        return refuse(error, "%s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return refuse(error, "not a regular file");
    if ((size_t)info.st_size > DEMO_FILE_MAX_BYTES)
        return refuse(error, "%lld bytes; a demonstration has at most %zu", (long long)info.st_size,
                      DEMO_FILE_MAX_BYTES);
    file->length = (size_t)info.st_size;
    file->bytes = malloc(file->length + 1);
    if (!file->bytes)
        return refuse(error, "out of memory");
    while (got < file->length) {
        ssize_t more = read(fd, file->bytes + got, file->length - got);

        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return refuse(error, "%s", strerror(errno));
        if (more == 0)
            return refuse(error, "shrank while it was read");
        got += (size_t)more;
    }
    return 0;
}

int demo_file_load(const char *path, struct demo_file *file, char error[512])
{
    /* O_NONBLOCK: a pipe of that name must not hold us up; regular files do not care. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;

    if (fd < 0)
        return refuse(error, "%s", strerror(errno));
    status = read_open(fd, file, error);
    close(fd);
    return status;
}

/* A file whose metadata names no task, with the task put in. Where it cannot be done the file stays
 * as it is, and decoding it says what is wrong. -1: out of memory. */
static int put_task(struct demo_file *file, const char *task)
{
    static const char *const names[] = {"states", "actions"};
    struct proto_named_matrix matrices[2];
    struct proto_metadata_entry *entries;
    struct proto_tensors tensors;
    struct proto_error ignored;
    unsigned char *bytes;
    size_t length;

    if (proto_tensors_read(file->bytes, file->length, &file->arena, &tensors, &ignored) !=
            PROTO_CODE_OK ||
        proto_tensors_metadata(&tensors, "task") || tensors.count != 2)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        const struct proto_tensor *tensor = proto_tensors_find(&tensors, names[i]);

        matrices[i].name = names[i];
        if (!tensor || proto_tensor_matrix(tensor, &file->arena, &matrices[i].matrix, &ignored) !=
                           PROTO_CODE_OK)
            return 0;
    }
    entries = proto_arena_alloc(&file->arena, tensors.metadata_count + 1, sizeof(*entries));
    if (!entries)
        return -1;
    for (size_t i = 0; i < tensors.metadata_count; i++)
        entries[i] = tensors.metadata[i];
    entries[tensors.metadata_count] = (struct proto_metadata_entry){"task", task};
    if (proto_tensors_write(matrices, 2, entries, tensors.metadata_count + 1, &bytes, &length) < 0)
        return -1;
    free(file->bytes);
    file->bytes = bytes;
    file->length = length;
    return 0;
}

/* A .json file in which neither word stands has nothing to do with demonstrations. */
static bool is_foreign(const struct demo_file *file)
{
    return !file->tensors && !memmem(file->bytes, file->length, "\"states\"", 8) &&
           !memmem(file->bytes, file->length, "\"actions\"", 9);
}

static int decode(struct demo_file *file, const struct demo_options *said, char error[512])
{
    struct proto_error why = {.code = PROTO_CODE_OK};
    enum proto_code code;

    if (file->tensors && said->task && put_task(file, said->task) < 0)
        return refuse(error, "out of memory");
    proto_demonstration_defaults(&file->demonstration);
    file->demonstration.task = said->task; /* then the file need not name one */
    if (file->tensors)
        code = proto_demonstration_from_tensors(file->bytes, file->length, &file->arena,
                                                &file->demonstration, &why);
    else
        code = proto_decode(&proto_demonstration_shape, (const char *)file->bytes, file->length,
                            false, &file->arena, &file->demonstration, &why);
    if (code == PROTO_CODE_OK)
        return 0;
    file->foreign = is_foreign(file);
    return refuse(error, "%s%s%s: %s", proto_code_name(code), *why.at ? " at " : "", why.at,
                  why.detail);
}

static void apply(struct demo_file *file, const struct demo_options *said)
{
    struct proto_demonstration *demonstration = &file->demonstration;

    if (said->task)
        demonstration->task = said->task;
    if (said->operator_)
        demonstration->operator_ = said->operator_;
    if (said->robot)
        demonstration->robot = said->robot;
    if (said->role >= 0)
        demonstration->role = said->role;
    if (said->failed)
        demonstration->success = false;
    file->altered = said->task || said->operator_ || said->robot || said->role >= 0 || said->failed;
}

int demo_file_read(const char *path, const struct demo_options *said, struct demo_file *file,
                   char ret_error[512])
{
    if (!demo_file_is_one(path))
        return refuse(ret_error, "ends in neither .safetensors nor .json");
    file->tensors = ends_in(path, ".safetensors");
    if (demo_file_load(path, file, ret_error) < 0 || decode(file, said, ret_error) < 0)
        return -1;
    apply(file, said);
    return 0;
}

enum amf_client_status demo_file_post(struct amf_client *client, const char *project,
                                      const struct demo_file *file,
                                      struct amf_client_result *result,
                                      struct proto_stored *ret_stored)
{
    enum amf_client_status status;
    unsigned char *bytes = NULL;
    size_t length;

    if (file->tensors && !file->altered)
        return amf_client_demonstration_post_tensors(client, project, file->bytes, file->length,
                                                     NULL, result, ret_stored);
    if (proto_demonstration_to_tensors(&file->demonstration, &bytes, &length) < 0)
        return AMF_CLIENT_NO_MEMORY;
    status = amf_client_demonstration_post_tensors(client, project, bytes, length, NULL, result,
                                                   ret_stored);
    free(bytes);
    return status;
}
