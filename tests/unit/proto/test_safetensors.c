/* safetensors: hostile headers, each placed against a page that must not be read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/safetensors.h>

#include "support.h"

#define T "{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}"
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

struct hostile {
    const char *reason, *header;
    size_t data_bytes;
    const char *at;
};

static const struct hostile hostiles[] = {
    {"not JSON", "{x}", 0, "header"},
    {"a list", "[]", 0, "header"},
    {"two objects", "{}{}", 0, "header"},
    {"leading space", " {}", 0, "header"},
    {"trailing newline", "{}\n", 0, "header"},
    {"trailing tab", "{} \t", 0, "header"},
    {"garbage behind", "{}x}", 0, "header"},
    {"not UTF-8", "{\"\xFF\":" T "}", 16, "header"},
    {"duplicate tensor", "{\"t\":" T ",\"t\":" T "}", 16, "header"},
    {"duplicate by escape", "{\"t\":" T ",\"\\u0074\":" T "}", 16, "header"},
    {"duplicate dtype",
     "{\"t\":{\"dtype\":\"F64\",\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}", 16,
     "header"},
    {"nul in a name", "{\"t\\u0000\":" T "}", 16, "header"},
    {"empty name", "{\"\":" T "}", 16, "header"},
    {"name of a path", "{\"../../etc/passwd\":" T "}", 16, "header"},
    {"name with a space", "{\"a b\":" T "}", 16, "header"},
    {"name beyond ASCII", "{\"\xC3\xBC\":" T "}", 16, "header"},
    {"tensor is a number", "{\"t\":1}", 0, "tensor t"},
    {"dtype missing", "{\"t\":{\"shape\":[2],\"data_offsets\":[0,16]}}", 16, "tensor t"},
    {"shape missing", "{\"t\":{\"dtype\":\"F64\",\"data_offsets\":[0,16]}}", 16, "tensor t"},
    {"offsets missing", "{\"t\":{\"dtype\":\"F64\",\"shape\":[2]}}", 16, "tensor t"},
    {"extra key", "{\"t\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16],\"x\":1}}", 16,
     "tensor t"},
    {"metadata as a tensor", "{\"__metadata__\":" T "}", 16, "header"},
    {"metadata a list", "{\"__metadata__\":[]}", 0, "header"},
    {"metadata with a number", "{\"__metadata__\":{\"a\":1}}", 0, "header"},
    {"metadata nested", "{\"__metadata__\":{\"a\":{}}}", 0, "header"},
    {"dtype lower case", ONE("\"f64\"", "[2]", "[0,16]"), 16, "tensor t"},
    {"dtype with space", ONE("\"F64 \"", "[2]", "[0,16]"), 16, "tensor t"},
    {"dtype of eight bits", ONE("\"F8_E4M3\"", "[16]", "[0,16]"), 16, "tensor t"},
    {"dtype of four bits", ONE("\"F4\"", "[32]", "[0,16]"), 16, "tensor t"},
    {"dtype complex", ONE("\"C64\"", "[2]", "[0,16]"), 16, "tensor t"},
    {"dtype a number", ONE("64", "[2]", "[0,16]"), 16, "tensor t"},
    {"shape a number", ONE("\"F64\"", "2", "[0,16]"), 16, "tensor t"},
    {"shape of reals", ONE("\"F64\"", "[2.0]", "[0,16]"), 16, "tensor t"},
    {"shape negative", ONE("\"F64\"", "[-2]", "[0,16]"), 16, "tensor t"},
    {"two negatives", ONE("\"F64\"", "[-1,-2]", "[0,16]"), 16, "tensor t"},
    {"rank nine", ONE("\"F64\"", "[1,1,1,1,1,1,1,1,2]", "[0,16]"), 16, "tensor t"},
    {"product wraps to 0", ONE("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0, "tensor t"},
    {"product wraps to 16", ONE("\"U8\"", "[281474976710656,65536,16]", "[0,16]"), 16, "tensor t"},
    {"bytes wrap", ONE("\"F64\"", "[281474976710656,8192]", "[0,0]"), 0, "tensor t"},
    {"dimension over 2^48", ONE("\"F64\"", "[2,9223372036854775807]", "[0,16]"), 16, "tensor t"},
    {"dimension over 2^63", ONE("\"F64\"", "[2,18446744073709551614]", "[0,16]"), 16, "header"},
    {"zero times 2^64", ONE("\"F64\"", "[0,18446744073709551615]", "[0,0]"), 0, "header"},
    {"shape one too large", ONE("\"F64\"", "[3]", "[0,16]"), 16, "tensor t"},
    {"shape one too small", ONE("\"F64\"", "[1]", "[0,16]"), 16, "tensor t"},
    {"range one too small", ONE("\"F64\"", "[2]", "[0,15]"), 15, "tensor t"},
    {"offsets of one", ONE("\"F64\"", "[2]", "[16]"), 16, "tensor t"},
    {"offsets of three", ONE("\"F64\"", "[2]", "[0,16,16]"), 16, "tensor t"},
    {"offsets as strings", ONE("\"F64\"", "[2]", "[\"0\",\"16\"]"), 16, "tensor t"},
    {"offsets as reals", ONE("\"F64\"", "[2]", "[0.0,16.0]"), 16, "tensor t"},
    {"offsets as an object", ONE("\"F64\"", "[2]", "{\"0\":0,\"1\":16}"), 16, "tensor t"},
    {"offset negative", ONE("\"F64\"", "[2]", "[-16,0]"), 16, "tensor t"},
    {"begin after end", ONE("\"F64\"", "[2]", "[16,0]"), 16, "tensor t"},
    {"end beyond the file", ONE("\"F64\"", "[2]", "[0,16]"), 15, "tensor t"},
    {"end at 2^63-1", ONE("\"U8\"", "[2]", "[0,9223372036854775807]"), 16, "tensor t"},
    {"does not begin at 0", ONE("\"F64\"", "[2]", "[1,17]"), 17, "tensor t"},
    {"file is longer", ONE("\"F64\"", "[2]", "[0,16]"), 17, "header"},
    {"data without tensors", "{}", 1, "header"},
    {"hole of a byte",
     "{\"a\":" T ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[17,18]}}", 18,
     "tensor b"},
    {"overlap of a byte",
     "{\"a\":" T ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[15,16]}}", 16,
     "tensor b"},
    {"the same range twice", "{\"a\":" T ",\"b\":" T "}", 16, "tensor b"},
};

static enum proto_code read(const struct guarded *file, struct proto_arena *arena,
                            struct proto_tensors *ret_tensors, struct proto_error *ret_error)
{
    *ret_error = (struct proto_error){0};
    return proto_tensors_read(file->bytes, file->length, arena, ret_tensors, ret_error);
}

START_TEST(hostile_headers_are_refused_with_their_place)
{
    const struct hostile *hostile = &hostiles[_i];
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    GUARDED_CLEANUP struct guarded file = tensor_file(hostile->header, hostile->data_bytes);
    struct proto_tensors tensors;
    struct proto_error error;
    ck_assert_msg(read(&file, &arena, &tensors, &error) == PROTO_CODE_MALFORMED_TENSORS, "%s: %s",
                  hostile->reason, error.detail);
    ck_assert_msg(strcmp(error.at, hostile->at) == 0, "%s: at \"%s\": %s", hostile->reason,
                  error.at, error.detail);
    ck_assert_str_ne(error.detail, "");
}
END_TEST

START_TEST(lengths_that_lie_are_refused)
{
    static const char header[] = "{\"t\":" T "}";
    const size_t size = 8 + sizeof(header) - 1 + 16;
    const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, (uint64_t)1 << 32,
                                100000001,  size - 7,       size - 8 + 1,      0,
                                1,          sizeof(header), sizeof(header) - 2};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
        GUARDED_CLEANUP struct guarded file = tensor_file_saying(lengths[i], header, 16);
        struct proto_tensors tensors;
        struct proto_error error;
        ck_assert_int_eq(read(&file, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
        ck_assert_str_eq(error.at, "header");
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    static const char header[] = "{\"t\":" T "}";
    GUARDED_CLEANUP struct guarded whole = tensor_file(header, 16);
    for (size_t length = 0; length < whole.length; length++) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
        GUARDED_CLEANUP struct guarded file = guarded_copy(whole.bytes, length);
        struct proto_tensors tensors;
        struct proto_error error;
        ck_assert_int_eq(read(&file, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
    }
}
END_TEST

/* A header of count tensors with ranges that step(i) chooses, or of padding. */
static struct guarded many_tensors(size_t count, bool all_the_same)
{
    char *header = malloc(count * 80 + 16);
    ck_assert_ptr_nonnull(header);
    size_t at = (size_t)sprintf(header, "{");
    for (size_t i = 0; i < count; i++) {
        size_t begin = all_the_same ? 0 : i;
        at += (size_t)sprintf(
            header + at, "%s\"t%zu\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
            i ? "," : "", i, begin, begin + 1);
    }
    strcpy(header + at, "}");
    struct guarded file = tensor_file(header, all_the_same ? 1 : count);
    free(header);
    return file;
}

START_TEST(tensors_are_counted)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensors tensors;
    struct proto_error error;
    GUARDED_CLEANUP struct guarded most = many_tensors(1024, false);
    ck_assert_int_eq(read(&most, &arena, &tensors, &error), PROTO_CODE_OK);
    ck_assert_uint_eq(tensors.count, 1024);
    GUARDED_CLEANUP struct guarded more = many_tensors(1025, false);
    ck_assert_int_eq(read(&more, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
    GUARDED_CLEANUP struct guarded same = many_tensors(1000, true);
    ck_assert_int_eq(read(&same, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
}
END_TEST

/* {"__metadata__":{"a":"xxx.."}} with padding spaces behind. */
static struct guarded metadata_file(size_t value_bytes, size_t padding)
{
    static const char before[] = "{\"__metadata__\":{\"a\":\"", after[] = "\"}}";
    char *header = malloc(sizeof(before) + value_bytes + sizeof(after) + padding);
    ck_assert_ptr_nonnull(header);
    size_t at = sizeof(before) - 1;
    memcpy(header, before, at);
    memset(header + at, 'x', value_bytes);
    memcpy(header + at + value_bytes, after, sizeof(after) - 1);
    at += value_bytes + sizeof(after) - 1;
    memset(header + at, ' ', padding);
    header[at + padding] = '\0';
    struct guarded file = tensor_file(header, 0);
    free(header);
    return file;
}

START_TEST(metadata_and_header_are_limited)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensors tensors;
    struct proto_error error;
    GUARDED_CLEANUP struct guarded most = metadata_file(PROTO_TENSORS_MAX_METADATA_BYTES - 1, 0);
    ck_assert_int_eq(read(&most, &arena, &tensors, &error), PROTO_CODE_OK);
    ck_assert_uint_eq(strlen(proto_tensors_metadata(&tensors, "a")),
                      PROTO_TENSORS_MAX_METADATA_BYTES - 1);
    GUARDED_CLEANUP struct guarded more = metadata_file(PROTO_TENSORS_MAX_METADATA_BYTES, 0);
    ck_assert_int_eq(read(&more, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
    const size_t frame = strlen("{\"__metadata__\":{\"a\":\"\"}}");
    GUARDED_CLEANUP struct guarded largest =
        metadata_file(0, PROTO_TENSORS_MAX_HEADER_BYTES - frame);
    ck_assert_int_eq(read(&largest, &arena, &tensors, &error), PROTO_CODE_OK);
    GUARDED_CLEANUP struct guarded larger =
        metadata_file(0, PROTO_TENSORS_MAX_HEADER_BYTES - frame + 1);
    ck_assert_int_eq(read(&larger, &arena, &tensors, &error), PROTO_CODE_MALFORMED_TENSORS);
}
END_TEST

START_TEST(what_the_format_allows_is_read)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensors tensors;
    struct proto_error error;
    GUARDED_CLEANUP struct guarded none = tensor_file("{}", 0);
    ck_assert_int_eq(read(&none, &arena, &tensors, &error), PROTO_CODE_OK);
    ck_assert_uint_eq(tensors.count, 0);
    /* A scalar, an empty tensor in the middle, a name with dots, out of file order. */
    GUARDED_CLEANUP struct guarded mixed =
        tensor_file("{\"b.0/w-1\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[3,7]},"
                    "\"a\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]},"
                    "\"e\":{\"dtype\":\"I64\",\"shape\":[2,0],\"data_offsets\":[3,3]}}  ",
                    7);
    ck_assert_int_eq(read(&mixed, &arena, &tensors, &error), PROTO_CODE_OK);
    ck_assert_uint_eq(tensors.count, 3);
    ck_assert_str_eq(tensors.items[0].name, "a");
    ck_assert_str_eq(tensors.items[1].name, "e");
    ck_assert_str_eq(tensors.items[2].name, "b.0/w-1");
    ck_assert_uint_eq(tensors.items[1].element_count, 0);
    ck_assert_uint_eq(tensors.items[2].element_count, 1);
    ck_assert_ptr_eq(tensors.items[2].bytes, mixed.bytes + mixed.length - 4);
    ck_assert_ptr_null(proto_tensors_find(&tensors, "c"));
    ck_assert_ptr_null(proto_tensors_metadata(&tensors, "c"));
}
END_TEST

static enum proto_code matrix_of(const char *dtype, const unsigned char *bytes, size_t byte_count,
                                 size_t cols, struct proto_arena *arena, struct proto_matrix *ret,
                                 struct proto_error *error)
{
    char header[128];
    size_t width = dtype[1] == '1' ? 2 : dtype[1] == '3' ? 4 : 8;
    sprintf(header, "{\"t\":{\"dtype\":\"%s\",\"shape\":[%zu,%zu],\"data_offsets\":[0,%zu]}}",
            dtype, byte_count / width / cols, cols, byte_count);
    GUARDED_CLEANUP struct guarded file = tensor_file(header, byte_count);
    memcpy(file.bytes + file.length - byte_count, bytes, byte_count);
    struct proto_tensors tensors;
    ck_assert_int_eq(read(&file, arena, &tensors, error), PROTO_CODE_OK);
    return proto_tensor_matrix(&tensors.items[0], arena, ret, error);
}

START_TEST(half_floats_are_widened_exactly)
{
    static const unsigned char bytes[] = {0x00, 0x3C, 0x00, 0xC0, 0xFF, 0x7B, 0x01, 0x00,
                                          0xFF, 0x03, 0x00, 0x04, 0x00, 0x80, 0x55, 0x35};
    static const double expected[] = {1,       -2,   65504,         0x1p-24, 1023 * 0x1p-24,
                                      0x1p-14, -0.0, 0.333251953125};
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_matrix matrix;
    struct proto_error error;
    ck_assert_int_eq(matrix_of("F16", bytes, sizeof(bytes), 4, &arena, &matrix, &error),
                     PROTO_CODE_OK);
    ck_assert_uint_eq(matrix.rows, 2);
    ck_assert_uint_eq(matrix.cols, 4);
    ck_assert_mem_eq(matrix.data, expected, sizeof(expected));
}
END_TEST

START_TEST(single_floats_are_widened_exactly)
{
    static const unsigned char bytes[] = {0xCD, 0xCC, 0xCC, 0x3D, 0x01, 0x00,
                                          0x00, 0x80, 0xFF, 0xFF, 0x7F, 0x7F};
    const double expected[] = {(double)0.1f, -0x1p-149, 0x1.fffffep127};
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_matrix matrix;
    struct proto_error error;
    ck_assert_int_eq(matrix_of("F32", bytes, sizeof(bytes), 3, &arena, &matrix, &error),
                     PROTO_CODE_OK);
    ck_assert_mem_eq(matrix.data, expected, sizeof(expected));
}
END_TEST

START_TEST(numbers_that_are_not_finite_are_named)
{
    static const struct {
        const char *dtype;
        unsigned char bytes[16];
        size_t byte_count;
        const char *detail;
    } cases[] = {
        {"F16",
         {0, 0, 0, 0, 0, 0, 0, 0x7C},
         8,
         "row 1, column 1 is infinite; expected a finite number"},
        {"F16", {0, 0, 1, 0x7C, 0, 0, 0, 0}, 8, "row 0, column 1 is NaN; expected a finite number"},
        {"F32",
         {0, 0, 0x80, 0xFF, 0, 0, 0, 0},
         8,
         "row 0, column 0 is infinite; expected a finite number"},
        {"F32",
         {0, 0, 0, 0, 1, 0, 0x80, 0x7F},
         8,
         "row 0, column 1 is NaN; expected a finite number"},
        {"F64",
         {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xF0, 0x7F},
         16,
         "row 0, column 1 is NaN; expected a finite number"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
        struct proto_matrix matrix;
        struct proto_error error;
        ck_assert_int_eq(matrix_of(cases[i].dtype, cases[i].bytes, cases[i].byte_count, 2, &arena,
                                   &matrix, &error),
                         PROTO_CODE_NOT_FINITE);
        ck_assert_str_eq(error.at, "tensor t");
        ck_assert_str_eq(error.detail, cases[i].detail);
    }
}
END_TEST

START_TEST(what_is_written_is_read_and_aligned)
{
    double numbers[] = {1, -0.0, 5e-324, 1.7976931348623157e308};
    const struct proto_named_matrix matrices[] = {{"a", {numbers, 2, 2}}, {"b", {numbers, 1, 3}}};
    const struct proto_metadata_entry metadata[] = {{"k", "\"\n\xC3\xBC"}};
    unsigned char *bytes;
    size_t length;
    ck_assert_int_eq(proto_tensors_write(matrices, 2, metadata, 1, &bytes, &length), 0);
    ck_assert(proto_tensors_sniff(bytes, length));
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_tensors tensors;
    struct proto_matrix matrix;
    struct proto_error error;
    ck_assert_int_eq(proto_tensors_read(bytes, length, &arena, &tensors, &error), PROTO_CODE_OK);
    ck_assert_str_eq(proto_tensors_metadata(&tensors, "k"), "\"\n\xC3\xBC");
    ck_assert_uint_eq((size_t)(tensors.items[0].bytes - bytes) % 8, 0);
    ck_assert_int_eq(
        proto_tensor_matrix(proto_tensors_find(&tensors, "a"), &arena, &matrix, &error),
        PROTO_CODE_OK);
    ck_assert_mem_eq(matrix.data, numbers, sizeof(numbers));
    free(bytes);
    const struct proto_metadata_entry broken[] = {{"k", "\xFF"}};
    ck_assert_int_eq(proto_tensors_write(matrices, 2, broken, 1, &bytes, &length), -1);
}
END_TEST

START_TEST(sniffing_tells_files_apart)
{
    ck_assert(!proto_tensors_sniff((const unsigned char *)"{\"task\":\"a\"}", 12));
    ck_assert(!proto_tensors_sniff((const unsigned char *)"\x10\0\0\0\0\0\0\0", 8));
    ck_assert(!proto_tensors_sniff((const unsigned char *)"\0\0\0\0\0\0\x01\0{", 9));
    ck_assert(proto_tensors_sniff((const unsigned char *)"\x10\0\0\0\0\0\0\0{", 9));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("safetensors");
    tcase_add_loop_test(tests, hostile_headers_are_refused_with_their_place, 0,
                        sizeof(hostiles) / sizeof(hostiles[0]));
    tcase_add_test(tests, lengths_that_lie_are_refused);
    tcase_add_test(tests, every_truncation_is_refused);
    tcase_add_test(tests, tensors_are_counted);
    tcase_add_test(tests, metadata_and_header_are_limited);
    tcase_add_test(tests, what_the_format_allows_is_read);
    tcase_add_test(tests, half_floats_are_widened_exactly);
    tcase_add_test(tests, single_floats_are_widened_exactly);
    tcase_add_test(tests, numbers_that_are_not_finite_are_named);
    tcase_add_test(tests, what_is_written_is_read_and_aligned);
    tcase_add_test(tests, sniffing_tells_files_apart);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
