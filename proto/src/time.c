#include <proto/time.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LAST_MS 253402300799999 /* of the year 9999 */
#define TEXT_LENGTH 24

int proto_time_format(int64_t at_ms, char ret_text[PROTO_TIME_BYTES])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    char day[TEXT_LENGTH];

    if (at_ms < 0 || at_ms > LAST_MS || !gmtime_r(&seconds, &parts))
        return -1;
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(ret_text, PROTO_TIME_BYTES, "%s.%03dZ", day, (int)(at_ms % 1000));
    return 0;
}

static int digits(const char *text, size_t count)
{
    int number = 0;

    for (size_t i = 0; i < count; i++)
        number = number * 10 + text[i] - '0';
    return number;
}

/* The fields are taken where they must stand; that nothing else stands there, and that the day
 * exists, shows in writing it again. */
int proto_time_parse(const char *text, size_t length, int64_t *ret_at_ms)
{
    char again[PROTO_TIME_BYTES];

    if (length != TEXT_LENGTH)
        return -1;
    for (size_t i = 0; i < length; i++)
        if ((text[i] < '0' || text[i] > '9') && !strchr("-T:.Z", text[i]))
            return -1;
    struct tm parts = {.tm_year = digits(text, 4) - 1900,
                       .tm_mon = digits(text + 5, 2) - 1,
                       .tm_mday = digits(text + 8, 2),
                       .tm_hour = digits(text + 11, 2),
                       .tm_min = digits(text + 14, 2),
                       .tm_sec = digits(text + 17, 2)};
    int64_t at_ms = (int64_t)timegm(&parts) * 1000 + digits(text + 20, 3);
    if (proto_time_format(at_ms, again) || memcmp(again, text, length) != 0)
        return -1;
    *ret_at_ms = at_ms;
    return 0;
}
