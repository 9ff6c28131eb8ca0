#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <proto/time.h>
#include <state/clock.h>

static int64_t system_now_ms(void *arg)
{
    struct timespec now;

    (void)arg;
    clock_gettime(CLOCK_REALTIME, &now);
    /* A machine without a battery can start before 1970, for which events have no words. */
    return now.tv_sec < 0 ? 0 : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_boot_ms(void *arg)
{
    struct timespec now;

    (void)arg;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Where the kernel does not tell (no /proc), every start of the daemon counts as one of the
 * machine. */
static void system_boot_id(void *arg, char ret_id[CLOCK_BOOT_ID_BYTES])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!file || !fgets(ret_id, CLOCK_BOOT_ID_BYTES, file))
        snprintf(ret_id, CLOCK_BOOT_ID_BYTES, "daemon %ld %lld", (long)getpid(),
                 (long long)system_boot_ms(arg));
    ret_id[strcspn(ret_id, "\n")] = '\0';
    if (file)
        fclose(file);
}

const struct clock clock_system = {system_now_ms, system_boot_ms, system_boot_id, NULL};

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
