#include <stdio.h>

#include <state/clock.h>

#include "log.h"

void log_line(const char *line, void *unused)
{
    char at[CLOCK_TEXT_BYTES];

    (void)unused;
    clock_format(clock_now_ms(&clock_system), at);
    fprintf(stderr, "%s %s\n", at, line);
}
