/* Every verb of the API, one file each, and what they share. */
#ifndef API_VERBS_H
#define API_VERBS_H

#include <api/api.h>
#include <proto/digest.h>
#include <proto/wire.h>
#include <state/state.h>

#define API_VERB(name)                                                                             \
    enum proto_code name(struct api_ctx *ctx, const void *request, void *response)

API_VERB(api_project_create);
API_VERB(api_project_list);
API_VERB(api_project_get);
API_VERB(api_project_update);
API_VERB(api_project_delete);
API_VERB(api_project_refit);
API_VERB(api_project_export);
API_VERB(api_project_import);
API_VERB(api_task_list);
API_VERB(api_task_get);
API_VERB(api_task_put);
API_VERB(api_task_delete);
API_VERB(api_demonstration_list);
API_VERB(api_demonstration_add);
API_VERB(api_demonstration_get);
API_VERB(api_demonstration_retract);
API_VERB(api_policy_list);
API_VERB(api_policy_put);
API_VERB(api_policy_get);
API_VERB(api_policy_activate);
API_VERB(api_policy_missing);
API_VERB(api_features_put);
API_VERB(api_features_get);
API_VERB(api_ranking_get);
API_VERB(api_event_list);
API_VERB(api_assignment_list);
API_VERB(api_assignment_ask);
API_VERB(api_assignment_get);
API_VERB(api_assignment_complete);
API_VERB(api_assignment_renew);
API_VERB(api_assignment_skip);
API_VERB(api_assignment_fail);
API_VERB(api_assignment_release);
API_VERB(api_decision_list);
API_VERB(api_decision_get);
API_VERB(api_report_get);
API_VERB(api_token_create);
API_VERB(api_token_list);
API_VERB(api_token_get);
API_VERB(api_token_delete);
API_VERB(api_healthz);
API_VERB(api_readyz);
API_VERB(api_version);
API_VERB(api_openapi);
API_VERB(api_server_backup);
API_VERB(api_server_status);
API_VERB(api_metrics);

/* What some routes do before their handler (defaults, waits, slow checks), and other forms of an
 * answer. */
void api_project_update_defaults(struct api_ctx *ctx, void *request);
void api_task_put_defaults(struct api_ctx *ctx, void *request);
void api_assignment_ask_defaults(struct api_ctx *ctx, void *request);
bool api_assignment_ask_unchanged(struct api_ctx *ctx, const void *request, void *response);
void api_assignment_renew_defaults(struct api_ctx *ctx, void *request);
void api_token_create_defaults(struct api_ctx *ctx, void *request);
enum proto_code api_project_refit_prepare(struct api_ctx *ctx, void *request);
enum proto_code api_project_import_prepare(struct api_ctx *ctx, void *request);
enum proto_code api_demonstration_check_head(struct api_ctx *ctx,
                                             const struct proto_demonstration *head);
enum proto_code api_demonstration_add_prepare(struct api_ctx *ctx, void *request);
void api_policy_put_defaults(struct api_ctx *ctx, void *request);
enum proto_code api_policy_put_prepare(struct api_ctx *ctx, void *request);
enum proto_code api_features_check_file(struct api_ctx *ctx, const struct proto_tensors *head);
enum proto_code api_features_put_prepare(struct api_ctx *ctx, void *request);
int api_features_file(const void *response, char **ret_bytes, size_t *ret_length);
enum proto_code api_assignment_ask_prepare(struct api_ctx *ctx, void *request);
enum proto_code api_assignment_complete_prepare(struct api_ctx *ctx, void *request);
int api_demonstration_tensors(const void *response, char **ret_bytes, size_t *ret_length);
int api_asked_text(const void *response, char **ret_bytes, size_t *ret_length);
int api_event_stream(const void *response, char **ret_bytes, size_t *ret_length);
int api_metrics_text(const void *response, char **ret_bytes, size_t *ret_length);
int api_openapi_text(const void *response, char **ret_bytes, size_t *ret_length);

/* What /metrics answers with: its text, which the context keeps. */
struct api_metrics_answer {
    const char *text;
    size_t length;
};
extern const struct proto_shape api_metrics_shape;
/* process.c: figures of this process, by the names that Prometheus' own clients use. */
void api_process_metrics(FILE *out);

/* Whether ?cursor= can have come from a list of things whose ids begin with `prefix` ('\0': keys).
 */
enum proto_code api_check_cursor(struct api_ctx *ctx, char prefix);

/* A project that has just been made, or a daemon that has just started, ranks for the first time
 * within about this. */
#define API_FIRST_RANKING_S 0.05

/* The view of the project named in the path, kept until the answer has been sent; on NULL
 * ctx->error says why. */
const struct view *api_view(struct api_ctx *ctx);
/* The same with its log's name in the store, for reading what belongs to it. */
const struct view *api_view_and_log(struct api_ctx *ctx, const char **ret_log_name);
/* Bytes that are stored under an id, kept until the answer has been sent. */
enum proto_code api_read_blob(struct api_ctx *ctx, const char *log_name, const char *id,
                              const unsigned char **ret_bytes, size_t *ret_length);
enum proto_code api_damaged(struct api_ctx *ctx, const char *id);
/* The revision named in the path: its index, view->policy_count for the built-in one. */
enum proto_code api_find_policy(struct api_ctx *ctx, const struct view *view, size_t *ret_index);
/* The revision as it is told to clients. Inside a transaction a failure fails it. */
enum proto_code api_describe_policy(struct api_ctx *ctx, const struct view *view,
                                    const char *revision, struct proto_revision *ret_revision);
/* Keep a view or a ranking (its reference is taken over) until the answer has been sent. */
__attribute__((warn_unused_result)) int api_keep_view(struct api_ctx *ctx, struct view *view);
__attribute__((warn_unused_result)) int api_keep_ranking(struct api_ctx *ctx,
                                                         struct ranking *ranking);
/* Of a route that waits: before looking at what may change; and when there was nothing to tell,
 * which sets ctx->status unless the time is up or the client does not want to wait. */
void api_wait_begin(struct api_ctx *ctx);
void api_wait_for_more(struct api_ctx *ctx);

/* The working project named in the path. PROTO_CODE_OK or an error. */
enum proto_code api_project(struct api_ctx *ctx, struct project **ret_project);
/* A status of state/project.h as a handler's answer; a negative one fails the transaction. */
enum proto_code api_status(struct api_ctx *ctx, int status);
enum proto_code api_no_memory(struct api_ctx *ctx);
/* A status of reading the store back, outside of a transaction. */
enum proto_code api_read_status(struct api_ctx *ctx, int status);
/* Why the server should get no more work, in words; NULL: it is ready. */
const char *api_not_ready(struct api_ctx *ctx);

/* The views of a page of the projects that the token may see, one more than ctx->limit where there
 * are more; kept until the answer has been sent. */
enum proto_code api_page_of_projects(struct api_ctx *ctx, struct view ***ret_views,
                                     size_t *ret_count);

/* The project as it is told to clients. Inside a transaction a failure fails it. */
enum proto_code api_describe_project(struct api_ctx *ctx, const struct view *view,
                                     struct proto_project *ret_project);

/* A token as it is told to clients, without its secret. -1: out of memory. */
__attribute__((warn_unused_result)) int
api_describe_token(struct api_ctx *ctx, const struct token *token, struct proto_token *ret_token);

/* Encodes and hashes what will be stored: slow, so on the connection's thread. */
enum proto_code api_demonstration_prepare(struct api_ctx *ctx,
                                          struct proto_demonstration *demonstration);

/* The assignment named in the path, of the working project. PROTO_CODE_OK or an error. */
enum proto_code api_assignment(struct api_ctx *ctx, const struct project *project,
                               const struct assignment **ret_assignment);
/* Why its lease takes nothing under this fence, "" when it does; NULL when out of memory. */
const char *api_lease_refused(struct api_ctx *ctx, const struct project *project,
                              const struct assignment *assignment, int64_t fence);
/* 409 for such a reason, in words: with the state, and who holds it. */
enum proto_code api_lease_lost(struct api_ctx *ctx, const struct assignment *assignment,
                               const char *reason);
/* The assignment named in the path if its lease takes something under this fence, else 404 or 409.
 */
enum proto_code api_lease(struct api_ctx *ctx, int64_t fence, struct project **ret_project,
                          const struct assignment **ret_assignment);
/* Ends it as its holder says: skipped, failed or released. */
enum proto_code api_lease_end(struct api_ctx *ctx, const struct proto_end *end, int state,
                              struct proto_assignment *response);
/* That a demonstration is of the task that the assignment asks for. at: its task in the request. */
enum proto_code api_check_task(struct api_ctx *ctx, const struct proto_assignment *assignment,
                               const char *task, const char *at);
/* Which tasks skips keep from this asker, in words; NULL when out of memory. */
const char *api_skipped_text(struct api_ctx *ctx, const struct view *view,
                             const struct proto_ask *ask);

/* Opens one assignment by the newest ranking; see assignment_choose.c. *ret_reason: why none was
 * opened, or what the asker should know beside it; NULL: nothing. *ret_assignment NULL: none. */
enum proto_code api_assignment_open(struct api_ctx *ctx, struct project *project,
                                    struct ranking *ranking, double age_s,
                                    const struct proto_ask *ask,
                                    const struct assignment **ret_assignment,
                                    struct proto_reason **ret_reason);

#endif
