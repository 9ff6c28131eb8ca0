/* One request of one member, until it is answered. The client library's own repeats are off, so
 * that every lost connection and every 503 is seen and counted here.
 */
#include "fleet.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE_S 0.1
#define LAST_PAUSE_S 1.0

double fleet_now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct timespec to_timespec(double seconds)
{
    return (struct timespec){(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
}

static void sleep_s(double seconds)
{
    struct timespec left = to_timespec(seconds);

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

void fleet_sleep(const struct fleet *fleet, double simulated_s)
{
    sleep_s(simulated_s / fleet->options->speed);
}

bool fleet_rest(struct fleet *fleet, double simulated_s)
{
    struct timespec until = to_timespec(fleet_now_s() + simulated_s / fleet->options->speed);
    bool over;
    int rc = 0;

    pthread_mutex_lock(&fleet->lock);
    while (!fleet->is_over && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&fleet->over, &fleet->lock, &until);
    over = fleet->is_over;
    pthread_mutex_unlock(&fleet->lock);
    return !over;
}

double fleet_draw_s(struct amf_rng *rng, double middle_s)
{
    return middle_s * exp(0.35 * amf_rng_normal(rng));
}

static bool will_pass(enum amf_client_status status, const struct amf_client_result *result)
{
    return status == AMF_CLIENT_UNREACHABLE ||
           (status == AMF_CLIENT_REFUSED && result->http_status == 503);
}

enum amf_client_status member_call(struct member *member, enum call_kind kind, member_call_fn call,
                                   void *arg, struct amf_client_result *result)
{
    double begun_s = fleet_now_s(), pause_s = FIRST_PAUSE_S;
    enum amf_client_status status;
    char key[sizeof(result->key)] = "";

    for (bool first = true;; first = false) {
        double sent_s = fleet_now_s();

        status = call(member, *key ? key : NULL, arg, result);
        ledger_answer(&member->fleet->ledger, kind, status, result, fleet_now_s() - sent_s, first);
        if (!will_pass(status, result) ||
            fleet_now_s() - begun_s > member->fleet->options->patience_s)
            return status;
        memcpy(key, result->key, sizeof(key));
        sleep_s(pause_s);
        pause_s = fmin(LAST_PAUSE_S, 2 * pause_s);
    }
}

void member_give_up(struct member *member, enum amf_client_status status,
                    const struct amf_client_result *result)
{
    struct fleet *fleet = member->fleet;
    bool refused = status == AMF_CLIENT_REFUSED;

    pthread_mutex_lock(&fleet->lock);
    if (fleet->gave_up++ == 0)
        snprintf(fleet->trouble, sizeof(fleet->trouble), "%s: %.40s%s%.180s", member->name,
                 refused ? result->problem.code : "", refused ? ": " : "",
                 refused && result->problem.detail ? result->problem.detail : result->error);
    pthread_mutex_unlock(&fleet->lock);
}
