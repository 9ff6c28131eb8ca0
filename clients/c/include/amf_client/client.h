/* The C client: one blocking function per endpoint of the service.
 *
 *     AMF_CLIENT_RESULT_CLEANUP struct amf_client_result result = AMF_CLIENT_RESULT_NULL;
 *     struct proto_asked asked;
 *     if (amf_client_assignment_ask(client, "kitchen", &ask, NULL, &result, &asked) == 0) ...
 *
 * Results. Every call empties *result first and fills it anew: the HTTP status, the answer's bytes
 * as they came, and one of: the decoded struct (status 0), the server's problem
 * (AMF_CLIENT_REFUSED), or a sentence in `error` (negative). Structs through ret_ point into the
 * result's arena: they live until the result is used again or deinitialised. ret_ may be NULL where
 * the bytes are enough; then nothing is decoded. ret_ is untouched on failure.
 *
 * Names and ids in paths are percent-encoded here. "" and the dot segments are refused.
 *
 * Retries. A request is repeated at most three times, with a growing pause (0.1, 0.2, 0.4 s), when
 *   - no connection came about: any method, for nothing was sent;
 *   - the connection broke, or the answer was 503: GET, PUT, PATCH and POST. The first three give
 *     the same state when repeated; a POST carries the same Idempotency-Key each time, by which the
 *     server tells the repeat from a second wish.
 * A DELETE is not repeated once it may have arrived, because its repeat would answer 404 and hide
 * that it worked. A kept connection that turns out to be closed is replaced without counting. Other
 * answers are never repeated; neither is a connection that timed out.
 *
 * Idempotency-Key: `key` NULL draws a random one (128 bits). result->key tells it, for a caller
 * that wants to try again later.
 *
 * Threads. A client is for one thread at a time; several clients are independent.
 */
#ifndef AMF_CLIENT_CLIENT_H
#define AMF_CLIENT_CLIENT_H

#include <stddef.h>

#include <proto/wire.h>

struct amf_client;

enum amf_client_status {
    AMF_CLIENT_OK = 0,
    AMF_CLIENT_REFUSED = 1,       /* the server answered no: result->problem says why */
    AMF_CLIENT_NO_MEMORY = -1,    /* or no random bytes */
    AMF_CLIENT_BAD_ARGUMENT = -2, /* nothing was sent */
    AMF_CLIENT_UNREACHABLE = -3,  /* no whole answer; what was sent may have taken effect */
    AMF_CLIENT_BAD_ANSWER = -4,   /* answered, but not what the API promises */
    AMF_CLIENT_STOPPED = -5       /* the caller's own function wanted no more */
};

#define AMF_CLIENT_CALL __attribute__((warn_unused_result)) enum amf_client_status

struct amf_client_result {
    long http_status; /* 0: no answer */
    char *body; /* the answer's bytes, never NULL after a call that got an answer; NUL after the end
                 */
    size_t body_length;
    struct proto_problem problem; /* an answer that is no problem+json gets code "http_STATUS" */
    char error[256];
    char key[65];    /* Idempotency-Key sent, or "" */
    char digest[64]; /* Repr-Digest of the answer, or "" */
    unsigned attempts;
    struct proto_arena arena;
};

#define AMF_CLIENT_RESULT_NULL                                                                     \
    {                                                                                              \
        0                                                                                          \
    }
void amf_client_result_deinit(struct amf_client_result *result);
#define AMF_CLIENT_RESULT_CLEANUP __attribute__((cleanup(amf_client_result_deinit)))

/* One page of a list. limit 0: the server's default; cursor NULL: from the start. */
struct amf_client_page {
    int64_t limit;
    const char *cursor;
};

/* url: http:// or https://, host, optional port, optional path in front of /v1. token: NULL for the
 * public endpoints; control characters are refused. Both are copied. *ret_client is freed with
 * amf_client_free. A machine's proxy settings are ignored for loopback addresses. Redirects are not
 * followed. */
AMF_CLIENT_CALL amf_client_new(const char *url, const char *token, struct amf_client **ret_client);
void amf_client_free(struct amf_client *client);

/* For https: the certificates (PEM) that are trusted instead of the machine's own; copied. NULL:
 * the machine's. */
AMF_CLIENT_CALL amf_client_set_ca_file(struct amf_client *client, const char *path);

/* How often a request is repeated (default 3; 0: never) and the first pause (default 0.1 s). */
void amf_client_set_retries(struct amf_client *client, unsigned retries, double first_pause_s);

/* ---- projects ----
 * `fields` names the members that are sent, as dotted paths ("kernel.variance"; "kernel" sends all
 * of it), because a member that is left out means the server's default (create) or no change
 * (patch), which a plain struct cannot say. NULL sends every member. Read-only ones are never sent.
 */
AMF_CLIENT_CALL amf_client_project_create(struct amf_client *client,
                                          const struct proto_project *project,
                                          const struct proto_strings *fields, const char *key,
                                          struct amf_client_result *result,
                                          struct proto_project *ret_project);
AMF_CLIENT_CALL amf_client_project_list(struct amf_client *client,
                                        const struct amf_client_page *page,
                                        struct amf_client_result *result,
                                        struct proto_project_list *ret_list);
AMF_CLIENT_CALL amf_client_project_get(struct amf_client *client, const char *project,
                                       struct amf_client_result *result,
                                       struct proto_project *ret_project);
AMF_CLIENT_CALL amf_client_project_patch(struct amf_client *client, const char *id,
                                         const struct proto_project *project,
                                         const struct proto_strings *fields,
                                         struct amf_client_result *result,
                                         struct proto_project *ret_project);
/* Moments and scales anew, from what is held now; seconds where the marginal likelihood is
 * maximised. */
AMF_CLIENT_CALL amf_client_project_refit(struct amf_client *client, const char *project,
                                         const char *key, struct amf_client_result *result,
                                         struct proto_scales *ret_scales);
AMF_CLIENT_CALL amf_client_project_delete(struct amf_client *client, const char *project,
                                          struct amf_client_result *result);

/* Pieces of an archive as they come or go: `done` of `total` bytes with this one (total 0: not
 * known). Nonzero ends the exchange. */
typedef int (*amf_client_piece_fn)(void *arg, const void *bytes, size_t length, uint64_t done,
                                   uint64_t total);
/* The whole project as an archive (proto/archive.h), given piece by piece. The archive is checked
 * on its way: AMF_CLIENT_OK means that all that was given is whole and every checksum is right.
 * Otherwise what was given is worth nothing; it is not asked for again by itself. ret_head may be
 * NULL. */
AMF_CLIENT_CALL amf_client_project_export(struct amf_client *client, const char *project,
                                          amf_client_piece_fn piece, void *arg,
                                          struct amf_client_result *result,
                                          struct proto_export *ret_head);
/* A new project from the archive in the file fd, of `bytes`. piece may be NULL. */
AMF_CLIENT_CALL amf_client_project_import(struct amf_client *client, const char *project, int fd,
                                          uint64_t bytes, amf_client_piece_fn piece, void *arg,
                                          const char *key, struct amf_client_result *result,
                                          struct proto_project *ret_project);

/* ---- tasks ---- put creates or replaces (status 201 or 200); the key goes into the path. */
AMF_CLIENT_CALL amf_client_task_put(struct amf_client *client, const char *project,
                                    const struct proto_task *task, struct amf_client_result *result,
                                    struct proto_task *ret_task);
AMF_CLIENT_CALL amf_client_task_get(struct amf_client *client, const char *project, const char *key,
                                    struct amf_client_result *result, struct proto_task *ret_task);
AMF_CLIENT_CALL amf_client_task_list(struct amf_client *client, const char *project,
                                     const struct amf_client_page *page,
                                     struct amf_client_result *result,
                                     struct proto_task_list *ret_list);
AMF_CLIENT_CALL amf_client_task_delete(struct amf_client *client, const char *project,
                                       const char *key, struct amf_client_result *result);

/* ---- tokens ---- for administrators. The answer to create alone holds the secret. */
AMF_CLIENT_CALL amf_client_token_create(struct amf_client *client, const struct proto_token *token,
                                        const char *key, struct amf_client_result *result,
                                        struct proto_token *ret_token);
AMF_CLIENT_CALL amf_client_token_list(struct amf_client *client, const struct amf_client_page *page,
                                      struct amf_client_result *result,
                                      struct proto_token_list *ret_list);
AMF_CLIENT_CALL amf_client_token_get(struct amf_client *client, const char *id,
                                     struct amf_client_result *result,
                                     struct proto_token *ret_token);
AMF_CLIENT_CALL amf_client_token_delete(struct amf_client *client, const char *id,
                                        struct amf_client_result *result);

/* ---- demonstrations ---- a content held already is answered with `duplicate` and status 200. */
AMF_CLIENT_CALL amf_client_demonstration_post(struct amf_client *client, const char *project,
                                              const struct proto_demonstration *demonstration,
                                              const char *key, struct amf_client_result *result,
                                              struct proto_stored *ret_stored);
/* bytes: a safetensors file, sent as it is. */
AMF_CLIENT_CALL amf_client_demonstration_post_tensors(
    struct amf_client *client, const char *project, const unsigned char *bytes, size_t length,
    const char *key, struct amf_client_result *result, struct proto_stored *ret_stored);
AMF_CLIENT_CALL amf_client_demonstration_list(struct amf_client *client, const char *project,
                                              const struct amf_client_page *page,
                                              struct amf_client_result *result,
                                              struct proto_demonstration_list *ret_list);
AMF_CLIENT_CALL amf_client_demonstration_get(struct amf_client *client, const char *project,
                                             const char *id, struct amf_client_result *result,
                                             struct proto_demonstration *ret_demonstration);
/* result->body is the safetensors file. */
AMF_CLIENT_CALL amf_client_demonstration_get_tensors(struct amf_client *client, const char *project,
                                                     const char *id,
                                                     struct amf_client_result *result);
AMF_CLIENT_CALL amf_client_demonstration_delete(struct amf_client *client, const char *project,
                                                const char *id, const char *reason,
                                                struct amf_client_result *result);

/* ---- policies ---- a revision as fields, or as a safetensors file with its fields in the
 * metadata; its name goes into the path. Both put and features_put answer 201 for a new one, 200
 * otherwise. */
AMF_CLIENT_CALL amf_client_policy_put(struct amf_client *client, const char *project,
                                      const struct proto_revision *revision,
                                      struct amf_client_result *result,
                                      struct proto_revision *ret_revision);
AMF_CLIENT_CALL amf_client_policy_put_tensors(struct amf_client *client, const char *project,
                                              const char *revision, const unsigned char *bytes,
                                              size_t length, struct amf_client_result *result,
                                              struct proto_revision *ret_revision);
AMF_CLIENT_CALL amf_client_policy_get(struct amf_client *client, const char *project,
                                      const char *revision, struct amf_client_result *result,
                                      struct proto_revision *ret_revision);
AMF_CLIENT_CALL amf_client_policy_list(struct amf_client *client, const char *project,
                                       const struct amf_client_page *page,
                                       struct amf_client_result *result,
                                       struct proto_revision_list *ret_list);
AMF_CLIENT_CALL amf_client_policy_activate(struct amf_client *client, const char *project,
                                           const char *revision, const char *key,
                                           struct amf_client_result *result,
                                           struct proto_revision *ret_revision);
AMF_CLIENT_CALL amf_client_policy_missing(struct amf_client *client, const char *project,
                                          const char *revision, const struct amf_client_page *page,
                                          struct amf_client_result *result,
                                          struct proto_missing *ret_missing);
/* bytes: a safetensors file (proto/features.h), sent as it is. */
AMF_CLIENT_CALL amf_client_features_put(struct amf_client *client, const char *project,
                                        const char *revision, const char *demonstration,
                                        const unsigned char *bytes, size_t length,
                                        struct amf_client_result *result,
                                        struct proto_features *ret_features);
AMF_CLIENT_CALL amf_client_features_get(struct amf_client *client, const char *project,
                                        const char *revision, const char *demonstration,
                                        struct amf_client_result *result,
                                        struct proto_features *ret_features);
/* result->body is the file as it was sent. */
AMF_CLIENT_CALL amf_client_features_get_tensors(struct amf_client *client, const char *project,
                                                const char *revision, const char *demonstration,
                                                struct amf_client_result *result);

/* ---- ranking ---- wait_s: how long the server may wait for one that has seen the newest event. */
AMF_CLIENT_CALL amf_client_ranking_get(struct amf_client *client, const char *project,
                                       double wait_s, struct amf_client_result *result,
                                       struct proto_ranking *ret_ranking);

/* ---- events ---- those after `after`, oldest first; limit 0: the server's default. wait_s: how
 * long the server may wait for the next one where there is none, at most 30. Calling again and
 * again with the seq of the last event follows a project. */
AMF_CLIENT_CALL amf_client_event_list(struct amf_client *client, const char *project, int64_t after,
                                      int64_t limit, double wait_s,
                                      struct amf_client_result *result,
                                      struct proto_event_list *ret_list);

/* ---- assignments ---- */
AMF_CLIENT_CALL amf_client_assignment_ask(struct amf_client *client, const char *project,
                                          const struct proto_ask *ask, const char *key,
                                          struct amf_client_result *result,
                                          struct proto_asked *ret_asked);
AMF_CLIENT_CALL amf_client_assignment_list(struct amf_client *client, const char *project,
                                           const struct amf_client_page *page,
                                           struct amf_client_result *result,
                                           struct proto_assignment_list *ret_list);
AMF_CLIENT_CALL amf_client_assignment_get(struct amf_client *client, const char *project,
                                          const char *id, struct amf_client_result *result,
                                          struct proto_assignment *ret_assignment);
/* complete->demonstration is sent along, or complete->demonstration_id names one that is held. */
AMF_CLIENT_CALL amf_client_assignment_complete(struct amf_client *client, const char *project,
                                               const char *id,
                                               const struct proto_complete *complete,
                                               const char *key, struct amf_client_result *result,
                                               struct proto_completed *ret_completed);
/* The answer has the new fence. */
AMF_CLIENT_CALL amf_client_assignment_renew(struct amf_client *client, const char *project,
                                            const char *id, const struct proto_renew *renew,
                                            const char *key, struct amf_client_result *result,
                                            struct proto_assignment *ret_assignment);
AMF_CLIENT_CALL amf_client_assignment_skip(struct amf_client *client, const char *project,
                                           const char *id, const struct proto_end *skip,
                                           const char *key, struct amf_client_result *result,
                                           struct proto_assignment *ret_assignment);
AMF_CLIENT_CALL amf_client_assignment_fail(struct amf_client *client, const char *project,
                                           const char *id, const struct proto_end *end,
                                           const char *key, struct amf_client_result *result,
                                           struct proto_assignment *ret_assignment);
AMF_CLIENT_CALL amf_client_assignment_release(struct amf_client *client, const char *project,
                                              const char *id, const struct proto_end *end,
                                              const char *key, struct amf_client_result *result,
                                              struct proto_assignment *ret_assignment);

/* ---- why, and how far ---- a decision has the id of the assignment that it opened. */
AMF_CLIENT_CALL amf_client_decision_list(struct amf_client *client, const char *project,
                                         const struct amf_client_page *page,
                                         struct amf_client_result *result,
                                         struct proto_decision_list *ret_list);
AMF_CLIENT_CALL amf_client_decision_get(struct amf_client *client, const char *project,
                                        const char *id, struct amf_client_result *result,
                                        struct proto_decision *ret_decision);
AMF_CLIENT_CALL amf_client_report_get(struct amf_client *client, const char *project,
                                      struct amf_client_result *result,
                                      struct proto_report *ret_report);

/* ---- the server itself ---- */
/* Of the projects that the token may see, a page at a time. */
AMF_CLIENT_CALL amf_client_server_status(struct amf_client *client,
                                         const struct amf_client_page *page,
                                         struct amf_client_result *result,
                                         struct proto_status *ret_status);
/* A copy of everything on the server, given to `piece` as it comes; put in place as DIR/amf.db of
 * an empty directory it is the server again, with all projects and tokens. Its SHA-256 is compared:
 * what was given is worth nothing unless this answers AMF_CLIENT_OK. */
AMF_CLIENT_CALL amf_client_server_backup(struct amf_client *client, amf_client_piece_fn piece,
                                         void *arg, struct amf_client_result *result);
/* result->body has the figures as Prometheus reads them (text format 0.0.4). */
AMF_CLIENT_CALL amf_client_metrics(struct amf_client *client, struct amf_client_result *result);
/* These need no token. */
AMF_CLIENT_CALL amf_client_healthz(struct amf_client *client, struct amf_client_result *result,
                                   struct proto_health *ret_health);
AMF_CLIENT_CALL amf_client_readyz(struct amf_client *client, struct amf_client_result *result,
                                  struct proto_health *ret_health);
AMF_CLIENT_CALL amf_client_version(struct amf_client *client, struct amf_client_result *result,
                                   struct proto_version *ret_version);

#endif
