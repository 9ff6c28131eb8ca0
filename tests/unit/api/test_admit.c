/* Who is let in: tokens in memory and on disk, and the rules of api_admit over routes made up here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <amf/pool.h>
#include <api/api.h>
#include <state/state.h>
#include <store/store.h>

#define OWNER "what an owner wrote into admin.token"

static char *directory;
static struct store *store;
static struct amf_pool *pool;
static struct state *state;
static int64_t now_ms;

static int64_t tell_time(void *arg)
{
    (void)arg;
    return now_ms;
}

static void start(void)
{
    char error[256] = "";
    const struct state_config config = {
        .pool = pool, .clock = {tell_time, NULL}, .admin_token = OWNER};
    struct state_config with_store = config;

    ck_assert_msg(store_open(directory, &store, error) == 0, "%s", error);
    with_store.store = store;
    ck_assert_msg(state_new(&with_store, &state, error) == 0, "%s", error);
}

static void stop(void)
{
    state_free(state);
    store_close(store);
}

static void setup(void)
{
    directory = strdup("/tmp/amf-admit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(amf_pool_new(1, &pool), 0);
    now_ms = 1000000;
    start();
}

static void teardown(void)
{
    char command[64];

    stop();
    amf_pool_free(pool);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
    free(directory);
}

/* A body that makes, or revokes, one token, and then answers `answer`. */
struct step {
    struct token token;
    char text[PROTO_TOKEN_TEXT_BYTES], id[PROTO_TOKEN_ID_BYTES];
    struct proto_error error;
    int answer;
};

static int create(struct store_tx *tx, void *arg)
{
    static const uint8_t secret[PROTO_TOKEN_SECRET_BYTES] = {7, 7, 7};
    struct step *step = arg;
    int status = state_token_create(state, tx, &step->token, secret, step->text,
                                    &step->token.number, &step->error);

    proto_token_id(step->token.number, step->id);
    return status ? status : step->answer;
}

static int end_token(struct store_tx *tx, void *arg)
{
    struct step *step = arg;
    int status = state_token_delete(state, tx, step->id, &step->error);

    return status ? status : step->answer;
}

static struct step step_for(const char *name, int role, const char *project)
{
    struct step step = {.token = {.role = role, .created_ms = now_ms, .expires_ms = INT64_MAX}};

    snprintf(step.token.name, sizeof(step.token.name), "%s", name);
    snprintf(step.token.project, sizeof(step.token.project), "%s", project);
    return step;
}

static struct step make(const char *name, int role, const char *project)
{
    struct step step = step_for(name, role, project);

    ck_assert_int_eq(store_write(store, create, &step), 0);
    return step;
}

static enum proto_code admit(const struct api_route *route, const char *project, const char *text,
                             struct api_ctx *ret_ctx)
{
    *ret_ctx = (struct api_ctx){.state = state, .params = {project}};
    return api_admit(ret_ctx, route, text);
}

static const struct api_route everywhere = {.method = "GET", .template = "/v1/new"};
static const struct api_route in_project = {.method = "GET",
                                            .template = "/v1/projects/{project}/new"};

static enum proto_code try(const struct api_route *route, const char *project, const char *text)
{
    struct api_ctx ctx;

    return admit(route, project, text, &ctx);
}

START_TEST(a_route_that_names_no_roles_is_for_administrators)
{
    for (int role = PROTO_ROLE_ADMIN; role <= PROTO_ROLE_READER; role++) {
        struct step step =
            make(proto_role_names[role][0] == 'a' ? "boss" : proto_role_names[role], role, "");
        enum proto_code code =
            role == PROTO_ROLE_ADMIN ? PROTO_CODE_OK : PROTO_CODE_INSUFFICIENT_SCOPE;

        ck_assert_int_eq(try(&everywhere, NULL, step.text), code);
        ck_assert_int_eq(try(&in_project, "p", step.text), code);
    }
}
END_TEST

START_TEST(a_route_is_for_the_roles_it_names)
{
    struct api_route route = everywhere;
    struct step robot = make("r", PROTO_ROLE_ROBOT, ""), reader = make("e", PROTO_ROLE_READER, "");

    route.roles = API_OPERATOR | API_ROBOT;
    ck_assert_int_eq(try(&route, NULL, robot.text), PROTO_CODE_OK);
    ck_assert_int_eq(try(&route, NULL, reader.text), PROTO_CODE_INSUFFICIENT_SCOPE);
    ck_assert_int_eq(try(&route, NULL, OWNER), PROTO_CODE_OK);
}
END_TEST

START_TEST(a_token_of_one_project_reaches_no_other)
{
    struct api_route list = everywhere;
    struct step boss = make("boss", PROTO_ROLE_ADMIN, "mine");

    ck_assert_int_eq(try(&in_project, "mine", boss.text), PROTO_CODE_OK);
    ck_assert_int_eq(try(&in_project, "mine2", boss.text), PROTO_CODE_PROJECT_NOT_FOUND);
    ck_assert_int_eq(try(&in_project, "min", boss.text), PROTO_CODE_PROJECT_NOT_FOUND);
    ck_assert_int_eq(try(&everywhere, NULL, boss.text), PROTO_CODE_INSUFFICIENT_SCOPE);
    list.own_project_only = true;
    ck_assert_int_eq(try(&list, NULL, boss.text), PROTO_CODE_OK);
}
END_TEST

START_TEST(the_principal_is_the_token)
{
    struct api_ctx ctx;
    struct step made = make("franka-1", PROTO_ROLE_ROBOT, "mine");

    ck_assert_int_eq(admit(&in_project, "mine", made.text, &ctx), PROTO_CODE_INSUFFICIENT_SCOPE);
    ck_assert_str_eq(ctx.principal.id, "t0000000001");
    ck_assert_str_eq(ctx.principal.name, "franka-1");
    ck_assert_str_eq(ctx.principal.project, "mine");
    ck_assert_int_eq(admit(&everywhere, NULL, OWNER, &ctx), PROTO_CODE_OK);
    ck_assert_str_eq(ctx.principal.id, "t0000000000");
    ck_assert_str_eq(ctx.principal.name, "admin");
    ck_assert_int_eq(admit(&everywhere, NULL, NULL, &ctx), PROTO_CODE_UNAUTHORIZED);
    ck_assert_int_eq(admit(&everywhere, NULL, OWNER "x", &ctx), PROTO_CODE_UNAUTHORIZED);
    ck_assert_str_eq(ctx.principal.id, "");
}
END_TEST

START_TEST(a_token_ends_when_its_time_is_up)
{
    struct step step = step_for("short", PROTO_ROLE_ADMIN, "");

    step.token.expires_ms = now_ms + 1000;
    ck_assert_int_eq(store_write(store, create, &step), 0);
    now_ms += 999;
    ck_assert_int_eq(try(&everywhere, NULL, step.text), PROTO_CODE_OK);
    now_ms += 1;
    ck_assert_int_eq(try(&everywhere, NULL, step.text), PROTO_CODE_TOKEN_EXPIRED);
    (void)make("short", PROTO_ROLE_ADMIN, ""); /* the name is free, and the old one is gone */
    ck_assert_int_eq(try(&everywhere, NULL, step.text), PROTO_CODE_UNAUTHORIZED);
}
END_TEST

START_TEST(what_is_not_committed_does_not_count)
{
    struct step step = step_for("never", PROTO_ROLE_ADMIN, ""), kept = make("kept", 0, "");

    step.answer = STORE_NO_MEMORY;
    ck_assert_int_eq(store_write(store, create, &step), STORE_NO_MEMORY);
    ck_assert_int_eq(try(&everywhere, NULL, step.text), PROTO_CODE_UNAUTHORIZED);
    kept.answer = STORE_NO_MEMORY;
    ck_assert_int_eq(store_write(store, end_token, &kept), STORE_NO_MEMORY);
    ck_assert_int_eq(try(&everywhere, NULL, kept.text), PROTO_CODE_OK);
    step = make("never", PROTO_ROLE_ADMIN, ""); /* its name was never taken */
    ck_assert_int_eq(try(&everywhere, NULL, step.text), PROTO_CODE_OK);
}
END_TEST

START_TEST(a_restart_finds_the_same_tokens)
{
    struct step steps[40];
    char name[16];

    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        steps[i] = make(name, i % 4, i % 3 ? "" : "mine");
    }
    for (int i = 0; i < 40; i += 5)
        ck_assert_int_eq(store_write(store, end_token, &steps[i]), 0);
    stop();
    start();
    for (int i = 0; i < 40; i++) {
        struct api_ctx ctx;
        enum proto_code code = admit(&in_project, "mine", steps[i].text, &ctx);

        ck_assert_int_eq(code, i % 5 == 0   ? PROTO_CODE_UNAUTHORIZED
                               : i % 4 == 0 ? PROTO_CODE_OK
                                            : PROTO_CODE_INSUFFICIENT_SCOPE);
        if (i % 5)
            ck_assert_str_eq(ctx.principal.project, i % 3 ? "" : "mine");
    }
    ck_assert_int_eq(make("next", 0, "").token.number, 41);
}
END_TEST

/* As many tokens as there may be, in one transaction. arg: how many there are. */
static int fill(struct store_tx *tx, void *arg)
{
    char name[16];

    for (int i = *(int *)arg; i < STATE_TOKENS_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        struct step step = step_for(name, PROTO_ROLE_READER, "");
        int status = create(tx, &step);
        if (status)
            return status;
    }
    return 0;
}

START_TEST(the_owner_cannot_be_revoked_and_the_rest_has_a_limit)
{
    struct step step = {.id = "t0000000000"};

    ck_assert_int_eq(store_write(store, end_token, &step), (int)PROTO_CODE_LAST_ADMIN);
    strcpy(step.id, "t0000000009");
    ck_assert_int_eq(store_write(store, end_token, &step), (int)PROTO_CODE_TOKEN_NOT_FOUND);
    ck_assert_int_eq(store_write(store, fill, &(int){1}), 0);
    step = step_for("n1", PROTO_ROLE_READER, "");
    ck_assert_int_eq(store_write(store, create, &step), (int)PROTO_CODE_TOKEN_EXISTS);
    step = step_for("one-more", PROTO_ROLE_READER, "");
    ck_assert_int_eq(store_write(store, create, &step), (int)PROTO_CODE_TOO_MANY_TOKENS);
}
END_TEST

START_TEST(a_token_that_has_ended_makes_room_for_one_of_its_name)
{
    struct step brief = step_for("brief", PROTO_ROLE_READER, ""), other = brief;

    brief.token.expires_ms = now_ms + 1000;
    ck_assert_int_eq(store_write(store, create, &brief), 0);
    ck_assert_int_eq(store_write(store, fill, &(int){2}), 0);
    ck_assert_int_eq(store_write(store, create, &other), (int)PROTO_CODE_TOKEN_EXISTS);
    now_ms += 2000;
    other = step_for("brief-too", PROTO_ROLE_READER, "");
    ck_assert_int_eq(store_write(store, create, &other), (int)PROTO_CODE_TOO_MANY_TOKENS);
    other = step_for("brief", PROTO_ROLE_READER, "");
    ck_assert_int_eq(store_write(store, create, &other), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admit");
    TCase *tests = tcase_create("admit");
    SRunner *runner;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_route_that_names_no_roles_is_for_administrators);
    tcase_add_test(tests, a_route_is_for_the_roles_it_names);
    tcase_add_test(tests, a_token_of_one_project_reaches_no_other);
    tcase_add_test(tests, the_principal_is_the_token);
    tcase_add_test(tests, a_token_ends_when_its_time_is_up);
    tcase_add_test(tests, what_is_not_committed_does_not_count);
    tcase_add_test(tests, a_restart_finds_the_same_tokens);
    tcase_add_test(tests, the_owner_cannot_be_revoked_and_the_rest_has_a_limit);
    tcase_add_test(tests, a_token_that_has_ended_makes_room_for_one_of_its_name);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
