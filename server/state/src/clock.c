#include <time.h>

#include <proto/time.h>
#include <state/clock.h>

static int64_t system_now_ms(void *arg)
{
    struct timespec now;

    (void)arg;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const struct clock clock_system = {system_now_ms, NULL};

int64_t clock_now_ms(const struct clock *clock)
{
    return clock->now_ms(clock->arg);
}

void clock_format(int64_t at_ms, char ret_text[CLOCK_TEXT_BYTES])
{
    if (proto_time_format(at_ms, ret_text))
        ret_text[0] = '\0';
}

double clock_monotonic_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
