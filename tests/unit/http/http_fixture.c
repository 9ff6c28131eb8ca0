/* Serves the fixture until standard input ends: for tests/api/http_raw and for a look by hand.
 * Prints where it listens as amfd does. Usage: http_fixture [PORT]
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void print_line(const struct log_record *record, void *arg)
{
    char line[LOG_LINE_BYTES];

    (void)arg;
    log_format(record, LOG_FORM_TEXT, "-", line);
    fputs(line, stderr);
}

int main(int argc, char **argv)
{
    struct fixture fixture;

    fixture_start(&fixture, argc > 1 ? (unsigned)atoi(argv[1]) : 0,
                  (struct log_sink){print_line, NULL});
    printf("listening on http://127.0.0.1:%u\n", fixture.port);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    fixture_stop(&fixture);
    return 0;
}
