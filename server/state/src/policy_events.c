/* What happens to revisions of a policy: the events, what they do to the draft, and whether one
 * from elsewhere could have been logged here. */
#include <stdlib.h>
#include <string.h>

#include <proto/digest.h>
#include <state/clock.h>

#include "hosted.h"
#include "policies.h"
#include "project_internal.h"

/* ---- policy_put ---- */

static struct revision *revision_new(const struct event_head *head,
                                     const struct proto_revision *said)
{
    struct revision *cell = cell_new(sizeof *cell);
    struct proto_revision meta = *said;
    char at[CLOCK_TEXT_BYTES];

    clock_format(head->at_ms, at);
    meta.created_at = at;
    meta.seq = head->seq;
    if (!cell || proto_copy(&proto_revision_shape, &meta, cell_arena(cell), &cell->meta)) {
        cell_unref(cell);
        return NULL;
    }
    return cell;
}

static int take_summary(const struct proto_matrix *said, struct policy *policy)
{
    size_t count = said->rows * said->cols;
    struct summary *cell = cell_new(sizeof *cell);
    double *gram = cell ? proto_arena_alloc(cell_arena(cell), count, sizeof *gram) : NULL;

    if (!gram) {
        cell_unref(cell);
        return -1;
    }
    memcpy(gram, said->data, count * sizeof *gram);
    cell->gram = (struct proto_matrix){gram, said->rows, said->cols};
    cell_unref(policy->summary);
    policy->summary = cell;
    return 0;
}

/* What the file holds, in place of what an earlier one held. */
static int take_numbers(const struct view *draft, const struct proto_revision *said,
                        struct policy *policy)
{
    struct hosted *hosted = NULL;

    if (said->summary.rows && take_summary(&said->summary, policy))
        return -1;
    if (!said->summary.rows) {
        cell_unref(policy->summary);
        policy->summary = NULL;
    }
    if (!said->network)
        return 0;
    if (hosted_new(said->network, &draft->settings->project, &hosted))
        return -1;
    hosted_unref(policy->hosted);
    policy->hosted = hosted;
    policy->form = hosted_form(hosted);
    policy->has_form = true;
    return 0;
}

/* A slot with no features yet, for each demonstration there is. */
static int policy_init(const struct view *draft, struct revision *revision, struct policy *policy)
{
    *policy = (struct policy){.revision = cell_ref(revision), .state = PROTO_REVISION_STAGED};
    for (size_t i = 0; i < draft->demonstrations.count; i++)
        if (roll_append(&policy->features, NULL)) {
            roll_deinit(&policy->features);
            cell_unref(policy->revision);
            return -1;
        }
    return 0;
}

static int apply_policy_put(struct project *project, const struct event_head *head,
                            const void *body)
{
    const struct proto_revision *said = body;
    struct view *draft = &project->draft;
    size_t index = view_find_policy(draft, said->revision);
    struct revision *revision = revision_new(head, said);
    struct policy *policies;
    int failed = !revision;

    if (!failed && index != SIZE_MAX) {
        cell_unref(draft->policies[index].revision);
        draft->policies[index].revision = cell_ref(revision);
    } else if (!failed) {
        policies = reallocarray(draft->policies, draft->policy_count + 1, sizeof *policies);
        draft->policies = policies ? policies : draft->policies;
        failed = !policies || policy_init(draft, revision, &policies[draft->policy_count]);
        index = draft->policy_count;
        draft->policy_count += !failed;
    }
    cell_unref(revision);
    failed = failed || take_numbers(draft, said, &draft->policies[index]);
    return failed ? STORE_NO_MEMORY : 0;
}

static bool digest_is(const unsigned char *bytes, size_t length, const char *sha256)
{
    char hex[PROTO_SHA256_BYTES];

    proto_sha256(bytes, length, hex);
    return sha256 && !strcmp(hex, sha256);
}

static int check_policy_put(const struct project *project, const struct event_head *head,
                            const void *body, struct proto_error *ret_error)
{
    const struct proto_revision *said = body;
    int refused;

    (void)head;
    if (said->encoded_bytes ? !digest_is(said->encoded, said->encoded_bytes, said->sha256)
                            : said->sha256 != NULL)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "The file of revision %.64s is not the one it came as.",
                                    said->revision);
    refused = project_check_revision(&project->draft, said, ret_error);
    return refused ? refused : revision_check_summary(said, project->pool, ret_error);
}

/* ---- policy_activated ---- */

static void serve(struct view *draft, enum serving role, size_t place)
{
    size_t before = draft->serving[role];
    struct policy *old;

    draft->serving[role] = place;
    if (before == 0 || before == place || draft->serving[0] == before ||
        draft->serving[1] == before)
        return;
    old = &draft->policies[before - 1];
    old->state = PROTO_REVISION_RETIRED;
    policy_let_go(old);
}

static int apply_policy_activated(struct project *project, const struct event_head *head,
                                  const void *body)
{
    const struct proto_event_activated *activated = body;
    struct view *draft = &project->draft;
    size_t index = view_find_policy(draft, activated->revision);
    int role = PROTO_REVISION_BOTH;

    (void)head;
    if (index == SIZE_MAX && strcmp(activated->revision, PROTO_REVISION_GP) != 0)
        return STORE_CORRUPT;
    if (index != SIZE_MAX) {
        role = draft->policies[index].revision->meta.role;
        draft->policies[index].state = PROTO_REVISION_ACTIVE;
    }
    if (role != PROTO_REVISION_LIKELIHOOD)
        serve(draft, SERVING_SELECTION, index == SIZE_MAX ? 0 : index + 1);
    if (role != PROTO_REVISION_SELECTION)
        serve(draft, SERVING_LIKELIHOOD, index == SIZE_MAX ? 0 : index + 1);
    return 0;
}

static int check_policy_activated(const struct project *project, const struct event_head *head,
                                  const void *body, struct proto_error *ret_error)
{
    const struct proto_event_activated *activated = body;

    (void)head;
    return project_check_activation(&project->draft, activated->revision, ret_error);
}

/* ---- features_put ---- */

static int apply_features_put(struct project *project, const struct event_head *head,
                              const void *body)
{
    const struct proto_event_features *event = body;
    struct view *draft = &project->draft;
    size_t index = view_find_policy(draft, event->revision);
    size_t place = view_demonstration_index(draft, event->demonstration);
    struct features *cell;
    struct policy *policy;
    char at[CLOCK_TEXT_BYTES];
    int failed;

    if (index == SIZE_MAX || place == SIZE_MAX)
        return STORE_CORRUPT;
    clock_format(head->at_ms, at);
    policy = &draft->policies[index];
    cell = features_new(event, head->seq, at, draft->settings->project.criterion.max_steps);
    failed = !cell;
    if (!failed) {
        policy->count += policy_features(policy, place) ? 0 : 1;
        failed = roll_replace(&policy->features, place, cell);
        policy->form = cell->meta.form;
        policy->has_form = true;
    }
    cell_unref(cell);
    return failed ? STORE_NO_MEMORY : 0;
}

static int check_features_put(const struct project *project, const struct event_head *head,
                              const void *body, struct proto_error *ret_error)
{
    const struct proto_event_features *event = body;
    char id[ID_BYTES];
    int refused;

    project_id_format('f', head->seq, id);
    if (strcmp(event->id, id) != 0)
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "The features have another id than %s.", id);
    if (!digest_is(event->encoded, event->encoded_bytes, event->sha256))
        return (int)proto_error_set(ret_error, PROTO_CODE_INVALID_ARCHIVE, "",
                                    "The file of features %s is not the one they came as.", id);
    refused = project_check_features(&project->draft, event, ret_error);
    return refused ? refused
                   : (int)proto_features_check_finite(event->file, event->demonstration, ret_error);
}

/* Features thinned anew; used by project_rethin. */
static int rethin_one(const struct project *project, const struct features *old,
                      struct features **ret_new)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_feature_file file;
    struct proto_error error;
    unsigned char *bytes = NULL;
    size_t length;
    int status = project_read_blob(project, old->meta.id, &bytes, &length);

    if (!status)
        status =
            project_status_of_stored(proto_features_read(bytes, length, &arena, &file, &error));
    if (!status) {
        const struct proto_event_features event = {
            old->meta.id, old->meta.revision, old->meta.demonstration, old->meta.sha256, &file};

        *ret_new = features_new(&event, old->meta.seq, old->meta.at,
                                project->draft.settings->project.criterion.max_steps);
        status = *ret_new ? 0 : STORE_NO_MEMORY;
    }
    free(bytes);
    return status;
}

static int rethin_policy(const struct project *project, struct policy *policy)
{
    struct roll features = ROLL_NULL;
    int status = 0;

    for (size_t i = 0; i < policy->features.count && !status; i++) {
        const struct features *old = policy_features(policy, i);
        struct features *cell = NULL;

        status = old ? rethin_one(project, old, &cell) : 0;
        if (!status && roll_append(&features, cell))
            status = STORE_NO_MEMORY;
        cell_unref(cell);
    }
    if (status) {
        roll_deinit(&features);
        return status;
    }
    roll_deinit(&policy->features);
    policy->features = features;
    return 0;
}

int project_rethin_features(struct project *project)
{
    int status = 0;

    for (size_t i = 0; i < project->draft.policy_count && !status; i++)
        status = rethin_policy(project, &project->draft.policies[i]);
    return status;
}

const struct event_kind event_policy_put = {"policy_put", &proto_event_policy_shape,
                                            EVENT_BLOB_POLICY, apply_policy_put, check_policy_put};
const struct event_kind event_policy_activated = {"policy_activated", &proto_event_activated_shape,
                                                  EVENT_BLOB_NONE, apply_policy_activated,
                                                  check_policy_activated};
const struct event_kind event_features_put = {"features_put", &proto_event_features_shape,
                                              EVENT_BLOB_FEATURES, apply_features_put,
                                              check_features_put};
