/* JSON decoding. The first byte of the input is the message, a letter; a capital one: a server said
 * it. The rest is the text.
 *
 * Properties: a refusal has a code, words and whole text; what a request says can be said back, and
 * saying it, reading it and saying it again gives the same bytes; so does a copy.
 */
#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include <proto/log_events.h>

#include "fuzz.h"

union message {
    struct proto_project project;
    struct proto_task task;
    struct proto_demonstration demonstration;
    struct proto_ask ask;
    struct proto_complete complete;
    struct proto_ranking ranking;
    struct proto_asked asked;
    struct proto_event_opened opened;
    struct proto_event_renewed renewed;
    struct proto_renew renew;
    struct proto_end end;
};

static const struct {
    char letter;
    const struct proto_shape *shape;
} messages[] = {
    {'p', &proto_project_shape},       {'t', &proto_task_shape},
    {'d', &proto_demonstration_shape}, {'a', &proto_ask_shape},
    {'c', &proto_complete_shape},      {'r', &proto_ranking_shape},
    {'s', &proto_asked_shape},         {'o', &proto_event_opened_shape},
    {'n', &proto_event_renewed_shape}, {'w', &proto_renew_shape},
    {'k', &proto_skip_shape},
};

static void set_defaults(const struct proto_shape *shape, union message *message)
{
    memset(message, 0, sizeof(*message));
    if (shape->set_defaults)
        shape->set_defaults(message);
}

/* Whole UTF-8 of at least one byte, which jansson can tell. */
static void require_text(const char *text, size_t size)
{
    REQUIRE(memchr(text, '\0', size));
    json_t *string = json_string(text);
    REQUIRE(string);
    json_decref(string);
}

static void require_refusal(enum proto_code code, const struct proto_error *error)
{
    REQUIRE(code == error->code && error->detail[0]);
    require_text(error->at, sizeof(error->at));
    require_text(error->detail, sizeof(error->detail));
    REQUIRE(!error->at[0] || error->at[0] == '/');
}

static void require_stable(const struct proto_shape *shape, const union message *message,
                           const char *text, size_t length)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    union message again, copy;
    struct proto_error error;
    char *second, *third;
    size_t second_length, third_length;
    set_defaults(shape, &again);
    REQUIRE(proto_decode(shape, text, length, true, &arena, &again, &error) == PROTO_CODE_OK);
    REQUIRE(proto_encode(shape, &again, &second, &second_length) == 0);
    REQUIRE(second_length == length && memcmp(second, text, length) == 0);
    REQUIRE(proto_copy(shape, message, &arena, &copy) == 0);
    REQUIRE(proto_encode(shape, &copy, &third, &third_length) == 0);
    REQUIRE(third_length == length && memcmp(third, text, length) == 0);
    free(second);
    free(third);
    proto_arena_deinit(&arena);
}

static void run(const struct proto_shape *shape, bool from_server, const char *text, size_t length)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    union message message;
    struct proto_error error = {0};
    char *said;
    size_t said_length;
    set_defaults(shape, &message);
    enum proto_code code = proto_decode(shape, text, length, from_server, &arena, &message, &error);
    if (code != PROTO_CODE_OK) {
        require_refusal(code, &error);
    } else if (proto_encode(shape, &message, &said, &said_length) == 0) {
        require_stable(shape, &message, said, said_length);
        free(said);
    } else {
        REQUIRE(from_server); /* which may leave out what it should have said */
    }
    proto_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; size > 0 && i < sizeof(messages) / sizeof(messages[0]); i++) {
        bool answer_only = strchr("rso", messages[i].letter) != NULL;
        if (tolower(data[0]) == messages[i].letter && (isupper(data[0]) || !answer_only))
            run(messages[i].shape, isupper(data[0]) != 0, (const char *)data + 1, size - 1);
    }
    return 0;
}
