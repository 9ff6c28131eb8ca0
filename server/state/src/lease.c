#include <string.h>

#include <state/lease.h>

static bool same_start(const char *boot_id, const char *other)
{
    return *boot_id && !strcmp(boot_id, other);
}

bool lease_is_tied(const struct view *view, const struct assignment *assignment,
                   const struct instant *now)
{
    bool went_back = same_start(view->boot_id, now->boot_id) && now->boot_ms < view->boot_ms;

    return same_start(assignment->lease.boot_id, now->boot_id) && !went_back;
}

/* What was left when the log last saw the boot clock of the lease's start; all of it, where that
 * is not known. */
static int64_t left_last(const struct view *view, const struct lease *lease)
{
    if (!same_start(lease->boot_id, view->boot_id) || view->boot_ms <= lease->given_boot_ms)
        return lease->length_ms;
    return lease->length_ms - (view->boot_ms - lease->given_boot_ms);
}

int64_t lease_left_ms(const struct view *view, const struct assignment *assignment,
                      const struct instant *now)
{
    const struct lease *lease = &assignment->lease;
    int64_t most_ms, wall_ms;

    if (lease_is_tied(view, assignment, now))
        return lease->length_ms - (now->boot_ms - lease->given_boot_ms);
    most_ms = left_last(view, lease);
    wall_ms = lease->expires_ms - now->wall_ms;
    return wall_ms < most_ms ? wall_ms : most_ms;
}

bool lease_is_live(const struct view *view, const struct assignment *assignment,
                   const struct instant *now)
{
    return assignment->assignment.state == PROTO_ASSIGNMENT_OPEN &&
           lease_left_ms(view, assignment, now) > 0;
}

bool lease_has_fence(const struct assignment *assignment, int64_t fence)
{
    return fence == assignment->assignment.fence ||
           (assignment->lease.fence_before && fence == assignment->lease.fence_before);
}

bool lease_task_is_skipped(const struct view *view, const char *task, const char *operator_)
{
    for (size_t i = 0; i < view->skip_count; i++) {
        const struct assignment *skipped = view_assignment(view, view->skips[i]);
        const struct proto_assignment *said = &skipped->assignment;

        if (!strcmp(said->task, task) &&
            (skipped->lease.skip == PROTO_SKIP_NEVER ||
             (operator_ && said->operator_ && !strcmp(said->operator_, operator_))))
            return true;
    }
    return false;
}
