/* Leases against a model of them, over thousands of steps taken by chance: ask, renew, skip, fail,
 * release, complete in time and late, with right, stale and foreign fences; time that passes, wall
 * clocks that jump, daemons and machines that start again.
 *
 * The handlers are those of the server, on a store on disk; only the clock is ours, and nobody
 * waits. LEASES_SEEDS in the environment: how many seeds. A seed that fails is printed, and runs
 * alone with LEASES_SEED.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <state/lease.h>

#include "leases_world.h"

#define STEPS 120

static const char *const operators[LEASES_OPERATORS] = {"anna", "boris", "carla", "dora"};
static const char *const tasks[LEASES_TASKS] = {"cut", "grasp", "pour", "wipe"};

#define ASSIGNMENT "/v1/projects/{project}/assignments/{assignment}"

static int expire_body(struct store_tx *tx, void *arg)
{
    struct world *world = arg;
    struct project *project;
    struct proto_error error;

    ck_assert_int_eq(state_project(world->state, PROJECT, &project, &error), 0);
    return project_expire(project, tx);
}

/* ---- what both should agree on ---- */

static int chance(struct world *world, int bound)
{
    return (int)amf_rng_below(&world->rng, (size_t)bound);
}

static void compare_lease(struct world *world, const struct view *view,
                          const struct model_lease *lease)
{
    struct leases *model = &world->model;
    const struct assignment *held = view_find_assignment(view, lease->id);
    const struct instant now = state_instant(world->state);

    if (!held) {
        leases_violated(model, "%s is lost", lease->id);
        return;
    }
    if ((int)held->assignment.state != (int)lease->state)
        leases_violated(model, "%s is %s, not %d", lease->id,
                        proto_assignment_state_names[held->assignment.state], lease->state);
    if (strcmp(held->assignment.operator_, operators[lease->operator_]) != 0 ||
        strcmp(held->assignment.task, tasks[lease->task]) != 0)
        leases_violated(model, "%s is in two hands", lease->id);
    if (held->assignment.fence != lease->fences[lease->fence_count - 1])
        leases_violated(model, "%s has another fence", lease->id);
    if (lease->state == LEASE_OPEN && lease_left_ms(view, held, &now) != lease->ends - model->now)
        leases_violated(model, "%s has %lld ms left, not %lld", lease->id,
                        (long long)lease_left_ms(view, held, &now),
                        (long long)(lease->ends - model->now));
}

/* Once what is due has been logged. */
static void compare(struct world *world)
{
    struct leases *model = &world->model;
    struct view *view;

    ck_assert_int_eq(store_write(world->store, expire_body, world), 0);
    view = state_view(world->state, PROJECT);
    if ((int)view->assignments.count != model->lease_count)
        leases_violated(model, "there are %zu assignments, not %d", view->assignments.count,
                        model->lease_count);
    if ((int)view->demonstrations.count != world->held)
        leases_violated(model, "%zu demonstrations are held, not %d", view->demonstrations.count,
                        world->held);
    for (int i = 0; i < model->lease_count && !*model->violation; i++)
        compare_lease(world, view, &model->leases[i]);
    for (int task = 0; task < LEASES_TASKS; task++) {
        const struct task_counts *counts = &view->counts[view_find_task(view, tasks[task])];

        if (counts->demonstrations != model->demonstrations[task] ||
            counts->pending != leases_pending(model, task) ||
            task_attempts(counts) != leases_attempts(model, task))
            leases_violated(model, "%s is counted %lld, %lld pending, %lld tried", tasks[task],
                            (long long)counts->demonstrations, (long long)counts->pending,
                            (long long)task_attempts(counts));
    }
    view_unref(view);
}

/* ---- steps ---- */

static int64_t lease_ms(struct world *world)
{
    return 1000 * (1 + chance(world, 60));
}

/* A live one, or one that may have ended a while ago. */
static struct model_lease *any_lease(struct world *world)
{
    struct leases *model = &world->model;
    int first = model->lease_count ? chance(world, model->lease_count) : 0;

    if (model->lease_count == 0)
        return NULL;
    for (int i = 0; i < model->lease_count && chance(world, 20); i++) {
        struct model_lease *lease = &model->leases[(first + i) % model->lease_count];

        if (leases_is_live(model, lease))
            return lease;
    }
    return &model->leases[first];
}

/* The newest, one it had before, or one of another lease. */
static int64_t any_fence(struct world *world, const struct model_lease *lease)
{
    int kind = chance(world, 8);

    if (kind == 0)
        return 1 + chance(world, (int)world->model.newest_fence + 3);
    if (kind <= 3)
        return lease->fences[chance(world, lease->fence_count)];
    return lease->fences[lease->fence_count - 1];
}

static int find_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    ck_abort_msg("nobody knows %s", name);
    return -1;
}

/* How many open assignments of an operator are given again, and that they are its oldest. */
static int check_given_again(struct world *world, int operator_, const struct proto_asked *asked)
{
    const struct proto_assignment *items = asked->assignments.items;
    struct leases *model = &world->model;
    int again = 0;

    for (int i = 0; i < model->lease_count && again < (int)asked->assignments.count; i++) {
        const struct model_lease *lease = &model->leases[i];

        if (lease->operator_ != operator_ || !leases_is_live(model, lease))
            continue;
        if (strcmp(items[again].id, lease->id) != 0 ||
            items[again].fence != lease->fences[lease->fence_count - 1])
            leases_violated(model, "%s was not given again", lease->id);
        again++;
    }
    return again;
}

static void step_ask(struct world *world)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    int operator_ = chance(world, LEASES_OPERATORS);
    struct proto_ask ask;
    struct proto_asked asked = {.reason = NULL};
    int64_t length_ms = lease_ms(world);
    const char *reason;

    proto_ask_defaults(&ask);
    ask.operator_ = operators[operator_];
    ask.count = 1 + (chance(world, 4) == 0) * chance(world, 3);
    ask.lease_s = (double)length_ms / 1000;
    ck_assert_int_eq(server_call(world, &arena, "POST", "/v1/projects/{project}/assignments", NULL,
                                 &ask, &asked),
                     PROTO_CODE_OK);
    for (int i = check_given_again(world, operator_, &asked); i < (int)asked.assignments.count;
         i++) {
        const struct proto_assignment *item =
            &((const struct proto_assignment *)asked.assignments.items)[i];

        leases_opened(model, item->id, operator_, find_name(tasks, LEASES_TASKS, item->task),
                      item->fence, length_ms, item->rule == PROTO_RULE_MINIMUM);
    }
    if ((int64_t)asked.assignments.count == ask.count)
        return;
    reason = leases_reason(model, operator_);
    world->nothing++;
    if (!reason || !asked.reason || strcmp(reason, asked.reason->code) != 0)
        leases_violated(model, "%s was told %s, not %s", operators[operator_],
                        asked.reason ? asked.reason->code : "nothing", reason ? reason : "a task");
}

static void step_renew(struct world *world)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    struct model_lease *lease = any_lease(world);
    struct proto_assignment answer;
    int64_t length_ms = lease_ms(world);
    struct proto_renew renew;
    enum proto_code code;

    if (!lease)
        return;
    renew = (struct proto_renew){any_fence(world, lease), (double)length_ms / 1000};
    code = server_call(world, &arena, "POST", ASSIGNMENT "/renew", lease->id, &renew, &answer);
    world->refused += code == PROTO_CODE_LEASE_LOST;
    if (code == PROTO_CODE_OK)
        leases_renewed(model, lease, renew.fence, answer.fence, length_ms);
    else if (code != PROTO_CODE_LEASE_LOST || leases_takes(model, lease, renew.fence))
        leases_violated(model, "the renewal of %s with %lld was refused: %d", lease->id,
                        (long long)renew.fence, code);
}

static void step_end(struct world *world)
{
    static const struct {
        const char *template;
        enum leases_state state;
    } ways[] = {{ASSIGNMENT "/skip", LEASE_SKIPPED},
                {ASSIGNMENT "/fail", LEASE_FAILED},
                {ASSIGNMENT "/release", LEASE_RELEASED}};
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    struct model_lease *lease = any_lease(world);
    int way = chance(world, 3);
    struct proto_end end = {.to = chance(world, 3), .reason = "by chance"};
    struct proto_assignment answer;
    enum proto_code code;

    if (!lease)
        return;
    if (way > 0 || (end.to == PROTO_SKIP_NEVER && chance(world, 2)))
        end.to = PROTO_SKIP_ME;
    end.fence = any_fence(world, lease);
    code = server_call(world, &arena, "POST", ways[way].template, lease->id, &end, &answer);
    world->refused += code == PROTO_CODE_LEASE_LOST;
    if ((code == PROTO_CODE_OK) != leases_takes(model, lease, end.fence))
        leases_violated(model, "the end of %s with %lld: %d", lease->id, (long long)end.fence,
                        code);
    if (code == PROTO_CODE_OK)
        leases_ended(model, lease, ways[way].state, (enum leases_skip)end.to);
}

static void demonstration_fill(struct proto_demonstration *demonstration, double *numbers,
                               int content, int task, bool success)
{
    proto_demonstration_defaults(demonstration);
    numbers[0] = content;
    numbers[1] = 0.5 * content;
    numbers[2] = 1;
    demonstration->task = tasks[task];
    demonstration->success = success;
    demonstration->states = (struct proto_matrix){.data = numbers, .rows = 2, .cols = 1};
    demonstration->actions = (struct proto_matrix){.data = numbers + 1, .rows = 2, .cols = 1};
}

static void step_complete(struct world *world)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    struct model_lease *lease = any_lease(world);
    struct proto_demonstration demonstration;
    struct proto_complete complete = {.demonstration = &demonstration};
    struct proto_completed answer = {.credited = false};
    bool success = chance(world, 5) > 0, again = chance(world, 8) == 0 && world->content > 0;
    int content = again ? chance(world, world->content) : world->content;
    double numbers[3];
    bool takes, right;
    enum proto_code code;
    int task;

    if (!lease)
        return;
    complete.fence = any_fence(world, lease);
    task = chance(world, 10) ? lease->task : chance(world, LEASES_TASKS);
    right = task == lease->task;
    takes = leases_takes(model, lease, complete.fence) && success;
    demonstration_fill(&demonstration, numbers, content, task, success);
    code =
        server_call(world, &arena, "POST", ASSIGNMENT "/complete", lease->id, &complete, &answer);
    if (code != (right ? PROTO_CODE_OK : PROTO_CODE_WRONG_TASK))
        leases_violated(model, "the demonstration of %s for %s was answered %d", tasks[task],
                        lease->id, code);
    if (code != PROTO_CODE_OK)
        return;
    world->content += !again;
    if (!answer.demonstration.duplicate) {
        world->held++;
        model->demonstrations[task] += success;
        model->attempts_failed[task] += !success;
        lease->failed_demonstration |= !success;
    }
    if (!again && answer.demonstration.duplicate)
        leases_violated(model, "new content was taken for old");
    if (answer.credited != takes)
        leases_violated(model, "%s was %scredited with fence %lld", lease->id,
                        answer.credited ? "" : "not ", (long long)complete.fence);
    world->credited += answer.credited;
    world->late += !takes && success;
    if (answer.credited)
        leases_ended(model, lease, LEASE_COMPLETED, SKIP_ME);
    else if (!answer.reason)
        leases_violated(model, "%s got no credit, and no reason", lease->id);
}

static void put_task(struct world *world, int task)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    struct proto_task said, answer;

    proto_task_defaults(&said);
    said.key = tasks[task];
    said.min_demonstrations = model->minimum[task];
    if (model->maximum[task] < LEASES_NO_LIMIT)
        said.max_demonstrations = model->maximum[task];
    ck_assert_int_eq(server_call(world, &arena, "PUT", "/v1/projects/{project}/tasks/{task}",
                                 tasks[task], &said, &answer),
                     PROTO_CODE_OK);
    leases_task_updated(model, task);
}

/* What the log has last seen of the boot clock is its own affair, within what can be. */
static void look_when_last_seen(struct world *world)
{
    struct view *view = state_view(world->state, PROJECT);
    int64_t seen = view->boot_ms + world->boot_started;
    char boot_id[CLOCK_BOOT_ID_BYTES];

    world_tell_start(world, boot_id);
    if (!strcmp(view->boot_id, boot_id)) {
        if ((seen < world->model.last_seen || seen > world->model.now) && !world->sabotage)
            leases_violated(&world->model, "the boot clock was last seen at %lld", (long long)seen);
        world->model.last_seen = seen;
    }
    view_unref(view);
}

/* All that a view says of leases, as text. malloc'ed. */
static char *dump(struct world *world)
{
    struct view *view = state_view(world->state, PROJECT);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    fprintf(out, "%lld %zu %zu %zu\n", (long long)view->seq, view->open_count, view->skip_count,
            view->demonstrations.count);
    for (size_t i = 0; i < view->assignments.count; i++) {
        const struct assignment *held = view_assignment(view, i);
        char *json;
        size_t length;

        ck_assert_int_eq(proto_encode(&proto_assignment_shape, &held->assignment, &json, &length),
                         0);
        fprintf(out, "%s %lld %lld %s %lld %d\n", json, (long long)held->lease.length_ms,
                (long long)held->lease.given_boot_ms, held->lease.boot_id,
                (long long)held->lease.fence_before, held->lease.skip);
        free(json);
    }
    for (size_t i = 0; i < view->skip_count; i++)
        fprintf(out, "skip %zu\n", view->skips[i]);
    for (size_t i = 0; i < view->tasks.count; i++)
        fprintf(out, "%lld %lld %lld\n", (long long)view->counts[i].demonstrations,
                (long long)view->counts[i].pending, (long long)view->counts[i].given_up);
    fclose(out);
    view_unref(view);
    return text;
}

static void step_restart(struct world *world)
{
    char *before, *after;

    compare(world);
    before = dump(world);
    server_stop(world);
    if (chance(world, 2)) { /* the wall clock is set meanwhile */
        world->model.wall_offset += 1000 * (chance(world, 200000) - 100000);
        world->wall_jumps++;
    }
    server_start(world);
    after = dump(world);
    if (strcmp(before, after) != 0)
        leases_violated(&world->model, "a restart arrived at another state:\n%.80s\n%.80s", before,
                        after);
    free(before);
    free(after);
}

static void step_reboot(struct world *world)
{
    int64_t down_ms = 1000 * chance(world, 40);
    int64_t jump_ms = chance(world, 2) ? 1000 * (chance(world, 80) - 40) : 0;

    compare(world);
    look_when_last_seen(world);
    server_stop(world);
    leases_reboot(&world->model, down_ms, jump_ms);
    world->boot++;
    world->boot_started = world->model.now - chance(world, 5000);
    server_start(world);
    compare(world);
}

static void step_time(struct world *world)
{
    if (chance(world, 4) == 0) {
        world->model.wall_offset += 1000 * (chance(world, 20000) - 10000);
        world->wall_jumps++;
    }
    leases_pass(&world->model, chance(world, 3) ? chance(world, 5000) : chance(world, 40000));
    world_turn_clocks(world);
}

/* ---- what is broken on purpose ---- */

static int sabotage_body(struct store_tx *tx, void *arg)
{
    struct world *world = arg;
    struct leases *model = &world->model;
    const struct model_lease *lease = any_lease(world);
    const struct assignment *opened;
    struct project *project;
    struct proto_error error;

    ck_assert_int_eq(state_project(world->state, PROJECT, &project, &error), 0);
    if (world->sabotage == SABOTAGE_LOSS && world->held > 0)
        return project_retract_demonstration(
            project, tx, view_demonstration(project_view(project), 0)->meta.id, NULL, &error);
    if (world->sabotage == SABOTAGE_STALE_FENCE && lease && lease->fence_count > 2 &&
        leases_is_live(model, lease))
        return project_renew_assignment(project, tx, lease->id, lease->fences[0], 60);
    if (world->sabotage == SABOTAGE_BEYOND_BUDGET && leases_reason(model, 0))
        return project_open_assignment(
            project, tx,
            &(struct proto_event_opened){.assignment = {.task = tasks[0],
                                                        .operator_ = operators[0],
                                                        .gain = NAN,
                                                        .margin = NAN,
                                                        .why = "on purpose"}},
            60, &opened);
    return 0;
}

static void step(struct world *world)
{
    static void (*const steps[])(struct world *) = {
        step_ask, step_ask,      step_ask,      step_ask,      step_renew, step_renew, step_end,
        step_end, step_complete, step_complete, step_complete, step_time,  step_time,  step_time};
    int kind = chance(world, 200);

    world->steps++;
    if (kind < 3)
        step_restart(world);
    else if (kind < 7)
        step_reboot(world);
    else if (kind < 16)
        put_task(world, chance(world, LEASES_TASKS));
    else
        steps[chance(world, (int)(sizeof(steps) / sizeof(*steps)))](world);
    if (world->sabotage > SABOTAGE_WALL_CLOCK && world->steps > STEPS / 3)
        ck_assert_int_eq(store_write(world->store, sabotage_body, world), 0);
    if (chance(world, 3) == 0)
        compare(world);
}

/* ---- a run ---- */

static void make_project(struct world *world)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct leases *model = &world->model;
    struct proto_project settings, answer;

    model->budget = chance(world, 3) ? 8 + chance(world, 20) : LEASES_NO_LIMIT;
    proto_project_defaults(&settings);
    settings.id = PROJECT;
    settings.selection.warm_start = 0;
    settings.selection.rule = chance(world, 2) ? PROTO_RULE_CRITERION : PROTO_RULE_REBALANCE;
    if (model->budget < LEASES_NO_LIMIT)
        settings.selection.budget = model->budget;
    ck_assert_int_eq(server_call(world, &arena, "POST", "/v1/projects", NULL, &settings, &answer),
                     PROTO_CODE_OK);
    for (int task = 0; task < LEASES_TASKS; task++) {
        model->minimum[task] = chance(world, 4);
        model->maximum[task] =
            chance(world, 2) ? LEASES_NO_LIMIT : model->minimum[task] + 1 + chance(world, 8);
        put_task(world, task);
    }
}

static void run(uint64_t seed, enum sabotage sabotage, struct world *world)
{
    char command[128];

    memset(world, 0, sizeof(*world));
    amf_rng_init(&world->rng, seed, 0x6c656173);
    world->sabotage = sabotage;
    world->model.now = 1000000;
    world->model.wall_offset = 1795255398000;
    world->boot_started = world->model.now - 500;
    snprintf(world->directory, sizeof(world->directory), "/tmp/amf-leases-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->directory));
    ck_assert_int_eq(amf_pool_new(1, &world->pool), 0);
    server_start(world);
    make_project(world);
    while (world->steps < STEPS && !*world->model.violation)
        step(world);
    if (!*world->model.violation)
        step_restart(world);
    server_stop(world);
    amf_pool_free(world->pool);
    snprintf(command, sizeof(command), "rm -r %s", world->directory);
    ck_assert_int_eq(system(command), 0);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(leases_do_what_the_model_does)
{
    struct world *world = malloc(sizeof(*world));
    uint64_t one = number_from("LEASES_SEED", 0), seeds = number_from("LEASES_SEEDS", 60);
    int steps = 0, credited = 0, late = 0, refused = 0, nothing = 0;

    ck_assert_ptr_nonnull(world);
    for (uint64_t seed = one ? one : 1; seed <= (one ? one : seeds); seed++) {
        run(seed, SABOTAGE_NONE, world);
        ck_assert_msg(!*world->model.violation, "seed %llu, step %d: %s", (unsigned long long)seed,
                      world->steps, world->model.violation);
        steps += world->steps;
        credited += world->credited;
        late += world->late;
        refused += world->refused;
        nothing += world->nothing;
    }
    printf("# seeds %llu to %llu\n", (unsigned long long)(one ? one : 1),
           (unsigned long long)(one ? one : seeds));
    printf("# %d steps: %d credited, %d late, %d refused, %d times nothing to do\n", steps,
           credited, late, refused, nothing);
    /* Every corner was visited, or the agreement says little. */
    ck_assert(one || (credited > 0 && late > 0 && refused > 0 && nothing > 0));
    free(world);
}
END_TEST

START_TEST(what_is_broken_on_purpose_is_seen)
{
    struct world *world = malloc(sizeof(*world));

    ck_assert_ptr_nonnull(world);
    for (enum sabotage sabotage = SABOTAGE_NONE + 1; sabotage < SABOTAGE_COUNT; sabotage++) {
        uint64_t seed = 0;

        do
            run(++seed, sabotage, world);
        while (!*world->model.violation && seed < 10);
        printf("# sabotage %d, seed %llu: %s\n", sabotage, (unsigned long long)seed,
               world->model.violation);
        ck_assert_msg(*world->model.violation, "sabotage %d was not seen", sabotage);
    }
    free(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("property_leases");
    TCase *tests = tcase_create("leases");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 280);
    tcase_add_test(tests, leases_do_what_the_model_does);
    tcase_add_test(tests, what_is_broken_on_purpose_is_seen);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
