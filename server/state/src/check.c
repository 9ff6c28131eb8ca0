/* Events from elsewhere: whether each could have been logged here.
 *
 * The fold trusts its log, because commands have checked what is in it. An archive is somebody's
 * file. So its events are held to the rules of the commands, and to what commands fill in
 * themselves: ids, hashes, numbers of columns.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <state/clock.h>
#include <state/lease.h>
#include <state/ranking.h>

#include "project_internal.h"

#define LEASE_MAX_MS (PROTO_MAX_LEASE_S * INT64_C(1000))

__attribute__((format(printf, 2, 3))) static int refuse(struct proto_error *ret_error,
                                                        const char *format, ...)
{
    char detail[sizeof ret_error->detail];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "", "%s", detail);
}

static bool same(const char *text, const char *other)
{
    return text && other && !strcmp(text, other);
}

static bool has_id(const char *id, char prefix, int64_t seq)
{
    char wanted[ID_BYTES];

    project_id_format(prefix, seq, wanted);
    return same(id, wanted);
}

int check_project_created(const struct project *project, const struct event_head *head,
                          const void *body, struct proto_error *ret_error)
{
    (void)project;
    (void)head;
    return (int)proto_project_check(body, ret_error);
}

int check_project_updated(const struct project *project, const struct event_head *head,
                          const void *body, struct proto_error *ret_error)
{
    int refused = (int)proto_project_check(body, ret_error);

    (void)head;
    return refused ? refused : project_check_update(&project->draft, body, ret_error);
}

int check_project_deleted(const struct project *project, const struct event_head *head,
                          const void *body, struct proto_error *ret_error)
{
    (void)project;
    (void)head;
    (void)body;
    return refuse(ret_error, "A project that was deleted is not exported.");
}

int check_task_put(const struct project *project, const struct event_head *head, const void *body,
                   struct proto_error *ret_error)
{
    const struct proto_task *task = body;
    int refused = (int)proto_task_check(task, ret_error);

    (void)head;
    if (!refused && !task->key)
        refused = refuse(ret_error, "The task has no key.");
    return refused ? refused : project_check_task(&project->draft, task, ret_error);
}

int check_task_deleted(const struct project *project, const struct event_head *head,
                       const void *body, struct proto_error *ret_error)
{
    const struct proto_event_removed *removed = body;

    (void)head;
    return project_check_task_removal(&project->draft, removed->key, ret_error);
}

int check_demonstration_added(const struct project *project, const struct event_head *head,
                              const void *body, struct proto_error *ret_error)
{
    const struct proto_demonstration *demonstration = body;
    char sha256[65];
    int refused = (int)proto_demonstration_check(demonstration, ret_error);

    if (!refused && !demonstration->task)
        refused = refuse(ret_error, "The demonstration names no task.");
    if (!refused)
        refused = project_check_demonstration(&project->draft, demonstration, "", ret_error);
    if (refused)
        return refused;
    if (!has_id(demonstration->id, 'd', head->seq) ||
        demonstration->steps != (int64_t)demonstration->states.rows)
        return refuse(ret_error, "Demonstration %.64s has another id or number of steps.",
                      demonstration->id ? demonstration->id : "");
    proto_demonstration_hash(demonstration, sha256);
    if (!same(demonstration->sha256, sha256))
        return refuse(ret_error, "The hash of demonstration %s is not that of its content.",
                      demonstration->id);
    if (hashes_find(project->hashes, sha256))
        return refuse(ret_error, "The content of demonstration %s is held already.",
                      demonstration->id);
    return 0;
}

int check_demonstration_retracted(const struct project *project, const struct event_head *head,
                                  const void *body, struct proto_error *ret_error)
{
    const struct proto_event_removed *removed = body;

    (void)head;
    return view_find_demonstration(&project->draft, removed->key)
               ? 0
               : refuse(ret_error, "There is no demonstration %.64s.", removed->key);
}

/* `count` numbers, or one for all where that may be; all finite, and beyond `above`. */
static bool numbers_fit(const struct proto_reals *numbers, size_t count, bool or_one, double above)
{
    if (numbers->count != count && !(or_one && numbers->count == 1))
        return false;
    for (size_t i = 0; i < numbers->count; i++)
        if (!isfinite(numbers->items[i]) || numbers->items[i] <= above)
            return false;
    return true;
}

static bool number_fits(double number, double min, double max)
{
    return isnan(number) || (number >= min && number <= max);
}

int check_scales_frozen(const struct project *project, const struct event_head *head,
                        const void *body, struct proto_error *ret_error)
{
    const struct proto_scales *scales = body;
    const struct view *draft = &project->draft;
    const struct proto_project *settings = &draft->settings->project;
    size_t states = (size_t)settings->state_dim, actions = (size_t)settings->action_dim;
    size_t vector = draft->tasks.count ? view_task(draft, 0)->task.vector.count : 0;

    (void)head;
    /* A fit that takes its time may be logged when all it was made of has been taken back. */
    if (settings->state_dim == PROTO_INT_NULL || settings->action_dim == PROTO_INT_NULL)
        return refuse(ret_error, "There was nothing to take the numbers from.");
    if (!numbers_fit(&scales->state_mean, states, false, -INFINITY) ||
        !numbers_fit(&scales->state_std, states, false, 0) ||
        !numbers_fit(&scales->action_mean, actions, false, -INFINITY) ||
        !numbers_fit(&scales->action_std, actions, false, 0) ||
        !numbers_fit(&scales->state_scale, states, true, 0) ||
        !numbers_fit(&scales->task_scale, vector, true, 0) ||
        !number_fits(scales->task_correlation, 0, 1) ||
        !number_fits(scales->variance, 1e-300, 1e300) ||
        !number_fits(scales->noise_std, 1e-300, 1e300))
        return refuse(ret_error, "The numbers are not ones that this project's data can give.");
    return 0;
}

static bool lease_fits(const struct event_head *head, int64_t expires_ms)
{
    return expires_ms >= head->at_ms && expires_ms - head->at_ms <= LEASE_MAX_MS;
}

static bool by_task_fits(const struct proto_by_task *list)
{
    return !list || list->tasks.count == list->values.count;
}

/* What a decision says it was made of, that a replay and a report go by. */
static bool basis_fits(const struct proto_event_opened *opened, int64_t seq)
{
    const struct proto_basis *basis = opened->basis;

    if (opened->ranking_seq < 0 || opened->ranking_seq >= seq || opened->pick < 0 ||
        opened->pick >= RANKING_MAX_PICKS)
        return false;
    return !basis || (by_task_fits(basis->scores) && by_task_fits(basis->shares) &&
                      by_task_fits(basis->pending) && by_task_fits(basis->unseen) &&
                      by_task_fits(basis->entropies));
}

int check_assignment_opened(const struct project *project, const struct event_head *head,
                            const void *body, struct proto_error *ret_error)
{
    const struct proto_event_opened *opened = body;
    const struct proto_assignment *assignment = &opened->assignment;

    if (!has_id(assignment->id, 'a', head->seq) || assignment->fence != head->seq ||
        assignment->state != PROTO_ASSIGNMENT_OPEN || !lease_fits(head, opened->expires_ms))
        return refuse(ret_error, "Assignment %.64s has another id, fence, state or time.",
                      assignment->id);
    if (view_find_task(&project->draft, assignment->task) == SIZE_MAX)
        return refuse(ret_error, "There is no task %.64s.", assignment->task);
    if (!assignment->operator_ || !basis_fits(opened, head->seq))
        return refuse(ret_error,
                      "Who asked for assignment %.64s, or what it was chosen by, cannot be.",
                      assignment->id);
    return 0;
}

/* NULL: there is no open assignment of that id. */
static const struct proto_assignment *find_open(const struct view *draft, const char *id)
{
    const struct assignment *found = view_find_assignment(draft, id);

    return found && found->assignment.state == PROTO_ASSIGNMENT_OPEN ? &found->assignment : NULL;
}

int check_assignment_completed(const struct project *project, const struct event_head *head,
                               const void *body, struct proto_error *ret_error)
{
    const struct proto_event_assignment_end *end = body;
    const struct proto_assignment *open = find_open(&project->draft, end->id);
    const struct demonstration *with =
        end->demonstration ? view_find_demonstration(&project->draft, end->demonstration) : NULL;

    (void)head;
    return open && with && same(with->meta.task, open->task)
               ? 0
               : refuse(ret_error, "There is no open assignment %.64s, or not that demonstration.",
                        end->id);
}

int check_assignment_ended(const struct project *project, const struct event_head *head,
                           const void *body, struct proto_error *ret_error)
{
    const struct proto_event_assignment_end *end = body;

    (void)head;
    return find_open(&project->draft, end->id)
               ? 0
               : refuse(ret_error, "There is no open assignment %.64s.", end->id);
}

int check_assignment_renewed(const struct project *project, const struct event_head *head,
                             const void *body, struct proto_error *ret_error)
{
    const struct proto_event_renewed *renewed = body;
    const struct assignment *found = view_find_assignment(&project->draft, renewed->id);

    return found && found->assignment.state == PROTO_ASSIGNMENT_OPEN &&
                   lease_has_fence(found, renewed->fence) && lease_fits(head, renewed->expires_ms)
               ? 0
               : refuse(ret_error, "There is no open assignment %.64s with that fence and time.",
                        renewed->id);
}

int check_leases_carried(const struct project *project, const struct event_head *head,
                         const void *body, struct proto_error *ret_error)
{
    const struct proto_event_carried *carried = body;
    const struct proto_carried_lease *leases = carried->leases.items;

    for (size_t i = 0; i < carried->leases.count; i++)
        if (!find_open(&project->draft, leases[i].id) || !lease_fits(head, leases[i].expires_ms))
            return refuse(ret_error, "There is no open assignment %.64s that lasts so long.",
                          leases[i].id);
    return 0;
}
