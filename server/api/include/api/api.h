/* The verbs of the API as functions: struct in, struct out. No HTTP, no JSON, no SQL.
 *
 * A route names its shapes (proto/field.h) and its handler; server/http decodes into the request
 * struct, calls, and encodes the answer. Reading handlers run on the connection's thread. Writing
 * handlers run on the writer thread inside the open transaction ctx->tx, so that the answer (and
 * the reply kept for Idempotency-Key) commits with its effect.
 */
#ifndef API_API_H
#define API_API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <proto/arena.h>
#include <proto/digest.h>
#include <proto/error.h>
#include <proto/field.h>
#include <proto/safetensors.h>
#include <proto/wire.h>

struct project;
struct proto_version;
struct state;
struct store_tx;

#define API_MAX_PARAMS 3

/* Who asks: the token that api_admit found. All "" on public routes. */
struct api_principal {
    char id[PROTO_TOKEN_ID_BYTES]; /* for logs, and as owner of Idempotency-Keys */
    char name[PROTO_KEY_MAX_BYTES + 1];
    char project[PROTO_KEY_MAX_BYTES + 1]; /* the only one it may reach; "": all */
    int role;                              /* enum proto_role */
};

/* An answer too large for memory: its bytes are made while it is sent, on the connection's thread.
 */
struct api_stream {
    uint64_t bytes; /* in all */
    /* At least one and at most `room` bytes. 0, or -1: it cannot go on; the connection is cut, so
     * that the client sees that bytes are missing. */
    int (*read)(void *arg, unsigned char *buffer, size_t room, size_t *ret_length);
    void (*release)(void *arg);
    void *arg;
    char digest[PROTO_DIGEST_BYTES]; /* of all the bytes, for the answer's head; "": not known */
};

/* A body too large for memory: a file without a name, which ends with the request. */
struct api_upload {
    int fd;
    uint64_t bytes;
};

/* What a handler waits for that has nothing to tell yet (API_NOT_YET). It is called again once
 * *changes is no longer `seen`, so that a request can wait without a thread of its own. */
struct api_wait {
    const atomic_uint_fast64_t *changes; /* counts what is published; NULL: nothing ever will be */
    uint64_t seen;                       /* its value before the handler looked */
    int64_t seq; /* the handler's: which event the answer should have seen */
    bool again;  /* this is not the first call */
    bool over;   /* in: the time is up, answer with what there is */
};

/* What only the door knows, for who watches the server. */
struct api_door {
    bool draining;                       /* the daemon is about to end */
    size_t connections, connections_max; /* open now, this request's among them */
    size_t streams; /* answers that are being sent piece by piece, and event streams */
    double uptime_s;
};

/* A safetensors file that was sent, as it was sent; length 0: there was none. */
struct api_file {
    const unsigned char *bytes;
    size_t length;
};

struct api_ctx {
    struct state *state;
    const struct proto_version *version;                 /* what this daemon is made of */
    void (*look)(void *door, struct api_door *ret_door); /* NULL: there is no door */
    /* Writes the door's figures, for /metrics; NULL likewise. */
    void (*door_metrics)(void *door, FILE *out);
    void *door;
    struct store_tx *tx;       /* writing handlers only, else NULL */
    struct proto_arena *arena; /* lives until the answer has been sent */
    struct api_principal principal;
    const char *params[API_MAX_PARAMS]; /* decoded path parameters, in order */
    /* Which project of that id the path meant when the request was let in: its log's name; "":
     * there was none; NULL: the path names none. Set by api_admit. */
    const char *incarnation;
    /* query */
    double wait_s;     /* ?wait_s=, 0 */
    int64_t after;     /* ?after= or Last-Event-ID, 0; a follower's handler moves it on */
    const void *base;  /* what a PATCH was applied to, or a refit was worked out from */
    const void *found; /* what a route's prepare worked out for its handler; kept by api_keep */
    struct api_upload upload; /* body API_BODY_ARCHIVE */
    struct api_file file;     /* bodies API_BODY_FILE, API_BODY_JSON_OR_FILE */
    int64_t limit;            /* ?limit=, 1..500, default 100 */
    const char *cursor;       /* ?cursor= or NULL */
    bool follows; /* the answer has no end: the handler is called again and again (route.follows) */
    int64_t told_ranking; /* the follower's: seq of the ranking that it was told of */
    struct api_wait wait;
    /* out */
    int status; /* answer's HTTP-independent flavour: see enum api_flavour */
    struct proto_error error;
    struct api_stream
        stream;            /* set by the handler of a route that streams; taken over on success */
    struct api_kept *kept; /* what the answer borrows from: given back by api_release */
    const struct project
        *project; /* the working project of a writing handler, and how far its log was */
    int64_t project_seq;
    int store_failure; /* negative enum store_status: the transaction has failed; then the handler's
                          code does not count */
};

/* Keeps an object until the answer has been sent, then calls release(object). -1: out of memory,
 * released at once. */
__attribute__((warn_unused_result)) int api_keep(struct api_ctx *ctx, void *object,
                                                 void (*release)(void *object));
/* After a writing handler: 0, or the negative store_status with which its transaction must fail:
 * its own, or because it refused (code is not OK) after it had changed the working project, which
 * only a rollback undoes. */
int api_outcome(const struct api_ctx *ctx, enum proto_code code);
/* Inside a transaction: which project of its id the path means now, in the words of
 * ctx->incarnation. 0 or a negative store_status. */
__attribute__((warn_unused_result)) int api_incarnation(struct api_ctx *ctx,
                                                        const char **ret_incarnation);
/* After the answer has been encoded: gives back all that was kept. */
void api_release(struct api_ctx *ctx);

/* How a success is to be told: mapped to a status by http/reply. */
enum api_flavour {
    API_OKAY,
    API_CREATED,
    API_NO_CONTENT,
    API_NOT_YET /* nothing to tell: call again as ctx->wait says. Routes that wait only. */
};

/* PROTO_CODE_OK, or an error code with ctx->error filled. request and response are the route's
 * structs; response is zeroed. */
typedef enum proto_code (*api_handler_fn)(struct api_ctx *ctx, const void *request, void *response);

/* Before a handler, on the connection's thread, without transaction: slow checks and waits (a
 * demonstration's hash, the 50 ms an ask may wait for a fresh ranking). May alter the request. */
typedef enum proto_code (*api_prepare_fn)(struct api_ctx *ctx, void *request);

/* A demonstration's file whose head is in: task, sizes and all else but the numbers. On the
 * connection's thread; what is refused here is refused before the numbers have come. */
typedef enum proto_code (*api_check_head_fn)(struct api_ctx *ctx,
                                             const struct proto_demonstration *head);

/* Likewise of any other file of tensors. */
typedef enum proto_code (*api_check_file_fn)(struct api_ctx *ctx, const struct proto_tensors *head);

/* Who may use a route, as a set. Administrators always may. */
enum api_roles {
    API_ADMIN_ONLY = 0,
    API_OPERATOR = 1 << PROTO_ROLE_OPERATOR,
    API_ROBOT = 1 << PROTO_ROLE_ROBOT,
    API_READER = 1 << PROTO_ROLE_READER,
    API_ANY_ROLE = API_OPERATOR | API_ROBOT | API_READER,
    API_PUBLIC = 1 << 8 /* without a token */
};
/* Query parameters a route knows; any other is refused. */
enum api_query {
    API_QUERY_NONE = 0,
    API_QUERY_WAIT = 1 /* wait_s */,
    API_QUERY_PAGE = 2, /* limit, cursor */
    API_QUERY_AFTER = 4 /* after, limit */
};
enum api_body {
    API_BODY_NONE = 0,
    API_BODY_JSON,
    API_BODY_DEMONSTRATION, /* JSON or safetensors */
    API_BODY_ARCHIVE,       /* an exported project, in ctx->upload; not decoded */
    API_BODY_FILE,          /* safetensors, in ctx->file; not decoded */
    API_BODY_JSON_OR_FILE   /* JSON, decoded, or safetensors, in ctx->file for prepare to decode */
};

struct api_route;

/* Whether the token opens the route; fills ctx->principal, as far as the token is known. params and
 * state of ctx are set. bearer: as sent, NULL: none. PROTO_CODE_OK, UNAUTHORIZED, TOKEN_EXPIRED,
 * PROJECT_NOT_FOUND or INSUFFICIENT_SCOPE. Any thread; waits for nobody. Asked again about the same
 * request it looks at the token as it is by then; ctx->incarnation stays. */
enum proto_code api_admit(struct api_ctx *ctx, const struct api_route *route, const char *bearer);

struct api_route {
    const char *method;   /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *template; /* "/v1/projects/{project}/tasks/{task}" */
    unsigned roles;       /* enum api_roles; left out: administrators only */
    /* A route without {project} is refused to a token of one project, unless its answer leaves out
     * the others: */
    bool own_project_only;
    enum api_body body; /* left out: a body is refused */
    bool body_optional; /* an empty body decodes as {} */
    unsigned query;     /* enum api_query; left out: none */
    bool writes;        /* handler runs in a transaction */
    bool secret;        /* the answer must not lie in the store as it is */
    const struct proto_shape *request, *response;
    void (*request_defaults)(struct api_ctx *ctx, void *request);
    api_check_head_fn check_head; /* API_BODY_DEMONSTRATION only; NULL: none */
    api_check_file_fn check_file; /* API_BODY_FILE and JSON_OR_FILE; NULL: none */
    /* Of a route that writes: fills the response and answers true where the newest durable view
     * shows that nothing would change. Before prepare, without transaction; not asked where an
     * Idempotency-Key wants the answer kept. NULL: never. */
    bool (*unchanged)(struct api_ctx *ctx, const void *request, void *response);
    api_prepare_fn prepare;
    api_handler_fn handle;
    /* Other forms of the answer, by Accept; NULL: none. *ret_bytes malloc'ed; 0 or -1. */
    const char *other_type; /* "text/plain", "application/vnd.safetensors", "application/yaml" */
    int (*encode_other)(const void *response, char **ret_bytes, size_t *ret_length);
    bool other_only; /* the other form is the only form */
    /* The handler may answer API_NOT_YET; the route only reads. It is called on any thread, with an
     * arena of its own for each call, and must not wait itself when ctx->wait.again. */
    bool waits;
    bool follows; /* in its other form the answer goes on for as long as the client listens */
    bool streams; /* it comes from ctx->stream, not from encode_other; the route only reads */
};

/* THE table: every route there is, in the order of openapi.yaml. */
extern const struct api_route api_routes[];
extern const size_t api_route_count;

#endif
