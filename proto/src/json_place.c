/* Where a reader of JSON stopped, as a pointer (RFC 6901) to the value it was reading.
 *
 * Walks the text up to there, which was JSON so far, and keeps one step a level.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"

struct level {
    bool list;
    size_t index;
    const char *key;
    size_t key_bytes;
};

static size_t string_bytes(const char *text, size_t at, size_t stop)
{
    size_t end = at + 1;

    while (end < stop && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    return end - at - 1;
}

static size_t place_string(const char *text, size_t at, size_t stop, struct level *level)
{
    size_t bytes = string_bytes(text, at, stop);

    if (!level->list && !level->key) {
        level->key = text + at + 1;
        level->key_bytes = bytes;
    }
    return at + bytes + 1;
}

static void place_print(const struct level *levels, size_t depth, char *ret_at, size_t size)
{
    size_t used = 0;

    ret_at[0] = '\0';
    for (size_t d = 1; d <= depth && used + 1 < size; d++) {
        const struct level *level = &levels[d];

        if (level->list)
            used += (size_t)snprintf(ret_at + used, size - used, "/%zu", level->index);
        else if (level->key)
            used +=
                (size_t)snprintf(ret_at + used, size - used, "/%.*s",
                                 (int)(level->key_bytes < 64 ? level->key_bytes : 64), level->key);
    }
}

void proto_json_place(const char *text, size_t stop, char *ret_at, size_t size)
{
    struct level levels[PROTO_JSON_MAX_DEPTH + 2] = {{.list = true}};
    size_t depth = 0;

    for (size_t at = 0; at < stop; at++) {
        struct level *level = &levels[depth];

        if (text[at] == '"')
            at = place_string(text, at, stop, level);
        else if ((text[at] == '[' || text[at] == '{') && depth < PROTO_JSON_MAX_DEPTH)
            levels[++depth] = (struct level){.list = text[at] == '['};
        else if ((text[at] == ']' || text[at] == '}') && depth > 0)
            depth--;
        else if (text[at] == ',') {
            level->index++;
            level->key = NULL;
        }
    }
    place_print(levels, depth, ret_at, size);
}
