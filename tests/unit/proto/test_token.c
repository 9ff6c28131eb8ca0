/* The text of a token: what is written is read back, and a slip of the finger is seen. */
#include <proto/token.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

static void write_token(int64_t number, uint8_t first, char ret_text[PROTO_TOKEN_TEXT_BYTES])
{
    uint8_t secret[PROTO_TOKEN_SECRET_BYTES];

    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(first + 37 * i);
    proto_token_write(number, secret, ret_text);
}

START_TEST(a_token_is_written_as_its_definition_says)
{
    /* Worked out with Python: base64.urlsafe_b64encode and zlib.crc32. */
    char text[PROTO_TOKEN_TEXT_BYTES];

    write_token(17, 0, text);
    ck_assert_str_eq(text, "amf_t0000000017_ACVKb5S53gMoTXKXvOEGK1B1mr_kCS5TeJ3C5wwxVnsWhqRyg");
}
END_TEST

START_TEST(the_number_is_read_back)
{
    static const int64_t numbers[] = {0, 1, 9999999999, 10000000000, 999999999999999999};
    char text[PROTO_TOKEN_TEXT_BYTES];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        int64_t number = -1;

        write_token(numbers[i], (uint8_t)i, text);
        ck_assert(proto_token_read(text, &number));
        ck_assert_int_eq(number, numbers[i]);
    }
}
END_TEST

START_TEST(any_wrong_symbol_and_any_cut_is_seen)
{
    char text[PROTO_TOKEN_TEXT_BYTES], wrong[PROTO_TOKEN_TEXT_BYTES + 1];
    int64_t number = -1;

    write_token(17, 5, text);
    for (size_t at = 0; text[at]; at++) {
        memcpy(wrong, text, sizeof(text));
        wrong[at] = wrong[at] == 'x' ? 'y' : 'x';
        ck_assert_msg(!proto_token_read(wrong, &number), "symbol %zu", at);
        wrong[at] = '\0';
        ck_assert_msg(!proto_token_read(wrong, &number), "cut at %zu", at);
        memcpy(wrong, text, sizeof(text));
        if (text[at + 1] && text[at] != text[at + 1]) {
            wrong[at] = text[at + 1];
            wrong[at + 1] = text[at];
            ck_assert_msg(!proto_token_read(wrong, &number), "swapped at %zu", at);
        }
    }
    snprintf(wrong, sizeof(wrong), "%sA", text);
    ck_assert(!proto_token_read(wrong, &number));
    ck_assert_int_eq(number, -1);
}
END_TEST

START_TEST(ids_have_one_spelling)
{
    static const char *const wrong[] = {
        "",
        "t",
        "t17",
        "0000000017",
        "t00000000017",
        "t000000001x",
        "T0000000017",
        "t0000000017 ",
        "t-000000017",
        "t9999999999999999999999",
    };
    char id[PROTO_TOKEN_ID_BYTES];
    int64_t number = -1;

    proto_token_id(17, id);
    ck_assert_str_eq(id, "t0000000017");
    ck_assert(proto_token_parse_id(id, &number));
    ck_assert_int_eq(number, 17);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        ck_assert_msg(!proto_token_parse_id(wrong[i], &number), "%s", wrong[i]);
}
END_TEST

START_TEST(digests_are_equal_in_every_byte_or_not_at_all)
{
    uint8_t digest[PROTO_TOKEN_DIGEST_BYTES], other[PROTO_TOKEN_DIGEST_BYTES];

    proto_token_digest("abc", digest);
    ck_assert_uint_eq(digest[0], 0xba); /* FIPS 180-2, B.1 */
    ck_assert_uint_eq(digest[31], 0xad);
    for (size_t i = 0; i < sizeof(other); i++) {
        memcpy(other, digest, sizeof(other));
        ck_assert(proto_token_same(digest, other));
        other[i] ^= 0x80;
        ck_assert(!proto_token_same(digest, other));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token");
    TCase *tests = tcase_create("text");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_token_is_written_as_its_definition_says);
    tcase_add_test(tests, the_number_is_read_back);
    tcase_add_test(tests, any_wrong_symbol_and_any_cut_is_seen);
    tcase_add_test(tests, ids_have_one_spelling);
    tcase_add_test(tests, digests_are_equal_in_every_byte_or_not_at_all);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
