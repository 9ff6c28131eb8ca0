#include <stdlib.h>

#include <state/rollouts.h>

void rollouts_deinit(struct rollouts *rollouts)
{
    free(rollouts->tasks);
    free(rollouts->newest);
    *rollouts = (struct rollouts)ROLLOUTS_NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

int rollouts_init(struct rollouts *rollouts, const struct view *view)
{
    size_t most = (size_t)view->settings->project.criterion.rollouts_per_task, wanted = 0;

    *rollouts = (struct rollouts){
        .tasks = calloc(view->tasks.count + 1, sizeof *rollouts->tasks),
        .newest = calloc(view->demonstrations.count + 1, sizeof *rollouts->newest)};
    if (!rollouts->tasks || !rollouts->newest) {
        rollouts_deinit(rollouts);
        return -1;
    }
    for (size_t c = 0; c < view->tasks.count; c++)
        wanted += least(most, (size_t)view->counts[c].rollouts);
    for (size_t i = view->demonstrations.count; rollouts->count < wanted && i-- > 0;) {
        const struct proto_demonstration *meta = &view_demonstration(view, i)->meta;
        struct rollout_count *count;

        if (meta->role != PROTO_ROLE_ROLLOUT)
            continue;
        count = &rollouts->tasks[view_find_task(view, meta->task)];
        if (count->rollouts == most)
            continue;
        count->rollouts++;
        count->succeeded += meta->success;
        rollouts->newest[i] = true;
        rollouts->count++;
    }
    return 0;
}

double rollouts_failure_rate(const struct rollout_count *count)
{
    return ((double)(count->rollouts - count->succeeded) + 1) / ((double)count->rollouts + 2);
}
