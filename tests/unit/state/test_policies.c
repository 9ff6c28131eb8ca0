/* Revisions and features as events fold them: who serves, who is retired, and that features stay
 * with their demonstrations. No store: what is folded here reads nothing back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/digest.h>
#include <proto/safetensors.h>

#include "policies.h"
#include "project_internal.h"

static void project_begin(struct project *project)
{
    *project = (struct project){.draft = {.id = "p"}};
    project->hashes = hashes_new(&project->draft.demonstrations);
    ck_assert_ptr_nonnull(project->hashes);
}

static void project_end(struct project *project)
{
    view_deinit(&project->draft);
    hashes_free(project->hashes);
}

struct bytes {
    unsigned char *data;
    size_t length;
};

/* checked: as an event from elsewhere; then *ret_error says why not. */
static int event(struct project *project, bool checked, const char *type, const char *body,
                 char prefix, const struct bytes *blob, struct proto_error *ret_error)
{
    char id[ID_BYTES];
    const int64_t seq = project->draft.seq + 1;

    project_id_format(prefix, seq, id);
    const struct store_event row = {.project = "p",
                                    .seq = seq,
                                    .at_ms = 1795255398250 + seq,
                                    .type = type,
                                    .body = body,
                                    .blob = blob ? blob->data : NULL,
                                    .blob_bytes = blob ? blob->length : 0,
                                    .blob_id = blob ? id : NULL};
    return checked ? project_take(project, &row, ret_error) : project_replay(project, &row);
}

static void folded(struct project *project, const char *type, const char *body)
{
    struct proto_error error;

    ck_assert_int_eq(event(project, false, type, body, '-', NULL, &error), 0);
}

static struct bytes demonstration_bytes(double value)
{
    double numbers[] = {value, value + 1, value + 2};
    struct proto_demonstration demonstration;
    struct bytes bytes;

    proto_demonstration_defaults(&demonstration);
    demonstration.task = "a";
    demonstration.states = demonstration.actions = (struct proto_matrix){numbers, 3, 1};
    ck_assert_int_eq(proto_demonstration_to_tensors(&demonstration, &bytes.data, &bytes.length), 0);
    return bytes;
}

/* The id of the new demonstration goes into ret_id. */
static void post(struct project *project, const char *role, double value, char ret_id[ID_BYTES])
{
    struct bytes blob = demonstration_bytes(value);
    struct proto_error error;
    char body[256];

    project_id_format('d', project->draft.seq + 1, ret_id);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"steps\":3,\"task\":\"a\",\"sha256\":\"%064d\",\"role\":\"%s\"}",
             ret_id, (int)value, role);
    ck_assert_int_eq(event(project, false, "demonstration_added", body, 'd', &blob, &error), 0);
    free(blob.data);
}

static void demonstrate(struct project *project, double value, char ret_id[ID_BYTES])
{
    post(project, "demonstration", value, ret_id);
}

/* phi of three steps and one column, all of one value. */
static struct bytes features_bytes(double value)
{
    double numbers[] = {value, value, value};
    const struct proto_named_matrix phi = {"phi", {numbers, 3, 1}};
    struct bytes bytes;

    ck_assert_int_eq(proto_tensors_write(&phi, 1, NULL, 0, &bytes.data, &bytes.length), 0);
    return bytes;
}

static int put(struct project *project, const char *revision, const char *demonstration,
               double value, struct proto_error *ret_error)
{
    struct bytes blob = features_bytes(value);
    char body[400], id[ID_BYTES], sha256[PROTO_SHA256_BYTES];
    int status;

    project_id_format('f', project->draft.seq + 1, id);
    proto_sha256(blob.data, blob.length, sha256);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"revision\":\"%s\",\"demonstration\":\"%s\",\"sha256\":\"%s\"}", id,
             revision, demonstration, sha256);
    status = event(project, true, "features_put", body, 'f', &blob, ret_error);
    free(blob.data);
    return status;
}

static void prepare(struct project *project)
{
    project_begin(project);
    folded(project, "project_created", "{\"id\":\"p\",\"policy\":{\"kind\":\"external\"}}");
    folded(project, "task_put", "{\"key\":\"a\"}");
}

static double phi_of(const struct view *view, const char *demonstration)
{
    const struct features *features =
        policy_features(&view->policies[0], view_demonstration_index(view, demonstration));

    return features ? features->numbers[PROTO_FEATURE_PHI][0] : -1;
}

START_TEST(features_stay_with_their_demonstrations)
{
    enum { COUNT = 600 }; /* more than two chunks of a list */
    static char ids[COUNT][ID_BYTES];
    struct proto_error error;
    struct project project;
    struct view *before;
    char body[64];

    prepare(&project);
    for (int i = 0; i < COUNT / 2; i++)
        demonstrate(&project, i, ids[i]);
    folded(&project, "policy_put", "{\"revision\":\"r\"}");
    for (int i = COUNT / 2; i < COUNT; i++)
        demonstrate(&project, i, ids[i]);
    for (int i = 0; i < COUNT; i += 3)
        ck_assert_int_eq(put(&project, "r", ids[i], i, &error), 0);
    before = view_freeze(&project.draft);
    ck_assert_ptr_nonnull(before);
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(body, sizeof body, "{\"key\":\"%.23s\"}", ids[i]);
        folded(&project, "demonstration_retracted", body);
    }
    ck_assert_int_eq(project.draft.policies[0].count, COUNT / 6);
    for (int i = 0; i < COUNT; i++) {
        double wanted = i % 3 ? -1 : i;

        ck_assert(phi_of(before, ids[i]) == wanted);
        if (i % 2)
            ck_assert(phi_of(&project.draft, ids[i]) == wanted);
    }
    view_unref(before);
    project_end(&project);
}
END_TEST

static void serving(const struct project *project, const char *selection, const char *likelihood)
{
    const char *names[] = {selection, likelihood};

    for (int role = 0; role < SERVING_COUNT; role++) {
        const char *name = view_serving_name(&project->draft, (enum serving)role);

        ck_assert_str_eq(name ? name : "none", names[role]);
    }
}

static int state_of(const struct project *project, const char *revision)
{
    return project->draft.policies[view_find_policy(&project->draft, revision)].state;
}

START_TEST(roles_are_taken_one_by_one)
{
    struct project project;

    prepare(&project);
    folded(&project, "policy_put", "{\"revision\":\"b1\",\"role\":\"both\"}");
    folded(&project, "policy_put", "{\"revision\":\"b2\",\"role\":\"both\"}");
    folded(&project, "policy_put", "{\"revision\":\"s\",\"role\":\"selection\"}");
    folded(&project, "policy_put", "{\"revision\":\"l\",\"role\":\"likelihood\"}");
    serving(&project, "none", "none");
    folded(&project, "policy_activated", "{\"revision\":\"b1\"}");
    serving(&project, "b1", "b1");
    folded(&project, "policy_activated", "{\"revision\":\"s\"}");
    serving(&project, "s", "b1");
    ck_assert_int_eq(state_of(&project, "b1"), PROTO_REVISION_ACTIVE);
    folded(&project, "policy_activated", "{\"revision\":\"l\"}");
    serving(&project, "s", "l");
    ck_assert_int_eq(state_of(&project, "b1"), PROTO_REVISION_RETIRED);
    folded(&project, "policy_activated", "{\"revision\":\"b2\"}");
    serving(&project, "b2", "b2");
    ck_assert_int_eq(state_of(&project, "s"), PROTO_REVISION_RETIRED);
    ck_assert_int_eq(state_of(&project, "l"), PROTO_REVISION_RETIRED);
    folded(&project, "project_updated", "{\"id\":\"p\",\"policy\":{\"kind\":\"gp\"}}");
    folded(&project, "policy_activated", "{\"revision\":\"gp\"}");
    serving(&project, "gp", "gp");
    ck_assert_int_eq(state_of(&project, "b2"), PROTO_REVISION_RETIRED);
    project_end(&project);
}
END_TEST

START_TEST(a_retired_revision_lets_its_features_go)
{
    struct project project;
    struct proto_error error;
    char id[ID_BYTES], later[ID_BYTES];

    prepare(&project);
    demonstrate(&project, 1, id);
    folded(&project, "policy_put", "{\"revision\":\"r1\"}");
    folded(&project, "policy_put", "{\"revision\":\"r2\"}");
    ck_assert_int_eq(put(&project, "r1", id, 7, &error), 0);
    folded(&project, "policy_activated", "{\"revision\":\"r1\"}");
    folded(&project, "policy_activated", "{\"revision\":\"r2\"}");
    ck_assert_uint_eq(project.draft.policies[0].features.count, 0);
    demonstrate(&project, 2, later); /* lists of retired revisions stay empty */
    ck_assert_uint_eq(project.draft.policies[0].features.count, 0);
    ck_assert_uint_eq(project.draft.policies[1].features.count, 2);
    ck_assert_int_eq(put(&project, "r1", id, 7, &error), PROTO_CODE_POLICY_IN_USE);
    project_end(&project);
}
END_TEST

static const struct {
    const char *reason, *type, *body;
    int code;
} wrong[] = {
    {"an unknown revision", "policy_activated", "{\"revision\":\"none\"}",
     PROTO_CODE_POLICY_NOT_FOUND},
    {"the built-in one, which an external project lacks", "policy_activated",
     "{\"revision\":\"gp\"}", PROTO_CODE_POLICY_NOT_FOUND},
    {"a name that is taken", "policy_put", "{\"revision\":\"gp\"}", PROTO_CODE_INVALID_FIELD},
    {"no name", "policy_put", "{}", PROTO_CODE_MISSING_FIELD},
    {"a network without its weights", "policy_put", "{\"revision\":\"m\",\"kind\":\"mlp\"}",
     PROTO_CODE_INVALID_FIELD},
    {"the built-in kind", "policy_put", "{\"revision\":\"m\",\"kind\":\"gp\"}",
     PROTO_CODE_INVALID_FIELD},
    {"a file that is not there", "policy_put", "{\"revision\":\"m\",\"sha256\":\"00\"}",
     PROTO_CODE_INVALID_ARCHIVE},
    {"sigma of nothing", "policy_put", "{\"revision\":\"m\",\"sigma\":0}",
     PROTO_CODE_INVALID_FIELD},
};

START_TEST(events_from_elsewhere_are_held_to_what_commands_are)
{
    struct project project;
    struct proto_error error = {PROTO_CODE_OK};
    int status;

    prepare(&project);
    folded(&project, "policy_put", "{\"revision\":\"r\"}");
    status = event(&project, true, wrong[_i].type, wrong[_i].body, '-', NULL, &error);
    ck_assert_msg(status == wrong[_i].code, "%s: %d, %s", wrong[_i].reason, status, error.detail);
    ck_assert_int_eq(project.draft.seq, 3);
    project_end(&project);
}
END_TEST

START_TEST(features_from_elsewhere_are_what_they_say)
{
    struct bytes blob = features_bytes(1);
    struct project project;
    struct proto_error error = {PROTO_CODE_OK};
    char id[ID_BYTES], body[400], sha256[PROTO_SHA256_BYTES];

    prepare(&project);
    demonstrate(&project, 1, id);
    folded(&project, "policy_put", "{\"revision\":\"r\"}");
    proto_sha256(blob.data, blob.length, sha256);
    snprintf(body, sizeof body,
             "{\"id\":\"f0000000005\",\"revision\":\"r\",\"demonstration\":\"%s\",\"sha256\":"
             "\"%064d\"}",
             id, 0);
    ck_assert_int_eq(event(&project, true, "features_put", body, 'f', &blob, &error),
                     PROTO_CODE_INVALID_ARCHIVE); /* another hash */
    snprintf(body, sizeof body,
             "{\"id\":\"f0000000006\",\"revision\":\"r\",\"demonstration\":\"%s\",\"sha256\":"
             "\"%s\"}",
             id, sha256);
    ck_assert_int_eq(event(&project, true, "features_put", body, 'f', &blob, &error),
                     PROTO_CODE_INVALID_ARCHIVE); /* another id */
    body[14] = '5';
    ck_assert_int_eq(event(&project, true, "features_put", body, 'd', &blob, &error),
                     PROTO_CODE_INVALID_ARCHIVE); /* bytes under another name */
    ck_assert_int_eq(event(&project, true, "features_put", body, 'f', NULL, &error),
                     PROTO_CODE_INVALID_ARCHIVE); /* no bytes */
    ck_assert_int_eq(put(&project, "r", "d0000000099", 1, &error),
                     PROTO_CODE_DEMONSTRATION_NOT_FOUND);
    ck_assert_int_eq(put(&project, "none", id, 1, &error), PROTO_CODE_POLICY_NOT_FOUND);
    ck_assert_int_eq(put(&project, "r", id, 1, &error), 0);
    free(blob.data);
    project_end(&project);
}
END_TEST

/* By which an ask decides whether a newer ranking is worth waiting for. */
START_TEST(leases_and_unused_rollouts_are_no_evidence)
{
    struct project project;
    char id[ID_BYTES], body[256];

    prepare(&project);
    demonstrate(&project, 1, id);
    ck_assert_int_eq(project.draft.evidence_seq, 3);
    snprintf(body, sizeof body,
             "{\"assignment\":{\"id\":\"a0000000004\",\"task\":\"a\",\"operator\":\"anna\","
             "\"fence\":4},\"expires_ms\":1}");
    folded(&project, "assignment_opened", body);
    folded(&project, "assignment_released", "{\"id\":\"a0000000004\"}");
    post(&project, "rollout", 2, id);
    ck_assert_int_eq(project.draft.evidence_seq, 3);
    folded(&project, "project_updated", "{\"id\":\"p\",\"criterion\":{\"target\":\"failure\"}}");
    ck_assert_int_eq(project.draft.evidence_seq, 7);
    post(&project, "rollout", 3, id);
    ck_assert_int_eq(project.draft.evidence_seq, 8);
    project_end(&project);
}
END_TEST

static void ranked(const struct project *project, int64_t seq)
{
    struct view *view = view_freeze(&project->draft);

    ck_assert_ptr_nonnull(view);
    ck_assert_int_eq(view->ranked_seq, seq);
    ck_assert_int_eq(view->evidence_seq, seq);
    view_unref(view);
}

/* By which the ranking thread decides whether a view needs a ranking of its own. */
START_TEST(what_comes_for_a_revision_that_does_not_serve_is_not_ranked)
{
    struct proto_error error;
    struct project project;
    char first[ID_BYTES], second[ID_BYTES];

    prepare(&project);
    demonstrate(&project, 1, first);
    demonstrate(&project, 2, second);
    ranked(&project, 4);
    folded(&project, "policy_put", "{\"revision\":\"s\",\"role\":\"selection\"}");
    folded(&project, "policy_put", "{\"revision\":\"l\",\"role\":\"likelihood\"}");
    ck_assert_int_eq(put(&project, "s", first, 1, &error), 0);
    ck_assert_int_eq(put(&project, "l", first, 1, &error), 0);
    folded(&project, "policy_put", "{\"revision\":\"l\",\"role\":\"likelihood\",\"sigma\":2}");
    ranked(&project, 4);
    folded(&project, "policy_activated", "{\"revision\":\"s\"}");
    ranked(&project, 10);
    ck_assert_int_eq(put(&project, "l", second, 1, &error), 0);
    ranked(&project, 10);
    ck_assert_int_eq(put(&project, "s", second, 1, &error), 0);
    ranked(&project, 12);
    folded(&project, "policy_activated", "{\"revision\":\"l\"}");
    ck_assert_int_eq(put(&project, "l", first, 3, &error), 0);
    ranked(&project, 14);
    project_end(&project);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policies");
    TCase *tests = tcase_create("policies");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 120); /* the default, 4 s, is short on a busy machine */
    tcase_add_test(tests, features_stay_with_their_demonstrations);
    tcase_add_test(tests, roles_are_taken_one_by_one);
    tcase_add_test(tests, leases_and_unused_rollouts_are_no_evidence);
    tcase_add_test(tests, what_comes_for_a_revision_that_does_not_serve_is_not_ranked);
    tcase_add_test(tests, a_retired_revision_lets_its_features_go);
    tcase_add_loop_test(tests, events_from_elsewhere_are_held_to_what_commands_are, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, features_from_elsewhere_are_what_they_say);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
