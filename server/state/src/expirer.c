/* At the start and once a second: leases given under another start of the machine are tied to the
 * clock of this one, and open assignments whose time is up end as `expired`, so that what nobody
 * works on any more stops counting as pending.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <state/lease.h>

#include "registry.h"

#define LOOK_EVERY_S 1
#define BATCH_PROJECTS 64

struct expirer {
    struct state *state;
    pthread_t thread;
    bool stop; /* under the registry's mutex */
};

static bool is_due(const struct view *view, const struct instant *now)
{
    for (size_t i = 0; i < view->open_count; i++)
        if (!lease_is_live(view, view_assignment(view, view->open[i]), now))
            return true;
    return !project_is_tied(view, now);
}

struct expiry {
    struct state *state;
    const char *project_id;
};

static int expire_body(struct store_tx *tx, void *arg)
{
    const struct expiry *expiry = arg;
    struct proto_error error;
    struct project *project;
    int status = state_project(expiry->state, expiry->project_id, &project, &error);

    if (!status)
        status = project_tie(project, tx);
    return status ? status : project_expire(project, tx);
}

static void expire_project(struct state *state, const struct view *view)
{
    struct expiry expiry = {state, view->id};
    const struct instant now = state_instant(state);

    const struct log_field project = log_text("project", view->id);

    if (is_due(view, &now) && store_write(state->config.store, expire_body, &expiry) < 0)
        log_tell(&state->config.log, LOG_ERROR,
                 "end of a lease not stored; tried again in a second", &project, 1);
}

void expirer_look(struct state *state)
{
    struct view *views[BATCH_PROJECTS];
    const char *after = NULL;
    size_t count;

    do {
        count = state_views(state, after, BATCH_PROJECTS, views);
        for (size_t i = 0; i < count; i++) {
            expire_project(state, views[i]);
            after = views[i]->id; /* belongs to the registry */
            view_unref(views[i]);
        }
    } while (count == BATCH_PROJECTS);
}

static bool expirer_sleep(struct expirer *expirer)
{
    struct state *state = expirer->state;
    struct timespec until;
    int late = 0;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_S;
    pthread_mutex_lock(&state->mutex);
    while (!expirer->stop && !late)
        late = pthread_cond_timedwait(&state->changed, &state->mutex, &until);
    stop = expirer->stop;
    pthread_mutex_unlock(&state->mutex);
    return !stop;
}

static void *expirer_main(void *arg)
{
    struct expirer *expirer = arg;

    while (expirer_sleep(expirer))
        expirer_look(expirer->state);
    return NULL;
}

int expirer_new(struct state *state, struct expirer **ret_expirer)
{
    struct expirer *expirer = calloc(1, sizeof *expirer);

    if (!expirer)
        return -1;
    expirer->state = state;
    if (pthread_create(&expirer->thread, NULL, expirer_main, expirer)) {
        free(expirer);
        return -1;
    }
    *ret_expirer = expirer;
    return 0;
}

void expirer_free(struct expirer *expirer)
{
    if (!expirer)
        return;
    pthread_mutex_lock(&expirer->state->mutex);
    expirer->stop = true;
    pthread_cond_broadcast(&expirer->state->changed);
    pthread_mutex_unlock(&expirer->state->mutex);
    pthread_join(expirer->thread, NULL);
    free(expirer);
}
