#include "suite.h"

int suite_run(const char *name, const TTest *const *tests, size_t count, SFun start, SFun stop)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, 60);
    if (start)
        tcase_add_checked_fixture(tcase, start, stop);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
