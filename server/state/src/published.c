/* What readers get of the registry, on any thread: newest views, rankings, and word of changes. */
#include <math.h>
#include <string.h>
#include <time.h>

#include <state/feed.h>

#include "registry.h"

struct view *state_view_and_feed(struct state *state, const char *project_id,
                                 const char **ret_log_name, struct feed **ret_feed)
{
    const struct entry *entry;
    struct view *view = NULL;

    pthread_mutex_lock(&state->mutex);
    entry = entry_find_published(state, project_id);
    if (entry) {
        view = view_ref(entry->view);
        *ret_log_name = entry->log_name;
        *ret_feed = entry->feed;
    }
    pthread_mutex_unlock(&state->mutex);
    return view;
}

struct view *state_view_and_log(struct state *state, const char *project_id,
                                const char **ret_log_name)
{
    struct feed *feed;

    return state_view_and_feed(state, project_id, ret_log_name, &feed);
}

const atomic_uint_fast64_t *state_changes(struct state *state, const char *project_id)
{
    const struct entry *entry;

    pthread_mutex_lock(&state->mutex);
    entry = entry_find_published(state, project_id);
    pthread_mutex_unlock(&state->mutex);
    return entry ? &entry->changes : NULL;
}

void state_watch(struct state *state, void (*changed)(void *arg), void *arg)
{
    pthread_mutex_lock(&state->mutex);
    state->watcher = changed;
    state->watcher_arg = arg;
    pthread_mutex_unlock(&state->mutex);
}

struct view *state_view(struct state *state, const char *project_id)
{
    const char *log_name;

    return state_view_and_log(state, project_id, &log_name);
}

size_t state_views(struct state *state, const char *after, size_t limit, struct view **ret_views)
{
    size_t count = 0;

    pthread_mutex_lock(&state->mutex);
    for (size_t i = after ? entry_bound(state, after) : 0; i < state->entry_count && count < limit;
         i++)
        if (state->entries[i]->view && (!after || strcmp(state->entries[i]->id, after) > 0))
            ret_views[count++] = view_ref(state->entries[i]->view);
    pthread_mutex_unlock(&state->mutex);
    return count;
}

size_t state_count(struct state *state)
{
    size_t count = 0;

    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->entry_count; i++)
        count += state->entries[i]->view != NULL;
    pthread_mutex_unlock(&state->mutex);
    return count;
}

static struct timespec deadline_in(double wait_s)
{
    struct timespec deadline;
    double whole = floor(wait_s);

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)whole;
    deadline.tv_nsec += (long)((wait_s - whole) * 1e9);
    if (deadline.tv_nsec >= 1000000000L) {
        deadline.tv_nsec -= 1000000000L;
        deadline.tv_sec++;
    }
    return deadline;
}

void state_end_waiting(struct state *state)
{
    pthread_mutex_lock(&state->mutex);
    state->ending = true;
    state_signal(state, NULL);
    pthread_mutex_unlock(&state->mutex);
}

struct ranking *state_ranking(struct state *state, const char *project_id, int64_t seq,
                              double wait_s, double *ret_age_s)
{
    struct timespec deadline = deadline_in(wait_s);
    struct ranking *ranking = NULL;
    const struct entry *entry;
    int late = 0;

    pthread_mutex_lock(&state->mutex);
    while ((entry = entry_find_published(state, project_id)) != NULL && !late && !state->ending &&
           (!entry->ranking || entry->ranking->view->seq < seq))
        late = pthread_cond_timedwait(&state->changed, &state->mutex, &deadline);
    if (entry && entry->ranking) {
        ranking = ranking_ref(entry->ranking);
        *ret_age_s =
            ranking->view->superseded_s > 0 ? clock_monotonic_s() - ranking->view->superseded_s : 0;
    }
    pthread_mutex_unlock(&state->mutex);
    return ranking;
}

void state_await_ranking(struct state *state, const struct view *view, double wait_s)
{
    struct timespec deadline = deadline_in(wait_s);
    struct entry *entry;
    int late = 0;

    pthread_mutex_lock(&state->mutex);
    entry = entry_find_published(state, view->id);
    if (entry && !(entry->asks_waiting > 0 && entry->ranking &&
                   entry->ranking->view->evidence_seq == view->evidence_seq)) {
        entry->asks_waiting++;
        while (entry->view && !late && !state->ending &&
               (!entry->ranking || entry->ranking->view->seq < view->seq))
            late = pthread_cond_timedwait(&state->changed, &state->mutex, &deadline);
        entry->asks_waiting--;
    }
    pthread_mutex_unlock(&state->mutex);
}
