#define _GNU_SOURCE /* reallocarray */
#include "ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ledger_init(struct ledger *ledger, size_t task_count)
{
    *ledger = (struct ledger){.task_count = task_count};
    pthread_mutex_init(&ledger->lock, NULL);
    ledger->busy = calloc(task_count + 1, sizeof(*ledger->busy));
    return ledger->busy ? 0 : -1;
}

void ledger_deinit(struct ledger *ledger)
{
    for (size_t i = 0; i < CALL_KINDS; i++)
        free(ledger->calls[i].values);
    free(ledger->busy);
    free(ledger->given);
    free(ledger->stored);
    free(ledger->fences);
    proto_arena_deinit(&ledger->arena);
    pthread_mutex_destroy(&ledger->lock);
}

/* Room for one more. False: none, which is remembered. */
static bool grow(struct ledger *ledger, void *items, size_t count, size_t *capacity, size_t size)
{
    void **array = items, *larger;

    if (count < *capacity)
        return true;
    larger = reallocarray(*array, *capacity ? 2 * *capacity : 64, size);
    ledger->no_memory = ledger->no_memory || !larger;
    if (!larger)
        return false;
    *array = larger;
    *capacity = *capacity ? 2 * *capacity : 64;
    return true;
}

static const char *keep(struct ledger *ledger, const char *text)
{
    const char *copy = proto_arena_strdup(&ledger->arena, text ? text : "");

    ledger->no_memory = ledger->no_memory || !copy;
    return copy ? copy : "";
}

__attribute__((format(printf, 2, 0))) static void note_broken(struct ledger *ledger,
                                                              const char *format, va_list args)
{
    if (ledger->broken_count++ < BROKEN_MAX)
        vsnprintf(ledger->broken[ledger->broken_count - 1], sizeof(ledger->broken[0]), format,
                  args);
}

__attribute__((format(printf, 2, 3))) static void broken(struct ledger *ledger, const char *format,
                                                         ...)
{
    va_list args;

    va_start(args, format);
    note_broken(ledger, format, args);
    va_end(args);
}

void ledger_broken(struct ledger *ledger, const char *format, ...)
{
    va_list args;

    pthread_mutex_lock(&ledger->lock);
    va_start(args, format);
    note_broken(ledger, format, args);
    va_end(args);
    pthread_mutex_unlock(&ledger->lock);
}

/* ---- answers ---- */

static void count_fault(struct ledger *ledger, const char *code, long status)
{
    for (size_t i = 0; i < ledger->fault_count; i++)
        if (strcmp(ledger->faults[i].code, code) == 0) {
            ledger->faults[i].count++;
            return;
        }
    if (ledger->fault_count == FAULTS_MAX)
        return;
    ledger->faults[ledger->fault_count] = (struct fault){.status = status, .count = 1};
    snprintf(ledger->faults[ledger->fault_count++].code, sizeof(ledger->faults[0].code), "%.39s",
             code);
}

static void note_fault(struct ledger *ledger, enum amf_client_status status,
                       const struct amf_client_result *result)
{
    long number = result->http_status;

    if (status == AMF_CLIENT_REFUSED) {
        count_fault(ledger, result->problem.code, number);
        if (number >= 500 && number != 503)
            broken(ledger, "the server answered %ld %s: %s", number, result->problem.code,
                   result->problem.detail ? result->problem.detail : "");
    } else {
        count_fault(ledger, status == AMF_CLIENT_UNREACHABLE ? "no answer" : "bad answer", 0);
        if (status != AMF_CLIENT_UNREACHABLE)
            broken(ledger, "a request could not be made: %s", result->error);
    }
}

void ledger_answer(struct ledger *ledger, enum call_kind kind, enum amf_client_status status,
                   const struct amf_client_result *result, double took_s, bool first_try)
{
    struct series *series = &ledger->calls[kind];

    pthread_mutex_lock(&ledger->lock);
    ledger->repeated += !first_try && status == AMF_CLIENT_OK;
    if (status != AMF_CLIENT_OK)
        note_fault(ledger, status, result);
    else if (first_try && grow(ledger, &series->values, series->count, &series->capacity,
                               sizeof(*series->values)))
        series->values[series->count++] = took_s;
    pthread_mutex_unlock(&ledger->lock);
}

/* ---- assignments ---- */

static void note_fence(struct ledger *ledger, const char *id, int64_t fence)
{
    for (size_t i = 0; i < ledger->fence_count; i++)
        if (ledger->fences[i] == fence)
            broken(ledger, "fence %lld was given twice, now with assignment %s", (long long)fence,
                   id);
    if (grow(ledger, &ledger->fences, ledger->fence_count, &ledger->fence_capacity,
             sizeof(*ledger->fences)))
        ledger->fences[ledger->fence_count++] = fence;
}

static void note_spread(struct ledger *ledger, size_t task, const char *why)
{
    size_t taken = 0, at_work = 0;

    for (size_t i = 0; i < ledger->task_count; i++) {
        taken += ledger->busy[i] > 0;
        at_work += ledger->busy[i];
    }
    if (at_work == 0)
        ledger->spread.alone++;
    else if (ledger->busy[task] == 0)
        ledger->spread.apart++;
    else if (taken == ledger->task_count)
        ledger->spread.forced++;
    else {
        ledger->spread.chosen++;
        snprintf(ledger->spread.why, WHY_MAX, "%s", why ? why : "");
    }
}

static size_t find_given(struct ledger *ledger, const char *id)
{
    for (size_t i = ledger->given_count; i-- > 0;)
        if (strcmp(ledger->given[i].id, id) == 0)
            return i;
    return SIZE_MAX;
}

static size_t add_given(struct ledger *ledger, size_t operator_, size_t task,
                        const struct proto_assignment *assignment)
{
    if (!grow(ledger, &ledger->given, ledger->given_count, &ledger->given_capacity,
              sizeof(*ledger->given)))
        return SIZE_MAX;
    note_fence(ledger, assignment->id, assignment->fence);
    if (task != SIZE_MAX)
        note_spread(ledger, task, assignment->why);
    ledger->given[ledger->given_count] = (struct given){
        .id = keep(ledger, assignment->id),
        .operator_ = operator_,
        .task = task,
        .fence = assignment->fence,
        .gain = assignment->gain,
        .rule = assignment->rule,
    };
    return ledger->given_count++;
}

static void set_busy(struct ledger *ledger, struct given *given, bool busy)
{
    if (given->task != SIZE_MAX && busy != given->busy)
        ledger->busy[given->task] += busy ? 1 : (size_t)-1;
    given->busy = busy;
}

size_t ledger_given(struct ledger *ledger, size_t operator_, const char *name, size_t task,
                    const struct proto_assignment *assignment)
{
    size_t found;

    pthread_mutex_lock(&ledger->lock);
    found = find_given(ledger, assignment->id);
    if (!assignment->operator_ || strcmp(assignment->operator_, name) != 0)
        broken(ledger, "%s was answered with an assignment of %s", name,
               assignment->operator_ ? assignment->operator_ : "nobody");
    if (found == SIZE_MAX)
        found = add_given(ledger, operator_, task, assignment);
    else if (ledger->given[found].operator_ != operator_)
        broken(ledger, "assignment %s is in two hands, one of them %s", assignment->id, name);
    else if (ledger->given[found].fence != assignment->fence)
        broken(ledger, "assignment %s changed its fence by itself", assignment->id);
    if (found != SIZE_MAX)
        set_busy(ledger, &ledger->given[found], true);
    pthread_mutex_unlock(&ledger->lock);
    return found;
}

void ledger_renewed(struct ledger *ledger, size_t given, int64_t fence)
{
    pthread_mutex_lock(&ledger->lock);
    note_fence(ledger, ledger->given[given].id, fence);
    if (fence <= ledger->given[given].fence)
        broken(ledger, "the fence of assignment %s did not rise", ledger->given[given].id);
    ledger->given[given].fence = fence;
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_ended(struct ledger *ledger, size_t given, int state, const char *demonstration)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->given[given].state = state;
    if (demonstration)
        ledger->given[given].demonstration = keep(ledger, demonstration);
    set_busy(ledger, &ledger->given[given], false);
    pthread_mutex_unlock(&ledger->lock);
}

/* ---- demonstrations ---- */

void ledger_stored(struct ledger *ledger, const struct proto_stored *stored, size_t task, int role,
                   bool success)
{
    pthread_mutex_lock(&ledger->lock);
    if (grow(ledger, &ledger->stored, ledger->stored_count, &ledger->stored_capacity,
             sizeof(*ledger->stored)))
        ledger->stored[ledger->stored_count++] = (struct stored){
            .id = keep(ledger, stored->id),
            .sha256 = keep(ledger, stored->sha256),
            .task = task,
            .role = role,
            .success = success,
            .duplicate = stored->duplicate,
        };
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_count(struct ledger *ledger, size_t *count)
{
    pthread_mutex_lock(&ledger->lock);
    ++*count;
    pthread_mutex_unlock(&ledger->lock);
}

size_t ledger_shown(struct ledger *ledger)
{
    size_t shown = 0;

    pthread_mutex_lock(&ledger->lock);
    for (size_t i = 0; i < ledger->stored_count; i++)
        shown += ledger->stored[i].role == PROTO_ROLE_DEMONSTRATION && ledger->stored[i].success;
    pthread_mutex_unlock(&ledger->lock);
    return shown;
}
