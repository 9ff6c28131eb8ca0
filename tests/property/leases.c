#include "leases.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void leases_violated(struct leases *model, const char *format, ...)
{
    va_list arguments;

    if (*model->violation)
        return;
    va_start(arguments, format);
    vsnprintf(model->violation, sizeof(model->violation), format, arguments);
    va_end(arguments);
}

/* ---- time ---- */

static void expire(struct leases *model)
{
    for (int i = 0; i < model->lease_count; i++)
        if (model->leases[i].state == LEASE_OPEN && model->leases[i].ends <= model->now)
            model->leases[i].state = LEASE_EXPIRED;
}

void leases_pass(struct leases *model, int64_t ms)
{
    model->now += ms;
    expire(model);
}

void leases_reboot(struct leases *model, int64_t down_ms, int64_t wall_jump_ms)
{
    int64_t last_seen = model->last_seen;

    model->now += down_ms;
    model->wall_offset += wall_jump_ms;
    for (int i = 0; i < model->lease_count; i++) {
        struct model_lease *lease = &model->leases[i];
        int64_t left = lease->ends - last_seen;
        int64_t wall_left = lease->wall_ends - (model->now + model->wall_offset);

        if (wall_left < left)
            left = wall_left > 0 ? wall_left : 0;
        if (lease->state != LEASE_OPEN)
            continue;
        lease->given = model->now;
        lease->ends = model->now + left;
        lease->wall_ends = lease->ends + model->wall_offset;
        model->last_seen = model->now;
    }
    expire(model);
}

/* ---- what may be ---- */

bool leases_is_live(const struct leases *model, const struct model_lease *lease)
{
    return lease->state == LEASE_OPEN && lease->ends > model->now;
}

bool leases_takes(const struct leases *model, const struct model_lease *lease, int64_t fence)
{
    return leases_is_live(model, lease) && (fence == lease->fences[lease->fence_count - 1] ||
                                            (lease->renewed_with && fence == lease->renewed_with));
}

int leases_pending(const struct leases *model, int task)
{
    int pending = 0;

    for (int i = 0; i < model->lease_count; i++)
        pending += leases_is_live(model, &model->leases[i]) && model->leases[i].task == task;
    return pending;
}

int leases_attempts(const struct leases *model, int task)
{
    return model->demonstrations[task] + model->attempts_failed[task] + leases_pending(model, task);
}

static bool is_blocked(const struct leases *model, int operator_, int task)
{
    for (int i = 0; i < model->block_count; i++) {
        const struct model_block *block = &model->blocks[i];

        if (!block->over && block->task == task &&
            (block->to == SKIP_NEVER || block->operator_ == operator_))
            return true;
    }
    return false;
}

static bool has_room(const struct leases *model, int task)
{
    return model->demonstrations[task] + leases_pending(model, task) < model->maximum[task];
}

static bool budget_is_spent(const struct leases *model)
{
    int spent = 0;

    for (int task = 0; task < LEASES_TASKS; task++)
        spent += model->demonstrations[task] + leases_pending(model, task);
    return spent >= model->budget;
}

bool leases_may_open(const struct leases *model, int operator_, int task)
{
    return !budget_is_spent(model) && has_room(model, task) && !is_blocked(model, operator_, task);
}

const char *leases_reason(const struct leases *model, int operator_)
{
    bool room = false;

    if (budget_is_spent(model))
        return "budget_spent";
    for (int task = 0; task < LEASES_TASKS; task++) {
        if (leases_may_open(model, operator_, task))
            return NULL;
        room |= has_room(model, task);
    }
    return room ? "skipped" : "all_done";
}

struct model_lease *leases_find(struct leases *model, const char *id)
{
    for (int i = 0; i < model->lease_count; i++)
        if (!strcmp(model->leases[i].id, id))
            return &model->leases[i];
    return NULL;
}

/* ---- what was ---- */

static void give(struct leases *model, struct model_lease *lease, int64_t fence, int64_t lease_ms)
{
    if (fence <= model->newest_fence)
        leases_violated(model, "fence %lld came after %lld", (long long)fence,
                        (long long)model->newest_fence);
    model->newest_fence = fence;
    model->last_seen = model->now;
    if (lease->fence_count == LEASES_FENCES) { /* the oldest is stale for good */
        memmove(lease->fences, lease->fences + 1, sizeof(lease->fences) - sizeof(*lease->fences));
        lease->fence_count--;
    }
    lease->fences[lease->fence_count++] = fence;
    lease->given = model->now;
    lease->ends = model->now + lease_ms;
    lease->wall_ends = lease->ends + model->wall_offset;
}

static void check_minimum(struct leases *model, int operator_, int task, bool for_minimum)
{
    bool lacks = model->demonstrations[task] + leases_pending(model, task) < model->minimum[task];

    if (for_minimum && !lacks)
        leases_violated(model, "task %d was given for a minimum that it has", task);
    for (int other = 0; other < LEASES_TASKS && !for_minimum; other++)
        if (leases_may_open(model, operator_, other) &&
            model->demonstrations[other] + leases_pending(model, other) < model->minimum[other])
            leases_violated(model, "task %d was given before the minimum of %d", task, other);
}

void leases_opened(struct leases *model, const char *id, int operator_, int task, int64_t fence,
                   int64_t lease_ms, bool for_minimum)
{
    struct model_lease *lease = &model->leases[model->lease_count];

    if (leases_find(model, id))
        leases_violated(model, "assignment %s was opened twice", id);
    if (!leases_may_open(model, operator_, task))
        leases_violated(model, "task %d was given to %d beyond a maximum, the budget or a skip",
                        task, operator_);
    check_minimum(model, operator_, task, for_minimum);
    *lease = (struct model_lease){.task = task, .operator_ = operator_};
    snprintf(lease->id, sizeof(lease->id), "%s", id);
    give(model, lease, fence, lease_ms);
    model->lease_count++;
    for (int i = 0; i < model->block_count; i++) {
        struct model_block *block = &model->blocks[i];

        if (block->to == SKIP_ME && block->operator_ == operator_ && block->task != task)
            block->over = true;
    }
}

void leases_renewed(struct leases *model, struct model_lease *lease, int64_t with, int64_t fence,
                    int64_t lease_ms)
{
    if (!leases_takes(model, lease, with))
        leases_violated(model, "%s was renewed with the stale fence %lld", lease->id,
                        (long long)with);
    lease->renewed_with = with;
    give(model, lease, fence, lease_ms);
}

void leases_ended(struct leases *model, struct model_lease *lease, enum leases_state state,
                  enum leases_skip to)
{
    if (!leases_is_live(model, lease))
        leases_violated(model, "%s ended a second time", lease->id);
    lease->state = state;
    model->last_seen = model->now;
    if (state == LEASE_FAILED && !lease->failed_demonstration)
        model->attempts_failed[lease->task]++;
    if (state == LEASE_SKIPPED)
        model->blocks[model->block_count++] =
            (struct model_block){lease->task, lease->operator_, to, false};
}

void leases_task_updated(struct leases *model, int task)
{
    for (int i = 0; i < model->block_count; i++)
        model->blocks[i].over |= model->blocks[i].task == task;
}
