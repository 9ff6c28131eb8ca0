/* Checks a token against a table in which one byte of its hash is wrong, for check_token_time.py,
 * which counts instructions.
 *
 *     token_time check BYTE   the check of the server
 *     token_time early BYTE   a comparison that stops at the first difference: the control
 *
 * Exit status 0: refused, as it must be.
 */
#include <stdlib.h>
#include <string.h>

#include <state/tokens.h>

#define ROUNDS 200

static bool same_early(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < PROTO_TOKEN_DIGEST_BYTES; i++)
        if (*(volatile const uint8_t *)&a[i] != b[i])
            return false;
    return true;
}

static bool is_accepted(const struct token_table *table, const char *text, bool early)
{
    uint8_t digest[PROTO_TOKEN_DIGEST_BYTES];

    if (!early)
        return token_table_check(table, text) != NULL;
    proto_token_digest(text, digest);
    return same_early(digest, table->items[0].sha256);
}

int main(int argc, char **argv)
{
    struct token_table *table = calloc(1, sizeof *table + sizeof table->items[0]);
    const uint8_t secret[PROTO_TOKEN_SECRET_BYTES] = {1, 2, 3};
    char text[PROTO_TOKEN_TEXT_BYTES];
    int accepted = 0;

    if (!table || argc != 3)
        return 2;
    table->count = 1;
    table->items[0].number = 17;
    proto_token_write(17, secret, text);
    proto_token_digest(text, table->items[0].sha256);
    table->items[0].sha256[strtoul(argv[2], NULL, 10) % PROTO_TOKEN_DIGEST_BYTES] ^= 1;
    for (int i = 0; i < ROUNDS; i++)
        accepted += is_accepted(table, text, strcmp(argv[1], "early") == 0);
    free(table);
    return accepted ? 1 : 0;
}
