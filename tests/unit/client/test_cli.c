/* Parts of the command line that its own cases do not reach well: where the token may go, widths,
 * tables. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "locate.h"
#include "options.h"
#include "output.h"

static char home[64];
static struct proto_arena arena;

static void write_line(const char *name, const char *line)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/amf/%s", home, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s\n", line);
    fclose(file);
}

static void set_up(void)
{
    char path[256];

    arena = (struct proto_arena)PROTO_ARENA_NULL;
    strcpy(home, "/tmp/amf-test-cli-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof(path), "%s/amf", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    setenv("XDG_DATA_HOME", home, 1);
    unsetenv("AMF_URL");
    unsetenv("AMF_TOKEN");
    write_line("admin.token", "at-home");
}

static void tear_down(void)
{
    static const char *const names[] = {"/amf/admin.token", "/amf/listening", "/amf", ""};
    char path[256];

    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s%s", home, names[i]);
        remove(path);
    }
    proto_arena_deinit(&arena);
}

static struct location locate(const char *url)
{
    struct location location;
    char error[512];

    ck_assert_int_eq(locate_server(url, NULL, NULL, &arena, &location, error), 0);
    return location;
}

START_TEST(the_daemons_token_goes_to_this_machine_only)
{
    static const char *const here[] = {"http://127.0.0.1:7667",
                                       "http://127.0.0.2",
                                       "http://localhost",
                                       "http://localhost:1/prefix",
                                       "http://[::1]:7667",
                                       "https://127.0.0.1:7667",
                                       NULL};
    static const char *const elsewhere[] = {"http://127.example.org",
                                            "http://127.0.0.1.example.org",
                                            "http://127.0.0.1:7667@example.org",
                                            "http://localhost.example.org",
                                            "http://localhost@example.org",
                                            "http://localhost:7667@example.org",
                                            "http://[::1].example.org",
                                            "http://192.168.0.1:7667",
                                            "https://127.0.0.1.example.org",
                                            "https://example.org"};

    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
        ck_assert_msg(locate(here[i]).token != NULL, "%s", here[i] ? here[i] : "default");
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        ck_assert_msg(locate(elsewhere[i]).token == NULL, "%s", elsewhere[i]);
    setenv("AMF_TOKEN", "given", 1);
    ck_assert_str_eq(locate("https://example.org").token, "given");
}
END_TEST

START_TEST(what_is_said_comes_before_what_is_found)
{
    ck_assert_str_eq(locate(NULL).url, LOCATE_DEFAULT_URL);
    write_line("listening", "http://127.0.0.1:1");
    ck_assert_str_eq(locate(NULL).url, "http://127.0.0.1:1");
    setenv("AMF_URL", "http://127.0.0.1:2", 1);
    ck_assert_str_eq(locate(NULL).url, "http://127.0.0.1:2");
    ck_assert_str_eq(locate("http://127.0.0.1:3").url, "http://127.0.0.1:3");
    setenv("AMF_URL", "", 1);
    ck_assert_str_eq(locate(NULL).url, "http://127.0.0.1:1");
}
END_TEST

START_TEST(a_number_is_a_whole_word)
{
    static const char *const bad[] = {"",    " 1",    "1 ",  "1x",    "x", "0x1", "inf",
                                      "nan", "1e999", "--1", "1.2.3", ".", "e5",  "+"};
    double real = 7;
    int64_t whole = 7;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!option_parse_real(bad[i], &real), "%s", bad[i]);
        ck_assert_msg(!option_parse_int(bad[i], &whole), "%s", bad[i]);
    }
    ck_assert(!option_parse_int("9223372036854775808", &whole));
    ck_assert(!option_parse_int("1.0", &whole));
    ck_assert_double_eq(real, 7);
    ck_assert_int_eq(whole, 7);
    ck_assert(option_parse_real("-2.5e-3", &real) && option_parse_int("-12", &whole));
    ck_assert_double_eq(real, -2.5e-3);
    ck_assert_int_eq(whole, -12);
}
END_TEST

static const char *printed(const struct table *table, const struct terminal *terminal)
{
    char *text = NULL;
    const char *kept;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    table_print(table, terminal, out);
    fclose(out);
    kept = proto_arena_strdup(&arena, text);
    free(text);
    return kept;
}

static const struct column columns[] = {
    {"task", COLUMN_LEFT}, {"gain", COLUMN_RIGHT}, {"", COLUMN_BAR}, {"n", COLUMN_RIGHT}};

static struct table *two_rows(void)
{
    struct table *table = table_new(columns, 4);
    const struct cell best[] = {{.text = "pour"}, {.text = "1.5"}, {.share = 1}, {.text = "3"}};
    const struct cell none[] = {
        {.text = "pick\033[2J"}, {.text = NULL}, {.share = NAN}, {.text = "10"}};

    ck_assert_ptr_nonnull(table);
    ck_assert_int_eq(table_add(table, best, true), 0);
    ck_assert_int_eq(table_add(table, none, false), 0);
    return table;
}

START_TEST(a_table_fits_its_terminal)
{
    TABLE_CLEANUP struct table *table = two_rows();
    const struct terminal narrow = {.width = 30}, tiny = {.width = 1};

    ck_assert_str_eq(printed(table, &narrow), "task      gain               n\n"
                                              "pour       1.5  ##########   3\n"
                                              "pick?[2J     -              10\n");
    /* Too narrow for anything: the bars keep a little, nothing breaks. */
    ck_assert_ptr_nonnull(strstr(printed(table, &tiny), "pour       1.5  ####   3\n"));
}
END_TEST

START_TEST(only_a_coloured_terminal_gets_escapes)
{
    TABLE_CLEANUP struct table *table = two_rows();
    const struct terminal plain = {.width = 80}, coloured = {.width = 80, .colour = true};

    ck_assert_ptr_null(strchr(printed(table, &plain), '\033'));
    ck_assert_ptr_nonnull(strstr(printed(table, &coloured), "\033[1;32mpour"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *tests = tcase_create("cli");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_daemons_token_goes_to_this_machine_only);
    tcase_add_test(tests, what_is_said_comes_before_what_is_found);
    tcase_add_test(tests, a_number_is_a_whole_word);
    tcase_add_test(tests, a_table_fits_its_terminal);
    tcase_add_test(tests, only_a_coloured_terminal_gets_escapes);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_has_tap(runner) ? 0 : srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
