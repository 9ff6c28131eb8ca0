#include <proto/time.h>

#include <stdbool.h>
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

/* Reads exactly `count` digits and what follows them; -1: something else is there. */
static int take(const char **text, int count, const char *then)
{
    int number = 0;

    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        number = 10 * number + (**text - '0');
    }
    if (strncmp(*text, then, strlen(then)) != 0)
        return -1;
    *text += strlen(then);
    return number;
}

/* Milliseconds of ".25". False: a point without digits. */
static bool take_fraction(const char **text, int64_t *ret_ms)
{
    int64_t unit = 100;

    *ret_ms = 0;
    if (**text != '.')
        return true;
    size_t digits = strspn(++*text, "0123456789");
    for (size_t i = 0; i < digits; i++, unit /= 10)
        *ret_ms += ((*text)[i] - '0') * unit;
    *text += digits;
    return digits > 0;
}

static bool take_offset(const char **text, int64_t *ret_ms)
{
    int sign = **text == '-' ? -1 : 1, hours, minutes;

    *ret_ms = 0;
    if (**text == 'Z' || **text == 'z') {
        ++*text;
        return true;
    }
    if (**text != '+' && **text != '-')
        return false;
    ++*text;
    hours = take(text, 2, ":");
    minutes = hours < 0 ? -1 : take(text, 2, "");
    *ret_ms = sign * (hours * 60 + minutes) * INT64_C(60000);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

static bool take_seconds(const char **text, int64_t *ret_s)
{
    struct tm parts = {0}, again;

    if ((parts.tm_year = take(text, 4, "-") - 1900) < 70 ||
        (parts.tm_mon = take(text, 2, "-") - 1) < 0 || (parts.tm_mday = take(text, 2, "T")) < 0 ||
        (parts.tm_hour = take(text, 2, ":")) < 0 || (parts.tm_min = take(text, 2, ":")) < 0 ||
        (parts.tm_sec = take(text, 2, "")) < 0)
        return false;
    again = parts;
    *ret_s = timegm(&again);
    /* The 30th of February comes back as another day. */
    return again.tm_mon == parts.tm_mon && again.tm_mday == parts.tm_mday &&
           again.tm_hour == parts.tm_hour && again.tm_min == parts.tm_min &&
           again.tm_sec == parts.tm_sec;
}

int proto_time_read(const char *text, int64_t *ret_at_ms)
{
    int64_t seconds, fraction_ms, offset_ms, at_ms;

    if (!take_seconds(&text, &seconds) || !take_fraction(&text, &fraction_ms) ||
        !take_offset(&text, &offset_ms) || *text)
        return -1;
    at_ms = seconds * 1000 + fraction_ms - offset_ms;
    if (at_ms < 0 || at_ms > LAST_MS)
        return -1;
    *ret_at_ms = at_ms;
    return 0;
}

int proto_time_parse(const char *text, int64_t *ret_at_ms)
{
    char again[PROTO_TIME_BYTES];
    int64_t at_ms;

    if (proto_time_read(text, &at_ms) || proto_time_format(at_ms, again) || strcmp(again, text))
        return -1;
    *ret_at_ms = at_ms;
    return 0;
}
