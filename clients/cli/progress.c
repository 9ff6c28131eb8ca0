/* At most REDRAW_S apart: on a slow line, bars would take the time they show. */
#include "progress.h"

#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 30
#define REDRAW_S 0.05

void progress_init(struct progress *progress, FILE *err, size_t total)
{
    int fd = fileno(err);

    *progress = (struct progress){
        .err = err,
        .total = total,
        .shown = total > 0 && fd >= 0 && isatty(fd),
    };
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void progress_update(struct progress *progress, size_t done)
{
    double now = progress->shown ? now_s() : 0;
    size_t filled;

    if (!progress->shown || (done < progress->total && now < progress->last_drawn_s + REDRAW_S))
        return;
    progress->last_drawn_s = now;
    filled = (size_t)((double)done / (double)progress->total * BAR_COLUMNS);
    fputs("\r[", progress->err);
    for (size_t i = 0; i < BAR_COLUMNS; i++)
        fputc(i < filled ? '#' : ' ', progress->err);
    fprintf(progress->err, "] %zu of %zu", done, progress->total);
    fflush(progress->err);
}

void progress_clear(struct progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", progress->err);
    progress->last_drawn_s = 0;
    fflush(progress->err);
}
