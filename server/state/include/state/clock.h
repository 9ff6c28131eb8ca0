/* Time as the server sees it: injectable, so that tests can turn it. */
#ifndef STATE_CLOCK_H
#define STATE_CLOCK_H

#include <stdint.h>

#include <proto/time.h>

#define CLOCK_TEXT_BYTES PROTO_TIME_BYTES

struct clock {
    int64_t (*now_ms)(void *arg); /* wall clock, milliseconds since 1970, UTC */
    void *arg;
};

extern const struct clock clock_system;

int64_t clock_now_ms(const struct clock *clock);
/* proto_time_format; "" beyond its years. */
void clock_format(int64_t at_ms, char ret_text[CLOCK_TEXT_BYTES]);
/* Seconds of a clock that never jumps, from an arbitrary start: for durations and ages. */
double clock_monotonic_s(void);

#endif
