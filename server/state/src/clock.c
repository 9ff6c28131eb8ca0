#include <string.h>
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

/* Milliseconds of ".25", of which digits beyond the third are cut. False: a point without digits.
 */
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
    *ret_ms = sign * (hours * 60 + minutes) * 60000LL;
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

bool clock_parse(const char *text, int64_t *ret_ms)
{
    struct tm parts = {0}, again;
    int64_t fraction_ms, offset_ms;
    time_t seconds;

    if ((parts.tm_year = take(&text, 4, "-") - 1900) < 70 ||
        (parts.tm_mon = take(&text, 2, "-") - 1) < 0 || (parts.tm_mday = take(&text, 2, "T")) < 0 ||
        (parts.tm_hour = take(&text, 2, ":")) < 0 || (parts.tm_min = take(&text, 2, ":")) < 0 ||
        (parts.tm_sec = take(&text, 2, "")) < 0 || !take_fraction(&text, &fraction_ms) ||
        !take_offset(&text, &offset_ms) || *text)
        return false;
    again = parts;
    seconds = timegm(&again);
    /* The 30th of February comes back as another day. */
    if (again.tm_mon != parts.tm_mon || again.tm_mday != parts.tm_mday ||
        again.tm_hour != parts.tm_hour || again.tm_min != parts.tm_min ||
        again.tm_sec != parts.tm_sec)
        return false;
    *ret_ms = (int64_t)seconds * 1000 + fraction_ms - offset_ms;
    return true;
}

double clock_monotonic_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
