/* A progress bar on standard error, drawn only where that is a terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct progress {
    FILE *err;
    size_t total;
    bool shown;          /* there is a terminal to draw on */
    double last_drawn_s; /* monotonic clock; a slow line must not be filled with bars */
};

void progress_init(struct progress *progress, FILE *err, size_t total);
void progress_update(struct progress *progress, size_t done);
/* Wipes the bar, so that another line can be printed; the next update draws it again. */
void progress_clear(struct progress *progress);

#endif
