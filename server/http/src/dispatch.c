/* One request through its route's functions. There is no branch per route: what differs is in the
 * table.
 *
 *     decode -> prepare -> [transaction: token still good? -> key known? -> handle -> encode ->
 *     keep reply] -> reply
 *
 * Routes that only read do handle and encode here, without a transaction, and so does a request to
 * write which finds that nothing would change. Inside one, the token is
 * looked at again, because a body takes as long as its sender likes and what a revoked token sends
 * must not be stored. Then the key is looked up, and the outcome of prepare counts only for a new
 * one: a retry must get the first answer even if the world has moved on since.
 */
#include "dispatch.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <proto/wire.h>
#include <store/store.h>

#include "stream.h"

/* One request's way through the steps. */
struct exchange {
    struct http_request *request;
    const struct api_route *route;
    void *input, *output;
    enum proto_code prepared; /* outcome of decode and prepare */
    bool answered;            /* already, because nothing would change */
};

static enum proto_code no_memory(struct http_request *request)
{
    return proto_error_set(&request->ctx.error, PROTO_CODE_NO_MEMORY, "",
                           "There was no memory for this request; nothing was stored.");
}

static enum proto_code allocate(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    const struct api_route *route = exchange->route;
    size_t input_bytes = route->request ? route->request->size : 1;
    size_t output_bytes = route->response ? route->response->size : 1;

    exchange->input = proto_arena_alloc(request->ctx.arena, 1, input_bytes);
    exchange->output = proto_arena_alloc(request->ctx.arena, 1, output_bytes);
    return exchange->input && exchange->output ? PROTO_CODE_OK : no_memory(request);
}

/* A body where none belongs: without meaning on GET, an error where it could mean something. */
static enum proto_code check_no_body(struct http_request *request)
{
    bool harmless = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

    if (request->body_bytes == 0 || harmless)
        return PROTO_CODE_OK;
    return proto_error_set(&request->ctx.error, PROTO_CODE_UNSUPPORTED_MEDIA_TYPE, "",
                           "This request takes no body.");
}

static enum proto_code decode(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    const struct api_route *route = exchange->route;
    const char *text = (const char *)request->body;
    size_t length = request->body_bytes;

    if (route->body == API_BODY_NONE)
        return check_no_body(request);
    if (route->body == API_BODY_ARCHIVE) {
        request->ctx.upload = (struct api_upload){request->spool.fd, request->spool.bytes};
        return PROTO_CODE_OK;
    }
    if (route->request_defaults)
        route->request_defaults(&request->ctx, exchange->input);
    if (length > 0 && request->upload.intake)
        return http_upload_end(request, exchange->input);
    if (length > 0 && request->upload.file)
        return http_upload_end_file(request);
    if (length == 0 && route->body_optional) {
        text = "{}";
        length = 2;
    } else if (length == 0) {
        return proto_error_set(
            &request->ctx.error,
            route->body == API_BODY_FILE ? PROTO_CODE_MALFORMED_TENSORS : PROTO_CODE_MALFORMED_JSON,
            "", "The body is empty; %s was expected.",
            route->body == API_BODY_FILE ? "a safetensors file" : "a JSON object");
    }
    return proto_decode(route->request, text, length, false, &request->arena, exchange->input,
                        &request->ctx.error);
}

/* A large body is worth many times its size while it is decoded: these take turns. */
static enum proto_code decode_in_turn(struct exchange *exchange)
{
    sem_t *decoding = &exchange->request->server->decoding;

    if (exchange->request->body_bytes <= HTTP_DECODING_FREE_BYTES)
        return decode(exchange);
    while (sem_wait(decoding) < 0 && errno == EINTR)
        ;
    enum proto_code code = decode(exchange);
    sem_post(decoding);
    return code;
}

static bool is_unchanged(const struct exchange *exchange)
{
    const struct api_route *route = exchange->route;

    return route->unchanged && !exchange->request->key.text &&
           route->unchanged(&exchange->request->ctx, exchange->input, exchange->output);
}

static enum proto_code prepare(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    enum proto_code code = request->body_bytes > 0 ? http_request_admit(request) : PROTO_CODE_OK;

    if (code == PROTO_CODE_OK)
        code = decode_in_turn(exchange);
    if (code == PROTO_CODE_OK)
        exchange->answered = is_unchanged(exchange);
    if (code == PROTO_CODE_OK && !exchange->answered && exchange->route->prepare)
        code = exchange->route->prepare(&request->ctx, exchange->input);
    return code;
}

static enum proto_code handle(struct exchange *exchange, struct store_tx *tx)
{
    struct http_request *request = exchange->request;
    const struct api_route *route = exchange->route;

    if (route->response)
        memset(exchange->output, 0, route->response->size);
    request->ctx.status = API_OKAY;
    request->ctx.tx = tx;
    enum proto_code code = route->handle(&request->ctx, exchange->input, exchange->output);
    request->ctx.tx = NULL;
    return code;
}

static int encode(struct exchange *exchange)
{
    struct http_request *request = exchange->request;

    if (exchange->route->streams)
        return http_reply_stream(
            &request->reply, exchange->route->other_type,
            http_stream_new(&request->ctx.stream, request->connection, &request->server->streams));
    return http_reply_success(&request->reply, exchange->route, request->form == HTTP_FORM_OTHER,
                              (enum api_flavour)request->ctx.status, exchange->output);
}

static int64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Which project an answer that is kept will hold for. A deletion's holds for any: repeated for the
 * next project of the id, it would delete what nobody meant. */
static int bind_key(struct http_request *request)
{
    return strcmp(request->method, "DELETE") == 0
               ? STORE_OK
               : api_incarnation(&request->ctx, &request->key.incarnation);
}

static int find_reply(struct http_request *request, struct store_tx *tx,
                      enum http_replay *ret_replay)
{
    int status = bind_key(request);

    return status < 0
               ? status
               : http_key_find(tx, &request->key, &request->arena, &request->reply, ret_replay);
}

/* Bound anew: the handler may have made the project. */
static int keep_reply(struct http_request *request, struct store_tx *tx)
{
    int status = bind_key(request);

    return status < 0 ? status
                      : http_key_keep(tx, &request->key, &request->reply, wall_ms(),
                                      &request->server->replies_expired_ms);
}

/* A negative store status in the API's words. */
static enum proto_code store_failure(int status, struct proto_error *error)
{
    switch (status) {
    case STORE_FULL:
        return proto_error_set(error, PROTO_CODE_DISK_FULL, "",
                               "Nothing was stored; free some space and send the request again.");
    case STORE_UNKNOWN:
        return proto_error_set(
            error, PROTO_CODE_OUTCOME_UNKNOWN, "",
            "The commit failed. When the server is back, send the request again: "
            "the same Idempotency-Key tells what became of it.");
    case STORE_NO_MEMORY:
        return proto_error_set(error, PROTO_CODE_NO_MEMORY, "",
                               "There was no memory for this request; nothing was stored.");
    case STORE_CORRUPT:
        return proto_error_set(
            error, PROTO_CODE_DAMAGED, "",
            "A row this request needs is damaged on the disk; nothing was stored. Stop the server "
            "and put a backup in place.");
    case STORE_BUSY:
        return proto_error_set(
            error, PROTO_CODE_NOT_READY, "",
            "Another program holds the database; nothing was stored. Try again.");
    default:
        return proto_error_set(error, PROTO_CODE_INTERNAL, "",
                               "The store failed; nothing was stored. The log says more.");
    }
}

/* The body that runs on the writer thread. A positive answer takes back what the handler stored; an
 * answer that cannot be encoded fails the whole transaction, and with it what state holds ready. */
static int run_in_transaction(struct store_tx *tx, void *arg)
{
    struct exchange *exchange = arg;
    struct http_request *request = exchange->request;
    enum http_replay replay = HTTP_REPLAY_NONE;
    enum proto_code code = http_request_admit(request);

    if (code != PROTO_CODE_OK)
        return (int)code;
    if (request->key.text) {
        int status = find_reply(request, tx, &replay);
        if (status < 0 || replay == HTTP_REPLAY_SAME)
            return status;
    }
    if (replay == HTTP_REPLAY_DAMAGED)
        return (int)store_failure(STORE_CORRUPT, &request->ctx.error);
    if (replay == HTTP_REPLAY_SEALED)
        return (int)proto_error_set(&request->ctx.error, PROTO_CODE_SECRET_LOST, "",
                                    "The first answer was sealed with a token that has been "
                                    "replaced since; revoke what it made and make another.");
    if (replay == HTTP_REPLAY_DIFFERS)
        return (int)proto_error_set(&request->ctx.error, PROTO_CODE_KEY_REUSED, "",
                                    "The key came with another method, path or body before; "
                                    "take a new key for a new request.");
    if (exchange->prepared != PROTO_CODE_OK)
        return (int)exchange->prepared;
    code = handle(exchange, tx);
    int outcome = api_outcome(&request->ctx, code);
    if (outcome < 0)
        return outcome;
    if (code != PROTO_CODE_OK)
        return (int)code;
    if (encode(exchange) < 0)
        return STORE_NO_MEMORY;
    return request->key.text ? keep_reply(request, tx) : STORE_OK;
}

static enum proto_code run_writing(struct exchange *exchange)
{
    struct http_request *request = exchange->request;

    /* Only a known key can make an answer out of a request that decode or prepare refused. */
    if (exchange->prepared != PROTO_CODE_OK && !request->key.text)
        return exchange->prepared;
    if (request->key.text)
        http_key_end(&request->key);
    int status = store_write(request->server->config.store, run_in_transaction, exchange);
    if (status < 0) {
        const struct log_field fields[] = {log_number("store_status", status),
                                           log_text("request_id", request->id)};
        log_tell(&request->server->config.log, LOG_ERROR, "store failed", fields, 2);
        return store_failure(status, &request->ctx.error);
    }
    return (enum proto_code)status;
}

static enum proto_code run_reading(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    enum proto_code code = exchange->prepared;

    if (code == PROTO_CODE_OK && !exchange->answered)
        code = handle(exchange, NULL);
    if (code == PROTO_CODE_OK && (request->ctx.status == API_NOT_YET || request->ctx.follows))
        request->waits = true;
    if (code == PROTO_CODE_OK && request->ctx.status == API_NOT_YET)
        return code;
    if (code == PROTO_CODE_OK && encode(exchange) < 0)
        code = proto_error_set(&request->ctx.error, PROTO_CODE_INTERNAL, "",
                               "The answer could not be written down.");
    return code;
}

static void run(struct http_request *request)
{
    struct exchange exchange = {.request = request, .route = request->match.route};

    exchange.prepared = allocate(&exchange);
    if (exchange.prepared == PROTO_CODE_OK)
        exchange.prepared = prepare(&exchange);
    enum proto_code code = exchange.route->writes && !exchange.answered ? run_writing(&exchange)
                                                                        : run_reading(&exchange);
    api_release(&request->ctx);
    if (code == PROTO_CODE_OK)
        return;
    request->ctx.error.code = code;
    http_request_refuse(request);
}

/* What one call takes is given back at once: the next one may be hours away. */
void http_dispatch(struct http_request *request)
{
    PROTO_ARENA_CLEANUP struct proto_arena arena = {.limit_bytes = HTTP_ARENA_MAX_BYTES};

    if (request->match.route->waits)
        request->ctx.arena = &arena;
    run(request);
    request->ctx.arena = &request->arena;
}

bool http_request_changed(const struct http_request *request)
{
    const struct api_wait *wait = &request->ctx.wait;

    return wait->changes && atomic_load(wait->changes) != wait->seen;
}

void http_dispatch_again(struct http_request *request)
{
    request->ctx.wait.again = true;
    http_dispatch(request);
}
