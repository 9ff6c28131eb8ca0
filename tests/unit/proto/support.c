#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int support_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    bool under_tap = srunner_has_tap(runner);
    srunner_free(runner);
    return under_tap || failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct guarded guarded_copy(const void *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (length + page - 1) / page * page;
    struct guarded guarded = {.length = length, .mapping_bytes = used + page};
    guarded.mapping = mmap(NULL, guarded.mapping_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(guarded.mapping, MAP_FAILED);
    ck_assert_int_eq(mprotect((char *)guarded.mapping + used, page, PROT_NONE), 0);
    guarded.bytes = (unsigned char *)guarded.mapping + used - length;
    if (length > 0)
        memcpy(guarded.bytes, bytes, length);
    return guarded;
}

void guarded_free(struct guarded *guarded)
{
    munmap(guarded->mapping, guarded->mapping_bytes);
}

struct guarded tensor_file_saying(uint64_t header_length, const char *header, size_t data_bytes)
{
    size_t written = strlen(header), length = 8 + written + data_bytes;
    unsigned char *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(header_length >> (8 * i));
    memcpy(bytes + 8, header, written);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + written + i] = (unsigned char)i;
    struct guarded guarded = guarded_copy(bytes, length);
    free(bytes);
    return guarded;
}

struct guarded tensor_file(const char *header, size_t data_bytes)
{
    return tensor_file_saying(strlen(header), header, data_bytes);
}

void support_defaults(const struct proto_shape *shape, void *object)
{
    memset(object, 0, shape->size);
    if (shape->set_defaults)
        shape->set_defaults(object);
}
