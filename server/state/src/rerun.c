/* Two passes over the archive's events: first which rankings decisions were made from, then the
 * fold, in which each of these is worked out as its event comes and kept until its last decision.
 */
#include <state/rerun.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amf/engine.h>
#include <state/decide.h>

#include "import.h"
#include "rank.h"
#include "rerun_compare.h"

struct asked { /* a decision of the log */
    int64_t seq, ranking_seq, pick;
    bool other_core;
    char task[PROTO_KEY_MAX_BYTES + 1];
};

struct needed { /* a ranking that decisions were made from */
    int64_t seq;
    int64_t last_pick;       /* that one of them used */
    size_t uses;             /* decisions still to come */
    bool follow;             /* its picks are what was really asked for */
    struct ranking *ranking; /* NULL before its event */
};

struct rerun {
    const struct rerun_settings *settings;
    struct project project;
    struct asked *asked;
    size_t asked_count, asked_room, next;
    struct needed *needed; /* by seq */
    size_t needed_count;
    struct amf_engine *engine;
    atomic_bool cancel; /* never */
};

static int no_memory(struct proto_error *ret_error)
{
    return (int)proto_error_set(ret_error, PROTO_CODE_NO_MEMORY, "", "out of memory");
}

/* Before the fold has looked at the event as a whole. */
static int decode_opened(const struct store_event *event, struct proto_arena *arena,
                         struct proto_event_opened *ret_opened, struct proto_error *ret_error)
{
    int status;

    *ret_opened = (struct proto_event_opened){.age_s = NAN};
    status = (int)proto_decode(event_assignment_opened.shape, event->body, strlen(event->body),
                               true, arena, ret_opened, ret_error);
    if (status || (ret_opened->assignment.task && ret_opened->pick >= 0 &&
                   ret_opened->pick < RANKING_MAX_PICKS))
        return status;
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                "It names no task, or a pick that there cannot be.");
}

/* ---- which rankings are needed ---- */

static bool same_core(const struct proto_basis *basis)
{
    return basis->blas_core && !strcmp(basis->blas_core, amf_pool_blas_core());
}

static int note_decision(struct state_import *import, const struct store_event *event, void *arg,
                         struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_event_opened opened;
    struct rerun *rerun = arg;
    struct asked *asked;
    int status;

    (void)import;
    if (strcmp(event->type, event_assignment_opened.type) != 0)
        return 0;
    status = decode_opened(event, &arena, &opened, ret_error);
    if (status)
        return status;
    if (rerun->asked_count == rerun->asked_room) {
        rerun->asked_room = rerun->asked_room ? 2 * rerun->asked_room : 64;
        asked = reallocarray(rerun->asked, rerun->asked_room, sizeof *asked);
        if (!asked)
            return no_memory(ret_error);
        rerun->asked = asked;
    }
    asked = &rerun->asked[rerun->asked_count++];
    *asked = (struct asked){.seq = event->seq,
                            .ranking_seq = opened.basis ? opened.ranking_seq : 0,
                            .pick = opened.pick,
                            .other_core = opened.basis && !same_core(opened.basis)};
    snprintf(asked->task, sizeof asked->task, "%s", opened.assignment.task);
    return 0;
}

static int compare_needed(const void *left, const void *right)
{
    const struct needed *a = left, *b = right;

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static struct needed *needed_find(const struct rerun *rerun, int64_t seq)
{
    const struct needed wanted = {.seq = seq};

    return seq > 0 && rerun->needed_count
               ? bsearch(&wanted, rerun->needed, rerun->needed_count, sizeof wanted, compare_needed)
               : NULL;
}

/* A ranking as one decision needs it. Between equals other kernels, and other settings anyway, may
 * have picked another task than was asked for, and the picks behind it are about that. */
static struct needed needed_by(const struct rerun *rerun, const struct asked *asked)
{
    return (struct needed){.seq = asked->ranking_seq,
                           .last_pick = asked->pick,
                           .uses = 1,
                           .follow = asked->other_core || rerun->settings->what_if};
}

static int list_needed(struct rerun *rerun, struct proto_error *ret_error)
{
    struct needed *last = NULL;
    size_t count = 0;

    rerun->needed = calloc(rerun->asked_count + 1, sizeof *rerun->needed);
    if (!rerun->needed)
        return no_memory(ret_error);
    for (size_t i = 0; i < rerun->asked_count; i++)
        if (rerun->asked[i].ranking_seq > 0)
            rerun->needed[count++] = needed_by(rerun, &rerun->asked[i]);
    qsort(rerun->needed, count, sizeof *rerun->needed, compare_needed);
    for (size_t i = 0; i < count; i++) {
        struct needed one = rerun->needed[i];

        if (!last || last->seq != one.seq) {
            last = &rerun->needed[rerun->needed_count++];
            *last = one;
            continue;
        }
        last->uses++;
        last->follow |= one.follow;
        last->last_pick = one.last_pick > last->last_pick ? one.last_pick : last->last_pick;
    }
    return 0;
}

/* ---- rankings, made again ---- */

/* The first decision after a ranking's event: the picks of a ranking were given out in this order.
 */
static size_t first_after(const struct rerun *rerun, int64_t seq)
{
    size_t low = 0, high = rerun->asked_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rerun->asked[middle].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Picks as far as a decision used them. */
static int pick_on(const struct rerun *rerun, struct rank *rank, const struct needed *needed)
{
    size_t first = first_after(rerun, needed->seq);
    int status = 0;

    for (int64_t k = 0; k < needed->last_pick && !status; k++) {
        size_t index = first + (size_t)k;

        if (needed->follow && index < rerun->asked_count)
            rank_take(rank, view_find_task(&rerun->project.draft, rerun->asked[index].task));
        status = rank_pick(rank);
    }
    return status;
}

static int make_ranking(struct rerun *rerun, struct needed *needed, struct proto_error *ret_error)
{
    struct view *view = view_freeze(&rerun->project.draft);
    struct rank *rank =
        view ? rank_new(view, rerun->engine, rerun->settings->pool, &rerun->cancel) : NULL;

    if (rank && pick_on(rerun, rank, needed) >= 0)
        needed->ranking = rank_snapshot(rank);
    rank_free(rank);
    view_unref(view);
    return needed->ranking ? 0 : no_memory(ret_error);
}

/* ---- decisions, made again ---- */

static int decide_again(struct rerun *rerun, const struct proto_event_opened *recorded,
                        const struct ranking *ranking, struct proto_arena *arena,
                        struct proto_event_opened *opened, bool *ret_chosen)
{
    const struct proto_ask ask = {.operator_ = recorded->assignment.operator_,
                                  .robot = recorded->assignment.robot,
                                  .capabilities = recorded->basis->capabilities,
                                  .exclude = recorded->basis->exclude,
                                  .count = 1,
                                  .lease_s = NAN};
    const struct decide_request request = {&rerun->project.draft, ranking, (size_t)recorded->pick,
                                           &ask};
    struct decided decided;

    if (decide(&request, arena, &decided))
        return -1;
    *ret_chosen = decided.chosen.task != SIZE_MAX;
    return *ret_chosen ? decide_record(&request, &decided, arena, opened) : 0;
}

static void hold_against(const struct rerun *rerun, const struct proto_event_opened *recorded,
                         struct proto_arena *arena, struct rerun_decision *decision)
{
    const struct proto_event_opened *repeated = decision->repeated;

    if (!rerun->settings->what_if)
        rerun_compare(recorded, repeated, same_core(recorded->basis), arena, decision);
    else if (repeated && !strcmp(repeated->assignment.task, recorded->assignment.task))
        decision->outcome = RERUN_SAME;
    else
        decision->outcome = RERUN_DIFFERS;
}

static int rerun_decision(struct rerun *rerun, const struct store_event *event,
                          struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_event_opened recorded, opened;
    struct rerun_decision decision = {
        rerun->next, rerun->asked_count, &recorded, NULL, RERUN_UNRECORDED, NULL, NULL, NULL};
    struct needed *needed = needed_find(rerun, rerun->asked[rerun->next++].ranking_seq);
    bool chosen = false;
    int status = decode_opened(event, &arena, &recorded, ret_error);

    if (status)
        return status;
    if (recorded.basis) {
        if (decide_again(rerun, &recorded, needed ? needed->ranking : NULL, &arena, &opened,
                         &chosen))
            return no_memory(ret_error);
        decision.repeated = chosen ? &opened : NULL;
        hold_against(rerun, &recorded, &arena, &decision);
    }
    rerun->settings->fn(&decision, rerun->settings->arg);
    if (needed && --needed->uses == 0) {
        ranking_unref(needed->ranking);
        needed->ranking = NULL;
    }
    return 0;
}

/* ---- the fold ---- */

enum proto_code rerun_check(const struct rerun_settings *settings, struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_project project;
    enum proto_code code = PROTO_CODE_OK;

    proto_project_defaults(&project);
    project.id = "any";
    if (settings->what_if)
        code = proto_decode(&proto_project_shape, settings->what_if, strlen(settings->what_if),
                            false, &arena, &project, ret_error);
    return code;
}

/* The settings that an event brings, with those of what_if in their place. *ret_body malloc'ed. */
static int alter_settings(const struct rerun *rerun, const struct store_event *event,
                          char **ret_body, struct proto_error *ret_error)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    const char *what_if = rerun->settings->what_if;
    struct proto_project project;
    size_t length;
    int status;

    proto_project_defaults(&project);
    status = (int)proto_decode(&proto_project_shape, event->body, strlen(event->body), true, &arena,
                               &project, ret_error);
    if (!status)
        status = (int)proto_decode(&proto_project_shape, what_if, strlen(what_if), false, &arena,
                                   &project, ret_error);
    if (status)
        return status;
    return proto_encode(&proto_project_shape, &project, ret_body, &length) ? no_memory(ret_error)
                                                                           : 0;
}

static int fold_event(struct rerun *rerun, const struct store_event *event,
                      struct proto_error *ret_error)
{
    struct store_event altered = *event;
    char *body = NULL;
    int status = 0;

    if (rerun->settings->what_if && (!strcmp(event->type, event_project_created.type) ||
                                     !strcmp(event->type, event_project_updated.type)))
        status = alter_settings(rerun, event, &body, ret_error);
    if (status)
        return status;
    altered.body = body ? body : event->body;
    status = import_take_event(&rerun->project, &altered, ret_error);
    free(body);
    if (!status && rerun->project.rethin_due) {
        rerun->project.rethin_due = false;
        status = project_rethin(&rerun->project);
    }
    return status;
}

static int rerun_event(struct state_import *import, const struct store_event *event, void *arg,
                       struct proto_error *ret_error)
{
    struct rerun *rerun = arg;
    struct needed *needed;
    int status = 0;

    (void)import;
    if (!strcmp(event->type, event_assignment_opened.type))
        status = rerun_decision(rerun, event, ret_error);
    if (!status)
        status = fold_event(rerun, event, ret_error);
    needed = needed_find(rerun, event->seq);
    return status || !needed ? status : make_ranking(rerun, needed, ret_error);
}

static int rerun_archive(struct rerun *rerun, struct state_import *import,
                         struct proto_error *ret_error)
{
    int status = import_each_event(import, note_decision, rerun, ret_error);

    if (!status)
        status = list_needed(rerun, ret_error);
    rerun->project.hashes = hashes_new(&rerun->project.draft.demonstrations);
    if (!status && (!rerun->project.hashes || amf_engine_new(&rerun->engine)))
        status = no_memory(ret_error);
    if (!status)
        status = import_each_event(import, rerun_event, rerun, ret_error);
    return status;
}

static void rerun_deinit(struct rerun *rerun)
{
    for (size_t i = 0; i < rerun->needed_count; i++)
        ranking_unref(rerun->needed[i].ranking);
    amf_engine_free(rerun->engine);
    view_deinit(&rerun->project.draft);
    hashes_free(rerun->project.hashes);
    free(rerun->needed);
    free(rerun->asked);
}

enum proto_code rerun(int fd, const struct rerun_settings *settings, struct proto_error *ret_error)
{
    struct state_import *import = NULL;
    struct rerun rerun = {.settings = settings};
    int status = import_open(fd, &import, ret_error);

    if (status)
        return (enum proto_code)status;
    atomic_init(&rerun.cancel, false);
    rerun.project.draft.id = import_head(import)->project;
    rerun.project.read_blob = import_find_blob;
    rerun.project.read_blob_arg = import;
    status = rerun_archive(&rerun, import, ret_error);
    rerun_deinit(&rerun);
    state_import_free(import);
    if (status == STORE_NO_MEMORY)
        status = no_memory(ret_error);
    if (status < 0)
        status = (int)proto_error_set(ret_error, PROTO_CODE_INTERNAL, "",
                                      "The archive cannot be read back.");
    return (enum proto_code)status;
}
