/* Looking a token up. Its id is public, so finding the row may take what time it takes; the secret
 * is compared by its hash and in constant time.
 */
#include <string.h>

#include <state/tokens.h>

const struct token *token_table_find(const struct token_table *table, int64_t number)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && table->items[low].number == number ? &table->items[low] : NULL;
}

const struct token *token_table_find_name(const struct token_table *table, const char *name,
                                          int64_t now_ms)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].expires_ms > now_ms && !strcmp(table->items[i].name, name))
            return &table->items[i];
    return NULL;
}

const struct token *token_table_check(const struct token_table *table, const char *text)
{
    uint8_t digest[PROTO_TOKEN_DIGEST_BYTES];
    const struct token *found;
    int64_t number = 0;

    /* A text of another form can only be what an owner has written into admin.token. */
    (void)proto_token_read(text, &number);
    proto_token_digest(text, digest);
    found = token_table_find(table, number);
    if (found && proto_token_same(found->sha256, digest))
        return found;
    found = token_table_find(table, 0);
    return found && proto_token_same(found->sha256, digest) ? found : NULL;
}
