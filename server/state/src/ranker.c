/* The thread that keeps rankings fresh: after each change of a project, coalesced, first the
 * ranking itself, then the picks ahead for as long as nothing newer waits. The arithmetic runs in
 * the pool; this thread only waits for it. Where nothing changed that a ranking reads, the one
 * there is gets the new sequence number.
 *
 * A project's engine remembers its last ranking, so that an added demonstration is ranked in a
 * fraction of the time. It changes no bit of an answer (amf/engine.h), so it may be dropped at any
 * time: a restart, a coalesced event and a project whose turn in memory is over answer the same.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <amf/engine.h>

#include "policies.h"
#include "rank.h"
#include "registry.h"

/* What engines of all projects, and what networks said, may hold together; a project at its default
 * limits holds about 500 MiB. The last ranked one is kept whatever it holds. */
#define RANKER_MEMORY_BYTES ((size_t)1 << 30)

struct ranker {
    struct state *state;
    pthread_t thread;
    bool stop;          /* under the registry's mutex */
    atomic_bool cancel; /* the same, for the arithmetic under way */
    size_t next;        /* entry to look at first: every project gets its turn */
    uint64_t ticks;
};

static bool is_behind(const struct entry *entry)
{
    return entry->view && (!entry->ranking || entry->ranking->view->seq < entry->view->seq) &&
           entry->failed_seq != entry->view->seq;
}

/* Under the mutex: a project whose ranking is older than its view. First those that have none,
 * whose askers get no better than a fallback; then the one whose turn it is. */
static struct entry *ranker_find(const struct ranker *ranker, size_t *ret_place)
{
    const struct state *state = ranker->state;
    struct entry *found = NULL;

    for (size_t i = 0; i < state->entry_count && !(found && !found->ranking); i++) {
        size_t place = (ranker->next + i) % state->entry_count;
        struct entry *entry = state->entries[place];

        if (is_behind(entry) && (!found || !entry->ranking)) {
            *ret_place = place;
            found = entry;
        }
    }
    return found;
}

/* Waits for work. The view to rank, with a reference; NULL: stop. */
static struct view *ranker_wait(struct ranker *ranker, struct entry **ret_entry)
{
    struct state *state = ranker->state;
    struct view *view = NULL;
    size_t place;

    pthread_mutex_lock(&state->mutex);
    while (!ranker->stop && !(*ret_entry = ranker_find(ranker, &place)))
        pthread_cond_wait(&state->changed, &state->mutex);
    if (!ranker->stop) {
        view = view_ref((*ret_entry)->view);
        ranker->next = place + 1;
    }
    pthread_mutex_unlock(&state->mutex);
    return view;
}

/* Under the mutex. */
static bool ranker_is_idle(const struct ranker *ranker, const struct entry *entry)
{
    const struct entry *found;
    size_t place;

    if (ranker->stop)
        return false;
    found = ranker_find(ranker, &place);
    return !found ||
           (found == entry && entry->ranking && ranking_stands(entry->ranking, entry->view));
}

/* Takes over the ranking. False when something newer is to be ranked: a changed project, or the
 * end. */
static bool ranker_publish(struct ranker *ranker, struct entry *entry, struct ranking *ranking)
{
    struct state *state = ranker->state;
    struct ranking *old = ranking;
    bool idle;

    pthread_mutex_lock(&state->mutex);
    bool longer = entry->ranking && entry->ranking->view->seq == ranking->view->seq;
    if (entry->view) {
        old = entry->ranking;
        entry->ranking = ranking;
    }
    if (longer) /* of the same events: nobody outside waits for that */
        pthread_cond_broadcast(&state->changed);
    else
        state_signal(state, entry);
    idle = ranker_is_idle(ranker, entry);
    pthread_mutex_unlock(&state->mutex);
    ranking_unref(old);
    return idle;
}

/* Said once, tried again with the next event. */
static void ranker_give_up(struct ranker *ranker, struct entry *entry, const struct view *view)
{
    struct state *state = ranker->state;

    pthread_mutex_lock(&state->mutex);
    entry->failed_seq = view->seq;
    atomic_fetch_add(&state->counters.failed, 1);
    pthread_mutex_unlock(&state->mutex);
    const struct log_field fields[] = {log_text("project", view->id), log_number("seq", view->seq)};
    log_tell(&state->config.log, LOG_ERROR,
             "ranking failed, most likely for want of memory; the next event tries again", fields,
             2);
}

static void ranker_forget(struct ranker *ranker, struct entry *entry)
{
    struct view *view;

    pthread_mutex_lock(&ranker->state->mutex);
    view = entry->view ? view_ref(entry->view) : NULL;
    pthread_mutex_unlock(&ranker->state->mutex);
    policies_forget(view);
    view_unref(view);
    amf_engine_free(entry->engine);
    entry->engine = NULL;
}

/* An entry whose engine should go: of a deleted project, or, while all engines together hold too
 * much, of the one ranked longest ago. */
static struct entry *ranker_find_excess(struct ranker *ranker, const struct entry *newest)
{
    struct state *state = ranker->state;
    struct entry *oldest = NULL, *deleted = NULL;
    size_t bytes = 0;

    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < state->entry_count; i++) {
        struct entry *entry = state->entries[i];

        if (!entry->engine)
            continue;
        bytes += amf_engine_bytes(entry->engine) + policies_bytes(entry->view);
        if (!entry->view)
            deleted = entry;
        if (entry != newest && (!oldest || entry->ranked_at < oldest->ranked_at))
            oldest = entry;
    }
    pthread_mutex_unlock(&state->mutex);
    return deleted ? deleted : bytes > RANKER_MEMORY_BYTES ? oldest : NULL;
}

static void ranker_trim(struct ranker *ranker, const struct entry *newest)
{
    struct entry *excess;

    while ((excess = ranker_find_excess(ranker, newest)) != NULL)
        ranker_forget(ranker, excess);
}

static struct rank *ranker_begin(struct ranker *ranker, struct entry *entry, struct view *view)
{
    struct rank *rank;

    if (!entry->engine && amf_engine_new(&entry->engine))
        return NULL;
    entry->ranked_at = ++ranker->ticks;
    rank = rank_new(view, entry->engine, ranker->state->config.pool, &ranker->cancel);
    ranker_trim(ranker, entry);
    return rank;
}

/* The newest view, with a reference, where the newest ranking is of an older one that it stands
 * for; else NULL. */
static struct view *ranker_unread(const struct ranker *ranker, const struct entry *entry)
{
    struct view *view = NULL;

    pthread_mutex_lock(&ranker->state->mutex);
    if (is_behind(entry) && entry->ranking && ranking_stands(entry->ranking, entry->view))
        view = view_ref(entry->view);
    pthread_mutex_unlock(&ranker->state->mutex);
    return view;
}

/* The next to publish; NULL: that was all. */
static struct ranking *ranker_go_on(struct ranker *ranker, struct entry *entry, struct rank *rank)
{
    struct view *unread = ranker_unread(ranker, entry);

    if (unread)
        rank_carry(rank, unread);
    else if (rank_pick(rank))
        return NULL;
    view_unref(unread);
    return rank_snapshot(rank);
}

static void ranker_rank(struct ranker *ranker, struct entry *entry, struct view *view)
{
    struct rank *rank = ranker_begin(ranker, entry, view);
    struct ranking *ranking = rank ? rank_snapshot(rank) : NULL;

    if (ranking)
        state_count_ranking(&ranker->state->counters, &ranking->timing);
    else if (!atomic_load(&ranker->cancel))
        ranker_give_up(ranker, entry, view);
    while (ranking && ranker_publish(ranker, entry, ranking))
        ranking = ranker_go_on(ranker, entry, rank);
    rank_free(rank);
}

/* Whether the ranking there is stands for the view; then it is of that from now on. */
static bool ranker_carry(struct ranker *ranker, struct entry *entry, const struct view *view)
{
    struct ranking *old = NULL, *ranking;

    pthread_mutex_lock(&ranker->state->mutex);
    if (entry->ranking && ranking_stands(entry->ranking, view))
        old = ranking_ref(entry->ranking);
    pthread_mutex_unlock(&ranker->state->mutex);
    if (!old)
        return false;
    ranking = ranking_carry(old, view);
    ranking_unref(old);
    if (ranking)
        (void)ranker_publish(ranker, entry, ranking);
    else
        ranker_give_up(ranker, entry, view);
    return true;
}

static void *ranker_main(void *arg)
{
    struct ranker *ranker = arg;
    struct entry *entry = NULL;
    struct view *view;

    while ((view = ranker_wait(ranker, &entry)) != NULL) {
        if (!ranker_carry(ranker, entry, view))
            ranker_rank(ranker, entry, view);
        view_unref(view);
    }
    return NULL;
}

int ranker_new(struct state *state, struct ranker **ret_ranker)
{
    struct ranker *ranker = calloc(1, sizeof *ranker);

    if (!ranker)
        return -1;
    ranker->state = state;
    if (pthread_create(&ranker->thread, NULL, ranker_main, ranker)) {
        free(ranker);
        return -1;
    }
    *ret_ranker = ranker;
    return 0;
}

void ranker_free(struct ranker *ranker)
{
    if (!ranker)
        return;
    pthread_mutex_lock(&ranker->state->mutex);
    ranker->stop = true;
    atomic_store(&ranker->cancel, true);
    pthread_cond_broadcast(&ranker->state->changed);
    pthread_mutex_unlock(&ranker->state->mutex);
    pthread_join(ranker->thread, NULL);
    free(ranker);
}
