#include <unistd.h>

#include <state/clock.h>

#include "logger.h"

void logger_take(const struct log_record *record, void *arg)
{
    const struct logger *logger = arg;
    char line[LOG_LINE_BYTES], at[CLOCK_TEXT_BYTES];

    if (record->level < logger->least)
        return;
    clock_format(clock_now_ms(&clock_system), at);
    /* One write, so that lines of two threads never mix. Where it fails there is nobody to tell. */
    (void)!write(STDERR_FILENO, line, log_format(record, logger->form, at, line));
}
