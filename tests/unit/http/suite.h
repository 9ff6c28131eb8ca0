/* What every test program here ends with: one libcheck case as TAP. */
#ifndef HTTP_SUITE_H
#define HTTP_SUITE_H

#include <stddef.h>

#include <check.h>

/* start and stop (or NULL) run around each test. The exit status for main: 0, because the TAP lines
 * carry the verdict. */
int suite_run(const char *name, const TTest *const *tests, size_t count, SFun start, SFun stop);

#define SUITE_RUN_WITH(name, tests, start, stop)                                                   \
    suite_run(name, tests, sizeof(tests) / sizeof(*(tests)), start, stop)
#define SUITE_RUN(name, tests) SUITE_RUN_WITH(name, tests, NULL, NULL)

#endif
