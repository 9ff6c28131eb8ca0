#include "fake_transport.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_answer fake_answers[FAKE_MAX];
size_t fake_answer_count;
struct fake_request fake_requests[FAKE_MAX];
size_t fake_request_count;

struct transport {
    char unused;
};

void fake_reset(void)
{
    fake_answer_count = fake_request_count = 0;
    memset(fake_requests, 0, sizeof(fake_requests));
}

static void queue(struct fake_answer answer)
{
    ck_assert_uint_lt(fake_answer_count, FAKE_MAX);
    fake_answers[fake_answer_count++] = answer;
}

void fake_answer(long status, const char *body)
{
    queue((struct fake_answer){
        .status = status,
        .content_type = status < 400 ? "application/json" : "application/problem+json",
        .body = body,
    });
}

void fake_outcome(enum transport_status outcome)
{
    queue((struct fake_answer){.outcome = outcome});
}

struct transport *transport_new(void)
{
    return calloc(1, sizeof(struct transport));
}

void transport_free(struct transport *transport)
{
    free(transport);
}

static void keep(const struct transport_request *request)
{
    struct fake_request *kept = &fake_requests[fake_request_count++];

    ck_assert_uint_le(fake_request_count, FAKE_MAX);
    snprintf(kept->method, sizeof(kept->method), "%s", request->method);
    snprintf(kept->url, sizeof(kept->url), "%s", request->url);
    snprintf(kept->token, sizeof(kept->token), "%s", request->token ? request->token : "");
    snprintf(kept->content_type, sizeof(kept->content_type), "%s",
             request->content_type ? request->content_type : "");
    snprintf(kept->accept, sizeof(kept->accept), "%s", request->accept);
    snprintf(kept->key, sizeof(kept->key), "%s", request->idempotency_key);
    snprintf(kept->body, sizeof(kept->body), "%.*s", (int)request->body_length,
             request->body ? (const char *)request->body : "");
}

enum transport_status transport_perform(struct transport *transport,
                                        const struct transport_request *request,
                                        struct transport_response *ret_response,
                                        char ret_error[256])
{
    const struct fake_answer *answer;
    size_t turn = fake_request_count;

    ck_assert_ptr_nonnull(transport);
    keep(request);
    answer = &fake_answers[turn < fake_answer_count ? turn : fake_answer_count - 1];
    snprintf(ret_error, 256, "as the test wants");
    if (answer->outcome != TRANSPORT_OK)
        return answer->outcome;
    *ret_response = (struct transport_response){
        .status = answer->status,
        .body = strdup(answer->body),
        .body_length = strlen(answer->body),
    };
    snprintf(ret_response->content_type, sizeof(ret_response->content_type), "%s",
             answer->content_type);
    return TRANSPORT_OK;
}
