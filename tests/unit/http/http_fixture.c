/* Serves the fixture until standard input ends: for tests/api/http_raw and for a look by hand.
 * Prints where it listens as amfd does. Usage: http_fixture [PORT]
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static void print_line(const char *line, void *arg)
{
    (void)arg;
    fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
    struct fixture fixture;

    fixture_start(&fixture, argc > 1 ? (unsigned)atoi(argv[1]) : 0, print_line, NULL);
    printf("listening on http://127.0.0.1:%u\n", fixture.port);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    fixture_stop(&fixture);
    return 0;
}
