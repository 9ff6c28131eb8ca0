/* Time as the server sees it: injectable, so that tests can turn it.
 *
 * Two clocks. The wall clock is what people are told and what events carry; it is set, steps and
 * drifts. The boot clock counts from the start of the machine, time asleep included, and nobody
 * sets it: leases end by it. It starts anew with the machine, so what it says goes with the id of
 * that start.
 */
#ifndef STATE_CLOCK_H
#define STATE_CLOCK_H

#include <stdint.h>

#include <proto/time.h>

#define CLOCK_TEXT_BYTES PROTO_TIME_BYTES
#define CLOCK_BOOT_ID_BYTES 40

struct clock {
    int64_t (*now_ms)(void *arg);  /* wall clock, milliseconds since 1970, UTC */
    int64_t (*boot_ms)(void *arg); /* boot clock */
    /* Which start of the machine; never "". */
    void (*boot_id)(void *arg, char ret_id[CLOCK_BOOT_ID_BYTES]);
    void *arg;
};

/* Both clocks, read together. */
struct instant {
    int64_t wall_ms, boot_ms;
    const char *boot_id; /* borrowed */
};

extern const struct clock clock_system;

int64_t clock_now_ms(const struct clock *clock);
/* proto_time_format; "" beyond its years. */
void clock_format(int64_t at_ms, char ret_text[CLOCK_TEXT_BYTES]);
/* Seconds of a clock that never jumps, from an arbitrary start: for durations and ages. */
double clock_monotonic_s(void);

#endif
