/* A transport that plays prepared outcomes and keeps what it was asked: in the place of
 * transport.c. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include <stddef.h>

#include "transport.h"

struct fake_answer {
    enum transport_status outcome;
    long status;
    const char *content_type, *body;
};

struct fake_request {
    char method[8], url[512], token[64], content_type[64], accept[64], key[80], body[2048];
};

#define FAKE_MAX 8

/* A test's own; set up before each. The transport interface has no room for a context. */
extern struct fake_answer fake_answers[FAKE_MAX]; /* the last one is given again and again */
extern size_t fake_answer_count;
extern struct fake_request fake_requests[FAKE_MAX];
extern size_t fake_request_count;

void fake_reset(void);
/* Queues an answer: JSON with status 200, or a problem otherwise. */
void fake_answer(long status, const char *body);
void fake_outcome(enum transport_status outcome);

#endif
