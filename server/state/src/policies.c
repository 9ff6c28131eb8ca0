#include "policies.h"

#include <stdlib.h>
#include <string.h>

#include <amf/sample.h>

#include "hosted.h"

/* ---- in a view ---- */

int policies_copy(const struct view *view, struct view *ret_draft)
{
    ret_draft->policies = calloc(view->policy_count + 1, sizeof *ret_draft->policies);
    if (!ret_draft->policies)
        return -1;
    memcpy(ret_draft->serving, view->serving, sizeof view->serving);
    for (size_t i = 0; i < view->policy_count; i++) {
        struct policy *policy = &ret_draft->policies[ret_draft->policy_count];

        *policy = view->policies[i];
        policy->features = (struct roll)ROLL_NULL;
        if (roll_copy(&view->policies[i].features, &policy->features))
            return -1;
        cell_ref(policy->revision);
        hosted_ref(policy->hosted);
        cell_ref(policy->summary);
        ret_draft->policy_count++;
    }
    return 0;
}

void policy_let_go(struct policy *policy)
{
    roll_deinit(&policy->features);
    hosted_unref(policy->hosted);
    cell_unref(policy->summary);
    policy->hosted = NULL;
    policy->summary = NULL;
    policy->count = 0;
}

void policies_deinit(struct view *draft)
{
    for (size_t i = 0; i < draft->policy_count; i++) {
        cell_unref(draft->policies[i].revision);
        policy_let_go(&draft->policies[i]);
    }
    free(draft->policies);
}

size_t policies_bytes(const struct view *view)
{
    size_t bytes = 0;

    for (size_t i = 0; view && i < view->policy_count; i++)
        if (view->policies[i].hosted)
            bytes += hosted_bytes(view->policies[i].hosted);
    return bytes;
}

void policies_forget(const struct view *view)
{
    for (size_t i = 0; view && i < view->policy_count; i++)
        if (view->policies[i].hosted)
            hosted_forget(view->policies[i].hosted);
}

int policies_add_demonstration(struct view *draft)
{
    for (size_t i = 0; i < draft->policy_count; i++)
        if (draft->policies[i].state != PROTO_REVISION_RETIRED &&
            roll_append(&draft->policies[i].features, NULL))
            return -1;
    return 0;
}

int policies_remove_demonstration(struct view *draft, size_t index)
{
    for (size_t i = 0; i < draft->policy_count; i++) {
        struct policy *policy = &draft->policies[i];

        if (policy->state == PROTO_REVISION_RETIRED)
            continue;
        policy->count -= policy_features(policy, index) ? 1 : 0;
        if (roll_remove(&policy->features, index))
            return -1;
    }
    return 0;
}

size_t view_find_policy(const struct view *view, const char *revision)
{
    for (size_t i = 0; i < view->policy_count; i++)
        if (!strcmp(view->policies[i].revision->meta.revision, revision))
            return i;
    return SIZE_MAX;
}

const struct policy *view_serving(const struct view *view, enum serving role)
{
    return view->serving[role] ? &view->policies[view->serving[role] - 1] : NULL;
}

const struct features *policy_features(const struct policy *policy, size_t demonstration)
{
    return demonstration < policy->features.count ? roll_get(&policy->features, demonstration)
                                                  : NULL;
}

bool view_has_gp(const struct view *view)
{
    return view->settings->project.policy.kind == PROTO_POLICY_GP;
}

const char *view_serving_name(const struct view *view, enum serving role)
{
    const struct policy *policy = view_serving(view, role);

    if (policy)
        return policy->revision->meta.revision;
    return view_has_gp(view) ? PROTO_REVISION_GP : NULL;
}

/* ---- one demonstration's numbers ---- */

/* Rows of one tensor that are kept, of every task. rows: H; 1 where it has no steps. */
static int features_thin(const struct proto_feature_file *file, enum proto_feature_tensor kind,
                         size_t tasks, int64_t max_steps, struct features *cell)
{
    const struct proto_tensor *tensor = file->tensors[kind];
    bool steps = kind != PROTO_FEATURE_LOG_LIKELIHOOD || tensor->rank == 2;
    size_t rows = steps && file->steps > 0 ? file->steps : 1,
           cols = tensor->element_count / tasks / rows;
    size_t kept = steps ? amf_sample_thin_count(rows, (size_t)max_steps) : 1;
    double *to = proto_arena_alloc(cell_arena(cell), tasks * kept, cols * sizeof *to);

    cell->numbers[kind] = to;
    for (size_t c = 0; to && c < tasks; c++)
        for (size_t t = 0; t < kept; t++, to += cols)
            proto_tensor_elements(tensor, (c * rows + amf_sample_thin_index(rows, kept, t)) * cols,
                                  cols, to);
    return cell->numbers[kind] ? 0 : -1;
}

struct features *features_new(const struct proto_event_features *event, int64_t seq, const char *at,
                              int64_t max_steps)
{
    const struct proto_feature_file *file = event->file;
    const struct proto_features meta = {event->id,     event->revision, event->demonstration,
                                        event->sha256, file->tasks,     file->form,
                                        .seq = seq,    .at = at};
    struct features *cell = cell_new(sizeof *cell);
    int failed = !cell || proto_copy(&proto_features_shape, &meta, cell_arena(cell), &cell->meta);

    if (!failed) {
        cell->steps = file->steps ? amf_sample_thin_count(file->steps, (size_t)max_steps) : 0;
        cell->task_count = file->tasks.count ? file->tasks.count : 1;
    }
    for (int k = 0; k < PROTO_FEATURE_COUNT && !failed; k++)
        if (file->tensors[k])
            failed = features_thin(
                file, (enum proto_feature_tensor)k,
                k == PROTO_FEATURE_LOG_LIKELIHOOD || file->form.per_task ? cell->task_count : 1,
                max_steps, cell);
    if (failed) {
        cell_unref(cell);
        return NULL;
    }
    return cell;
}

/* ---- what is missing ---- */

/* Whether its features, had it any, would say something of every task. */
static bool form_has_tasks(const struct proto_feature_form *form)
{
    return form->per_task || form->log_likelihood != PROTO_LIKELIHOOD_NONE;
}

static int lacks_tasks(const struct view *view, const struct features *features,
                       struct proto_arena *arena, struct proto_strings *ret_tasks)
{
    const char **items =
        arena ? proto_arena_alloc(arena, view->tasks.count + 1, sizeof *items) : NULL;
    size_t count = 0;

    if (arena && !items)
        return -1;
    for (size_t c = 0; c < view->tasks.count; c++) {
        const char *key = view_task(view, c)->task.key;

        if (features && proto_strings_have(&features->meta.tasks, key))
            continue;
        if (items)
            items[count] = key;
        count++;
    }
    *ret_tasks = (struct proto_strings){items, count};
    return 0;
}

int policy_lacks(const struct view *view, const struct policy_wants *wants,
                 const struct policy *policy, size_t demonstration, struct proto_arena *arena,
                 struct proto_missing_features *ret_missing)
{
    const struct demonstration *held = view_demonstration(view, demonstration);
    const struct features *features = policy_features(policy, demonstration);
    struct proto_missing_features missing = {.demonstration = held->meta.id,
                                             .reason = features ? PROTO_MISSING_STALE
                                                                : PROTO_MISSING_ALL};

    if (policy->revision->meta.kind == PROTO_POLICY_MLP ||
        !policy_wants_demonstration(wants, view, demonstration, policy->revision->meta.role) ||
        (features && !form_has_tasks(&policy->form)))
        return 0;
    if (lacks_tasks(view, features, arena, &missing.tasks))
        return -1;
    if (features && missing.tasks.count == 0)
        return 0;
    *ret_missing = missing;
    return 1;
}

void policy_count_missing(const struct view *view, const struct policy_wants *wants,
                          const struct policy *policy, int64_t *ret_demonstrations,
                          int64_t *ret_stale_pairs)
{
    struct proto_missing_features missing;

    *ret_demonstrations = *ret_stale_pairs = 0;
    if (policy->state == PROTO_REVISION_RETIRED)
        return;
    for (size_t i = 0; i < view->demonstrations.count; i++) {
        if (policy_lacks(view, wants, policy, i, NULL, &missing) <= 0)
            continue;
        if (missing.reason == PROTO_MISSING_ALL)
            ++*ret_demonstrations;
        else
            *ret_stale_pairs += (int64_t)missing.tasks.count;
    }
}

/* ---- as clients see them ---- */

static int describe_serves(const struct view *view, size_t place, struct proto_arena *arena,
                           struct proto_strings *ret_serves)
{
    static const char *const names[] = {"selection", "likelihood"};
    const char **items = proto_arena_alloc(arena, SERVING_COUNT, sizeof *items);
    size_t count = 0;

    if (!items)
        return -1;
    for (size_t role = 0; role < SERVING_COUNT; role++)
        if (view->serving[role] == place)
            items[count++] = names[role];
    *ret_serves = (struct proto_strings){items, count};
    return 0;
}

static int describe_gp(const struct view *view, struct proto_arena *arena,
                       struct proto_revision *ret_revision)
{
    struct proto_revision gp;

    proto_revision_defaults(&gp);
    gp.revision = PROTO_REVISION_GP;
    gp.kind = PROTO_POLICY_GP;
    gp.note = "Built in: the Gaussian process of the project's kernel and demonstrations.";
    if (describe_serves(view, 0, arena, &gp.serves))
        return -1;
    gp.state = gp.serves.count ? PROTO_REVISION_ACTIVE : PROTO_REVISION_RETIRED;
    *ret_revision = gp;
    return 0;
}

int view_describe_policy(const struct view *view, size_t index, struct proto_arena *arena,
                         struct proto_revision *ret_revision)
{
    const struct policy *policy = &view->policies[index];
    POLICY_WANTS_CLEANUP struct policy_wants wants = POLICY_WANTS_NULL;
    struct proto_revision said;

    if (index == view->policy_count)
        return describe_gp(view, arena, ret_revision);
    said = policy->revision->meta;
    said.state = policy->state;
    said.demonstrations = policy->hosted ? (int64_t)view->demonstrations.count : policy->count;
    if (policy->has_form) {
        said.features = proto_arena_alloc(arena, 1, sizeof *said.features);
        if (!said.features)
            return -1;
        *said.features = policy->form;
    }
    if (policy_wants_init(&wants, view))
        return -1;
    policy_count_missing(view, &wants, policy, &said.missing, &said.stale_pairs);
    if (describe_serves(view, index + 1, arena, &said.serves))
        return -1;
    *ret_revision = said;
    return 0;
}
