/* Lists are read page after page into arrays sorted by id; what was acknowledged is then looked up
 * one by one. A demonstration that was retracted by somebody else meanwhile counts as missing: it
 * was acknowledged, and it is not there.
 */
#define _GNU_SOURCE /* reallocarray */
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT 500

struct listed {
    const char *id;
    const char *text; /* of a demonstration: its sha256; of an assignment: its demonstration */
    const char *task, *holder;
    int64_t fence;
    int state, role;
};

struct list {
    struct listed *items;
    size_t count, capacity;
};

static int list_add(struct list *list, const struct listed *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : PAGE_LIMIT;
        struct listed *items = reallocarray(list->items, capacity, sizeof(*items));

        if (!items)
            return -1;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *item;
    return 0;
}

static void list_deinit(struct list *list)
{
    free(list->items);
}
#define LIST_CLEANUP __attribute__((cleanup(list_deinit)))

static int by_id(const void *left, const void *right)
{
    return strcmp(((const struct listed *)left)->id, ((const struct listed *)right)->id);
}

static const struct listed *find(const struct list *list, const char *id)
{
    const struct listed key = {.id = id};

    return list->count ? bsearch(&key, list->items, list->count, sizeof(key), by_id) : NULL;
}

/* ---- reading ---- */

/* One page; *ret_next is NULL behind the last. */
typedef enum amf_client_status (*page_fn)(struct fleet *fleet, struct cli *cli,
                                          const struct amf_client_page *page,
                                          struct amf_client_result *result, struct list *list,
                                          const char **ret_next);

static enum amf_client_status demonstration_page(struct fleet *fleet, struct cli *cli,
                                                 const struct amf_client_page *page,
                                                 struct amf_client_result *result,
                                                 struct list *list, const char **ret_next)
{
    struct proto_demonstration_list got;
    enum amf_client_status status =
        amf_client_demonstration_list(cli->client, fleet->project, page, result, &got);

    for (size_t i = 0; status == AMF_CLIENT_OK && i < got.demonstrations.count; i++) {
        const struct proto_demonstration *held =
            (const struct proto_demonstration *)got.demonstrations.items + i;
        const struct listed item = {.id = proto_arena_strdup(&cli->arena, held->id),
                                    .text = proto_arena_strdup(&cli->arena, held->sha256),
                                    .task = proto_arena_strdup(&cli->arena, held->task),
                                    .role = held->role};

        if (!item.id || !item.text || !item.task || list_add(list, &item) < 0)
            status = AMF_CLIENT_NO_MEMORY;
    }
    if (status == AMF_CLIENT_OK)
        *ret_next = got.next_cursor;
    return status;
}

static enum amf_client_status assignment_page(struct fleet *fleet, struct cli *cli,
                                              const struct amf_client_page *page,
                                              struct amf_client_result *result, struct list *list,
                                              const char **ret_next)
{
    struct proto_assignment_list got;
    enum amf_client_status status =
        amf_client_assignment_list(cli->client, fleet->project, page, result, &got);

    for (size_t i = 0; status == AMF_CLIENT_OK && i < got.assignments.count; i++) {
        const struct proto_assignment *given =
            (const struct proto_assignment *)got.assignments.items + i;
        const struct listed item = {.id = proto_arena_strdup(&cli->arena, given->id),
                                    .text = proto_arena_strdup(&cli->arena, given->demonstration),
                                    .task = proto_arena_strdup(&cli->arena, given->task),
                                    .holder = proto_arena_strdup(&cli->arena, given->operator_),
                                    .fence = given->fence,
                                    .state = given->state};

        if (!item.id || !item.task || list_add(list, &item) < 0)
            status = AMF_CLIENT_NO_MEMORY;
    }
    if (status == AMF_CLIENT_OK)
        *ret_next = got.next_cursor;
    return status;
}

static enum cli_exit read_list(struct fleet *fleet, struct cli *cli, page_fn read,
                               struct list *list)
{
    struct amf_client_page page = {.limit = PAGE_LIMIT};

    do {
        AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
        const char *next = NULL;
        enum amf_client_status status = read(fleet, cli, &page, &result, list, &next);

        if (status != AMF_CLIENT_OK)
            return cli_explain(cli, NULL, status, &result);
        page.cursor = proto_arena_strdup(&cli->arena, next);
        if (next && !page.cursor)
            return cli_no_memory(cli);
    } while (page.cursor);
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), by_id);
    return CLI_OK;
}

/* ---- comparing ---- */

static void check_stored(struct fleet *fleet, const struct list *list, struct verdict *verdict)
{
    struct ledger *ledger = &fleet->ledger;
    size_t fresh = 0;

    for (size_t i = 0; i < ledger->stored_count; i++) {
        const struct stored *stored = &ledger->stored[i];
        const struct listed *held = find(list, stored->id);

        fresh += !stored->duplicate;
        if (!held)
            ledger_broken(ledger, "demonstration %s was acknowledged and is missing", stored->id);
        else if (strcmp(held->text, stored->sha256) != 0 || held->role != stored->role ||
                 strcmp(held->task, fleet->book.tasks[stored->task]) != 0)
            ledger_broken(ledger, "demonstration %s is not what was acknowledged", stored->id);
        verdict->missing += !held;
    }
    verdict->demonstrations = ledger->stored_count;
    /* More than what somebody else may have sent cannot be told apart with --into. */
    verdict->unasked = fleet->options->into || list->count < fresh ? 0 : list->count - fresh;
    if (verdict->unasked > 0 && fleet->gave_up == 0)
        ledger_broken(ledger, "%zu demonstrations were stored more than once", verdict->unasked);
}

static void check_one_given(struct fleet *fleet, const struct given *given,
                            const struct listed *listed)
{
    struct ledger *ledger = &fleet->ledger;
    bool lapsed = given->state == PROTO_ASSIGNMENT_OPEN; /* as far as its holder knows */
    bool same = lapsed ? listed->state == PROTO_ASSIGNMENT_OPEN ||
                             listed->state == PROTO_ASSIGNMENT_EXPIRED ||
                             listed->state == PROTO_ASSIGNMENT_COMPLETED
                       : listed->state == given->state;

    if (!same)
        ledger_broken(ledger, "assignment %s is %s, and was acknowledged as %s", given->id,
                      proto_assignment_state_names[listed->state],
                      proto_assignment_state_names[given->state]);
    if (given->demonstration && (!listed->text || strcmp(listed->text, given->demonstration) != 0))
        ledger_broken(ledger, "assignment %s names another demonstration", given->id);
    if (listed->fence < given->fence)
        ledger_broken(ledger, "the fence of assignment %s fell", given->id);
}

static void check_given(struct fleet *fleet, const struct list *list, struct verdict *verdict)
{
    struct ledger *ledger = &fleet->ledger;

    for (size_t i = 0; i < ledger->given_count; i++) {
        const struct listed *listed = find(list, ledger->given[i].id);

        if (listed)
            check_one_given(fleet, &ledger->given[i], listed);
        else
            ledger_broken(ledger, "assignment %s is missing", ledger->given[i].id);
        verdict->missing += !listed;
    }
    verdict->assignments = ledger->given_count;
    if (!fleet->options->into && fleet->gave_up == 0 && list->count > ledger->given_count)
        ledger_broken(ledger, "%zu assignments were given to nobody",
                      list->count - ledger->given_count);
}

static bool same_hand(const struct listed *a, const struct listed *b)
{
    return a->state == PROTO_ASSIGNMENT_OPEN && b->state == PROTO_ASSIGNMENT_OPEN && a->holder &&
           b->holder && strcmp(a->holder, b->holder) == 0;
}

static void check_pairs(struct ledger *ledger, const struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < i; j++) {
            if (list->items[i].fence == list->items[j].fence)
                ledger_broken(ledger, "assignments %s and %s have the same fence",
                              list->items[i].id, list->items[j].id);
            if (same_hand(&list->items[i], &list->items[j]))
                ledger_broken(ledger, "%s has two open assignments", list->items[i].holder);
        }
}

static enum cli_exit count_tasks(struct fleet *fleet, struct cli *cli, struct task_tally *tallies)
{
    for (size_t i = 0; i < fleet->book.task_count; i++) {
        AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
        struct proto_task task;
        enum amf_client_status status =
            amf_client_task_get(cli->client, fleet->project, fleet->book.tasks[i], &result, &task);

        if (status != AMF_CLIENT_OK)
            return cli_explain(cli, NULL, status, &result);
        tallies[i].held = task.demonstrations;
        tallies[i].pretraining = task.pretraining_demonstrations;
        tallies[i].rollouts = task.rollouts;
        tallies[i].pending = task.pending;
        tallies[i].success_rate = task.success_rate;
    }
    return CLI_OK;
}

/* With a project of its own the server's counts are the fleet's, and so is the budget. */
static void check_counts(struct fleet *fleet, const struct task_tally *tallies, size_t unasked)
{
    struct ledger *ledger = &fleet->ledger;

    if (fleet->options->into || unasked > 0)
        return;
    for (size_t i = 0; i < fleet->book.task_count; i++)
        if (tallies[i].held != tallies[i].shown)
            ledger_broken(ledger, "%s: %lld demonstrations acknowledged, %lld counted",
                          fleet->book.tasks[i], (long long)tallies[i].shown,
                          (long long)tallies[i].held);
    if (ledger->credited > (size_t)fleet->options->demonstrations)
        ledger_broken(ledger, "%zu demonstrations were credited to a budget of %lld",
                      ledger->credited, (long long)fleet->options->demonstrations);
}

enum cli_exit verify(struct fleet *fleet, struct cli *cli, struct verdict *ret)
{
    LIST_CLEANUP struct list held = {NULL, 0, 0}, given = {NULL, 0, 0};
    struct ledger *ledger = &fleet->ledger;
    enum cli_exit status;

    *ret = (struct verdict){
        .tasks = proto_arena_alloc(&cli->arena, fleet->book.task_count, sizeof(*ret->tasks))};
    if (!ret->tasks)
        return cli_no_memory(cli);
    for (size_t i = 0; i < ledger->stored_count; i++)
        ret->tasks[ledger->stored[i].task].shown +=
            ledger->stored[i].role == PROTO_ROLE_DEMONSTRATION && ledger->stored[i].success;
    status = read_list(fleet, cli, demonstration_page, &held);
    if (status == CLI_OK)
        status = read_list(fleet, cli, assignment_page, &given);
    if (status == CLI_OK)
        status = count_tasks(fleet, cli, ret->tasks);
    if (status != CLI_OK)
        return status;
    check_stored(fleet, &held, ret);
    check_given(fleet, &given, ret);
    check_pairs(ledger, &given);
    check_counts(fleet, ret->tasks, ret->unasked);
    return CLI_OK;
}
