/* Tokens. Up to the first line end the input is a text that may be one; what follows makes one: a
 * number, a secret, and a symbol to change.
 *
 * Properties: a text that is taken begins with the mark and the id it tells of; a token that was
 * written is read as its number; with one symbol changed, cut or added it is none.
 */
#include <string.h>

#include <proto/arena.h>
#include <proto/token.h>

#include "fuzz.h"

static void check_text(const char *text)
{
    int64_t number = -1, again = -1;
    char id[PROTO_TOKEN_ID_BYTES];
    if (proto_token_parse_id(text, &number)) {
        REQUIRE(number >= 0);
        proto_token_id(number, id);
        REQUIRE(strcmp(id, text) == 0);
    }
    if (!proto_token_read(text, &number))
        return;
    proto_token_id(number, id);
    REQUIRE(number >= 0 && strlen(text) < PROTO_TOKEN_TEXT_BYTES);
    REQUIRE(strncmp(text, "amf_", 4) == 0 && strncmp(text + 4, id, strlen(id)) == 0);
    REQUIRE(proto_token_parse_id(id, &again) && again == number);
}

static void check_made(const uint8_t *bytes)
{
    static const char other[] = "A_z-0\x01 \xff";
    char text[PROTO_TOKEN_TEXT_BYTES + 1];
    int64_t number = 0, again = -1;
    memcpy(&number, bytes, 7);
    proto_token_write(number, bytes + 8, text);
    REQUIRE(proto_token_read(text, &again) && again == number);
    size_t length = strlen(text), at = bytes[7] % length;
    char symbol = other[bytes[6] % (sizeof(other) - 1)], right = text[at];
    text[at] = symbol;
    REQUIRE(proto_token_read(text, &again) == (symbol == right));
    text[at] = '\0';
    REQUIRE(!proto_token_read(text, &again));
    text[at] = right;
    text[length] = 'A';
    text[length + 1] = '\0';
    REQUIRE(!proto_token_read(text, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    if (size == 0)
        return 0;
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end ? (size_t)(end - data) : size;
    char *text = proto_arena_strndup(&arena, (const char *)data, length);
    REQUIRE(text);
    check_text(text);
    if (end && size >= length + 1 + 8 + PROTO_TOKEN_SECRET_BYTES)
        check_made(end + 1);
    proto_arena_deinit(&arena);
    return 0;
}
