/* Regions: what the users of decoded messages rely on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <proto/arena.h>

#include "support.h"

START_TEST(memory_is_zeroed_and_aligned)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    static const unsigned char zeros[100000];
    for (size_t size = 1; size < sizeof(zeros); size += 1 + size / 3) {
        unsigned char *memory = proto_arena_alloc(&arena, 1, size);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        ck_assert_mem_eq(memory, zeros, size);
        memset(memory, 0xA5, size);
    }
}
END_TEST

START_TEST(pieces_do_not_overlap)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    size_t *pieces[300];
    /* Large ones in between are placed elsewhere than the small ones around them. */
    for (size_t i = 0; i < 300; i++) {
        pieces[i] = proto_arena_alloc(&arena, i % 7 == 0 ? 5000 : 10, sizeof(size_t));
        ck_assert_ptr_nonnull(pieces[i]);
        for (size_t j = 0; j < 10; j++)
            pieces[i][j] = i;
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t j = 0; j < 10; j++)
            ck_assert_uint_eq(pieces[i][j], i);
    }
}
END_TEST

START_TEST(sizes_beyond_memory_give_null)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    ck_assert_ptr_null(proto_arena_alloc(&arena, SIZE_MAX, 2));
    ck_assert_ptr_null(proto_arena_alloc(&arena, SIZE_MAX, 1));
    ck_assert_ptr_null(proto_arena_alloc(&arena, SIZE_MAX - 20, 1));
    ck_assert_ptr_null(proto_arena_strndup(&arena, "x", SIZE_MAX));
    ck_assert_uint_eq(arena.used_bytes, 0);
}
END_TEST

START_TEST(nothing_is_handed_out_beyond_the_limit)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = {.limit_bytes = 1000};
    ck_assert_ptr_nonnull(proto_arena_alloc(&arena, 1, 900));
    ck_assert_ptr_null(proto_arena_alloc(&arena, 1, 200));
    ck_assert_ptr_nonnull(proto_arena_alloc(&arena, 1, 50));
    ck_assert_uint_le(arena.used_bytes, 1000);
}
END_TEST

START_TEST(strings_are_copied)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    char text[] = "abc";
    char *copy = proto_arena_strdup(&arena, text), *part = proto_arena_strndup(&arena, text, 2);
    text[0] = 'x';
    ck_assert_str_eq(copy, "abc");
    ck_assert_str_eq(part, "ab");
    ck_assert_str_eq(proto_arena_printf(&arena, "%d-%s", 7, "y"), "7-y");
    ck_assert_ptr_null(proto_arena_strdup(&arena, NULL));
}
END_TEST

START_TEST(an_arena_can_be_used_again_after_deinit)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    proto_arena_deinit(&arena);
    ck_assert_ptr_nonnull(proto_arena_alloc(&arena, 0, 0));
    proto_arena_deinit(&arena);
    ck_assert_uint_eq(arena.used_bytes, 0);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tests = tcase_create("arena");
    tcase_add_test(tests, memory_is_zeroed_and_aligned);
    tcase_add_test(tests, pieces_do_not_overlap);
    tcase_add_test(tests, sizes_beyond_memory_give_null);
    tcase_add_test(tests, nothing_is_handed_out_beyond_the_limit);
    tcase_add_test(tests, strings_are_copied);
    tcase_add_test(tests, an_arena_can_be_used_again_after_deinit);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
