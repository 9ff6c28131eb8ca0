#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <amf/engine.h>
#include <state/feed.h>

#include "registry.h"
#include "replay.h"

static void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    view_unref(entry->view);
    view_unref(entry->project.frozen);
    ranking_unref(entry->ranking);
    amf_engine_free(entry->engine);
    view_deinit(&entry->project.draft);
    hashes_free(entry->project.hashes);
    feed_free(entry->feed);
    free(entry->log_name);
    free(entry->id);
    free(entry);
}

static struct entry *entry_new(struct state *state, const char *id, const char *log_name)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (!entry)
        return NULL;
    entry->id = strdup(id);
    entry->log_name = strdup(log_name);
    entry->project.store = state->config.store;
    entry->project.log_name = entry->log_name;
    entry->project.draft.id = entry->id;
    entry->project.hashes = hashes_new(&entry->project.draft.demonstrations);
    entry->feed = feed_new();
    if (!entry->id || !entry->log_name || !entry->project.hashes || !entry->feed) {
        entry_free(entry);
        return NULL;
    }
    return entry;
}

/* First entry whose id is not less than the given one. */
static size_t entry_bound(const struct state *state, const char *id)
{
    size_t low = 0, high = state->entry_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(state->entries[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The living project of that id, else NULL. Deleted ones of the same id come before it. */
static struct entry *entry_find(const struct state *state, const char *id)
{
    for (size_t i = entry_bound(state, id);
         i < state->entry_count && !strcmp(state->entries[i]->id, id); i++)
        if (!state->entries[i]->project.draft.deleted)
            return state->entries[i];
    return NULL;
}

/* Readers must not look at a draft: the published view tells whether a project lives. */
static struct entry *entry_find_published(const struct state *state, const char *id)
{
    for (size_t i = entry_bound(state, id);
         i < state->entry_count && !strcmp(state->entries[i]->id, id); i++)
        if (state->entries[i]->view)
            return state->entries[i];
    return NULL;
}

/* Behind the last project of that id. */
static size_t entry_end(const struct state *state, const char *id)
{
    size_t end = entry_bound(state, id);

    while (end < state->entry_count && !strcmp(state->entries[end]->id, id))
        end++;
    return end;
}

static int registry_insert(struct state *state, struct entry *entry)
{
    size_t place = entry_end(state, entry->id);
    struct entry **entries;

    pthread_mutex_lock(&state->mutex);
    entries = realloc(state->entries, (state->entry_count + 1) * sizeof(void *));
    if (entries) {
        memmove(entries + place + 1, entries + place,
                (state->entry_count - place) * sizeof(void *));
        entries[place] = entry;
        state->entries = entries;
        state->entry_count++;
    }
    pthread_mutex_unlock(&state->mutex);
    return entries ? 0 : -1;
}

void state_signal(struct state *state, struct entry *entry)
{
    if (entry)
        atomic_fetch_add(&entry->changes, 1);
    for (size_t i = 0; i < state->entry_count && !entry; i++)
        atomic_fetch_add(&state->entries[i]->changes, 1);
    pthread_cond_broadcast(&state->changed);
    if (state->watcher)
        state->watcher(state->watcher_arg);
}

/* Swaps in the newest view (NULL: the project is gone). Takes over the reference. */
static void entry_publish(struct state *state, struct entry *entry, struct view *view)
{
    struct view *old_view;
    struct ranking *old_ranking = NULL;

    pthread_mutex_lock(&state->mutex);
    old_view = entry->view;
    if (old_view)
        old_view->superseded_s = clock_monotonic_s();
    entry->view = view;
    if (!view) {
        old_ranking = entry->ranking;
        entry->ranking = NULL;
    }
    state_signal(state, entry);
    pthread_mutex_unlock(&state->mutex);
    view_unref(old_view);
    ranking_unref(old_ranking);
}

/* Nobody can reach a deleted project any more: what it held gives its memory back. */
static void entry_retire(struct entry *entry)
{
    struct project *project = &entry->project;
    struct view rest = {.id = entry->id, .seq = project->draft.seq, .deleted = true};

    view_deinit(&project->draft);
    hashes_free(project->hashes);
    project->hashes = NULL;
    project->draft = rest;
}

/* A draft that failed to commit gives way to what is durable. 0 or STORE_NO_MEMORY. */
static int entry_restore(struct entry *entry)
{
    struct project *project = &entry->project;
    struct view durable = {.id = entry->id, .deleted = !entry->view};
    struct hashes *hashes;

    if (entry->view && view_thaw(entry->view, &durable))
        return STORE_NO_MEMORY;
    hashes = hashes_new(&durable.demonstrations);
    if (!hashes) {
        view_deinit(&durable);
        return STORE_NO_MEMORY;
    }
    view_deinit(&project->draft);
    hashes_free(project->hashes);
    project->draft = durable;
    project->hashes = hashes;
    project->dirty = project->spoilt = false;
    return 0;
}

/* Before the writer uses any project: undoes what memory was too short for when it was rolled back.
 */
static int state_mend(struct state *state)
{
    for (size_t i = 0; i < state->entry_count; i++)
        if (state->entries[i]->project.spoilt && entry_restore(state->entries[i]))
            return STORE_NO_MEMORY;
    return 0;
}

static void state_committed(void *arg)
{
    struct state *state = arg;

    for (size_t i = 0; i < state->entry_count; i++) {
        struct entry *entry = state->entries[i];

        if (!entry->project.dirty || entry->project.spoilt)
            continue;
        entry->project.dirty = false;
        entry_publish(state, entry, entry->project.frozen);
        entry->project.frozen = NULL;
        if (entry->project.draft.deleted)
            entry_retire(entry);
    }
    tokens_committed(state);
}

static void state_rolled_back(void *arg)
{
    struct state *state = arg;

    tokens_rolled_back(state);
    for (size_t i = 0; i < state->entry_count; i++) {
        struct project *project = &state->entries[i]->project;

        view_unref(project->frozen);
        project->frozen = NULL;
        if (project->dirty && entry_restore(state->entries[i]))
            project->spoilt = true; /* tried again before its next use */
    }
}

static struct entry *entry_find_log(const struct state *state, const char *id, const char *log_name)
{
    for (size_t i = entry_bound(state, id);
         i < state->entry_count && !strcmp(state->entries[i]->id, id); i++)
        if (!strcmp(state->entries[i]->log_name, log_name))
            return state->entries[i];
    return NULL;
}

static int state_fold(const struct store_event *stored, int status, const struct event *event,
                      void *arg)
{
    struct state *state = arg;
    struct entry *entry;
    char id[96];

    snprintf(id, sizeof id, "%.*s", (int)strcspn(stored->project, "~"), stored->project);
    entry = entry_find_log(state, id, stored->project);
    if (!entry) {
        entry = entry_new(state, id, stored->project);
        if (!entry || registry_insert(state, entry)) {
            entry_free(entry);
            return STORE_NO_MEMORY;
        }
    }
    if (!status)
        status = event_apply(&entry->project, event);
    state->folded = entry;
    if (status)
        snprintf(state->fold_error, sizeof state->fold_error, "event %lld (%s) of project %s",
                 (long long)stored->seq, stored->type, stored->project);
    return status;
}

static int state_recover(struct state *state)
{
    int status = replay(state->config.store, state_fold, state);

    if (status && !*state->fold_error && state->folded)
        snprintf(state->fold_error, sizeof state->fold_error,
                 "what was stored after event %lld of project %s",
                 (long long)state->folded->project.draft.seq, state->folded->log_name);
    for (size_t i = 0; i < state->entry_count && !status; i++)
        if (state->entries[i]->project.rethin_due && !state->entries[i]->project.draft.deleted)
            status = project_rethin(&state->entries[i]->project);
    for (size_t i = 0; i < state->entry_count && !status; i++)
        status = project_freeze(&state->entries[i]->project);
    return status;
}

static int state_read_back(struct state *state, char ret_error[256])
{
    int status = tokens_init(&state->tokens, state->config.store, state->config.admin_token);

    state->config.admin_token = NULL;
    if (status) {
        snprintf(ret_error, 256, "the tokens %s: %s",
                 status == STORE_CORRUPT ? "are damaged" : "cannot be read back",
                 status == STORE_NO_MEMORY
                     ? "out of memory"
                     : "amf server check DIR tells which; put a backup in an empty directory");
        return -1;
    }
    status = state_recover(state);
    if (!status)
        return 0;
    snprintf(ret_error, 256, "the event log %s: %s",
             status == STORE_CORRUPT ? "is damaged" : "cannot be read back",
             status == STORE_NO_MEMORY ? "out of memory"
             : *state->fold_error      ? state->fold_error
                                       : "its beginning");
    return -1;
}

static struct state *state_alloc(const struct state_config *config)
{
    struct state *state = calloc(1, sizeof *state);
    pthread_condattr_t monotonic;

    if (!state)
        return NULL;
    state->config = *config;
    config->clock.boot_id(config->clock.arg, state->boot_id);
    pthread_mutex_init(&state->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&state->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return state;
}

int state_new(const struct state_config *config, struct state **ret_state, char ret_error[256])
{
    struct state *state = state_alloc(config);
    int failed;

    if (!state) {
        snprintf(ret_error, 256, "out of memory");
        return -1;
    }
    failed = state_read_back(state, ret_error);
    /* What the store says of its files explains what was met in them. */
    if (store_open_end(config->store, ret_error) || failed) {
        state_free(state);
        return -1;
    }
    state_committed(state);
    store_set_hooks(config->store,
                    &(struct store_hooks){state_committed, state_rolled_back, state});
    expirer_look(state);
    if (ranker_new(state, &state->ranker) || fitter_new(state, &state->fitter) ||
        expirer_new(state, &state->expirer)) {
        snprintf(ret_error, 256, "the ranking threads cannot be started");
        state_free(state);
        return -1;
    }
    *ret_state = state;
    return 0;
}

void state_free(struct state *state)
{
    if (!state)
        return;
    expirer_free(state->expirer);
    fitter_free(state->fitter);
    ranker_free(state->ranker);
    for (size_t i = 0; i < state->entry_count; i++)
        entry_free(state->entries[i]);
    free(state->entries);
    tokens_deinit(&state->tokens);
    pthread_cond_destroy(&state->changed);
    pthread_mutex_destroy(&state->mutex);
    free(state);
}

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

void state_begin(struct state *state, struct project *project)
{
    const struct instant now = state_instant(state);

    project->now_ms = now.wall_ms;
    project->boot_ms = now.boot_ms;
    project->boot_id = now.boot_id;
}

int state_project(struct state *state, const char *project_id, struct project **ret_project,
                  struct proto_error *ret_error)
{
    struct entry *entry;

    if (state_mend(state))
        return STORE_NO_MEMORY;
    entry = entry_find(state, project_id);
    if (!entry)
        return (int)state_no_project(project_id, ret_error);
    state_begin(state, &entry->project);
    *ret_project = &entry->project;
    return 0;
}

enum proto_code state_no_project(const char *project_id, struct proto_error *ret_error)
{
    return proto_error_set(ret_error, PROTO_CODE_PROJECT_NOT_FOUND, "",
                           "There is no project %.64s; POST /v1/projects makes one.", project_id);
}

/* The entry of a new project. A later one of the same id gets a log of its own, "ID~1", "ID~2" ...
 * ('~' cannot stand in an id); one whose creation was rolled back never wrote to its log and is
 * used. */
static int registry_add(struct state *state, const char *id, struct entry **ret_entry)
{
    size_t end = entry_end(state, id);
    struct entry *last = end > entry_bound(state, id) ? state->entries[end - 1] : NULL, *entry;
    const char *suffix = last ? strchr(last->log_name, '~') : NULL;
    char log_name[96];

    if (last && last->project.draft.seq == 0) {
        *ret_entry = last;
        return 0;
    }
    snprintf(log_name, sizeof log_name, "%s", id);
    if (last)
        snprintf(log_name, sizeof log_name, "%s~%lu", id,
                 suffix ? strtoul(suffix + 1, NULL, 10) + 1 : 1);
    entry = entry_new(state, id, log_name);
    if (!entry || registry_insert(state, entry)) {
        entry_free(entry);
        return STORE_NO_MEMORY;
    }
    *ret_entry = entry;
    return 0;
}

int state_reserve(struct state *state, const char *project_id, struct entry **ret_entry)
{
    int status = state_mend(state);

    if (!status && entry_find(state, project_id))
        return PROTO_CODE_PROJECT_EXISTS;
    if (!status)
        status = registry_add(state, project_id, ret_entry);
    if (!status)
        (*ret_entry)->project.draft.deleted = true;
    return status;
}

int state_create_project(struct state *state, struct store_tx *tx,
                         const struct proto_project *settings, struct project **ret_project,
                         struct proto_error *ret_error)
{
    struct entry *entry = NULL;
    int status = state_reserve(state, settings->id, &entry);

    if (status == PROTO_CODE_PROJECT_EXISTS)
        return (int)proto_error_set(ret_error, PROTO_CODE_PROJECT_EXISTS, "/id",
                                    "A project %s exists; PATCH changes its settings.",
                                    settings->id);
    if (status)
        return status;
    entry->project.draft.deleted = false;
    state_begin(state, &entry->project);
    entry->project.dirty = true; /* so that a failed commit takes it back */
    status = project_log(&entry->project, tx, &event_project_created, settings, NULL, 0, NULL);
    if (!status)
        *ret_project = &entry->project;
    return status;
}

int64_t state_now_ms(const struct state *state)
{
    return clock_now_ms(&state->config.clock);
}

struct instant state_instant(const struct state *state)
{
    const struct clock *clock = &state->config.clock;

    return (struct instant){clock->now_ms(clock->arg), clock->boot_ms(clock->arg), state->boot_id};
}

struct store *state_store(struct state *state)
{
    return state->config.store;
}

const char *state_log_name(struct state *state, const char *project_id)
{
    const struct entry *entry;
    const char *name;

    pthread_mutex_lock(&state->mutex);
    entry = entry_find_published(state, project_id);
    name = entry ? entry->log_name : NULL;
    pthread_mutex_unlock(&state->mutex);
    return name;
}
