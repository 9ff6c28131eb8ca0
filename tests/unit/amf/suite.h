/* One Check suite as a program: TAP on stdout, exit code 0, as meson wants it. */
#ifndef TEST_AMF_SUITE_H
#define TEST_AMF_SUITE_H

#include <check.h>

#include <amf/pool.h>

static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    SRunner *runner;

    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    tcase_set_timeout(cases, 120);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}

/* Each test makes its own pool: Check forks, and threads do not survive that. */
static inline struct amf_pool *suite_pool(size_t workers)
{
    struct amf_pool *pool = NULL;

    ck_assert_int_eq(amf_pool_new(workers, &pool), AMF_OK);
    return pool;
}

#define SUITE_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
                                                                                                   \
        return suite_run(name, tests, sizeof(tests) / sizeof(tests[0]));                           \
    }

#endif
