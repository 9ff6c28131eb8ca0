/* The thread behind `marginal_likelihood`: a project's scales are frozen by the medians in the
 * transaction of the demonstration that completes the count, which must not wait for seconds of
 * arithmetic. They are marked as due, and this thread logs what it found as an event of its own.
 *
 * It fits under the moments that were frozen. Demonstrations may come meanwhile: they do no harm.
 * Other settings or an explicit refit do, and then nothing is logged: the newer view is looked at.
 */
#include <pthread.h>
#include <stdlib.h>

#include "registry.h"

struct fitter {
    struct state *state;
    pthread_t thread;
    atomic_bool stop;
};

/* Under the mutex: a project whose scales wait for a fit. */
static struct entry *fitter_find(const struct state *state)
{
    for (size_t i = 0; i < state->entry_count; i++) {
        struct entry *entry = state->entries[i];

        if (entry->view && project_fit_due(entry->view) && entry->unfitted_seq != entry->view->seq)
            return entry;
    }
    return NULL;
}

/* Waits for work. The view to fit, with a reference; NULL: stop. */
static struct view *fitter_wait(struct fitter *fitter, struct entry **ret_entry)
{
    struct state *state = fitter->state;
    struct entry *entry = NULL;
    struct view *view = NULL;

    pthread_mutex_lock(&state->mutex);
    while (!atomic_load(&fitter->stop) && !(entry = fitter_find(state)))
        pthread_cond_wait(&state->changed, &state->mutex);
    if (entry) {
        view = view_ref(entry->view);
        *ret_entry = entry;
    }
    pthread_mutex_unlock(&state->mutex);
    return view;
}

struct fitted {
    struct state *state;
    const struct view *view;
    const struct scales *scales;
};

static int fitter_body(struct store_tx *tx, void *arg)
{
    const struct fitted *fitted = arg;
    struct proto_error error;
    struct project *project;
    int status = state_project(fitted->state, fitted->view->id, &project, &error);

    if (status)
        return status;
    if (project->draft.scales != fitted->view->scales ||
        project->draft.settings != fitted->view->settings)
        return 0;
    return project_log(project, tx, &event_scales_frozen, &fitted->scales->frozen, NULL, 0, NULL);
}

static void fitter_give_up(struct fitter *fitter, struct entry *entry, const struct view *view)
{
    struct state *state = fitter->state;

    pthread_mutex_lock(&state->mutex);
    entry->unfitted_seq = view->seq;
    pthread_mutex_unlock(&state->mutex);
    const struct log_field fields[] = {log_text("project", view->id), log_number("seq", view->seq)};
    log_tell(&state->config.log, LOG_ERROR,
             "scales not fitted or not stored; the next event tries again", fields, 2);
}

static void fitter_fit(struct fitter *fitter, struct entry *entry, const struct view *view)
{
    struct state *state = fitter->state;
    struct scales *scales = NULL;
    struct fitted fitted = {state, view, NULL};
    int status = scales_maximise(view, view->scales, state->config.pool, &fitter->stop, &scales);

    if (status > 0)
        return;
    fitted.scales = scales;
    if (status || store_write(state->config.store, fitter_body, &fitted) < 0)
        fitter_give_up(fitter, entry, view);
    cell_unref(scales);
}

static void *fitter_main(void *arg)
{
    struct fitter *fitter = arg;
    struct entry *entry = NULL;
    struct view *view;

    while ((view = fitter_wait(fitter, &entry)) != NULL) {
        fitter_fit(fitter, entry, view);
        view_unref(view);
    }
    return NULL;
}

int fitter_new(struct state *state, struct fitter **ret_fitter)
{
    struct fitter *fitter = calloc(1, sizeof *fitter);

    if (!fitter)
        return -1;
    fitter->state = state;
    atomic_init(&fitter->stop, false);
    if (pthread_create(&fitter->thread, NULL, fitter_main, fitter)) {
        free(fitter);
        return -1;
    }
    *ret_fitter = fitter;
    return 0;
}

void fitter_free(struct fitter *fitter)
{
    if (!fitter)
        return;
    pthread_mutex_lock(&fitter->state->mutex);
    atomic_store(&fitter->stop, true);
    pthread_cond_broadcast(&fitter->state->changed);
    pthread_mutex_unlock(&fitter->state->mutex);
    pthread_join(fitter->thread, NULL);
    free(fitter);
}
