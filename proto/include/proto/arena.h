/* One allocation region for everything a decoded message owns.
 *
 * Decoding fills structs with pointers into an arena, so a message is freed as one thing and no
 * struct needs a destructor. An arena is not safe for concurrent use. Memory is zeroed.
 */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <stddef.h>

struct proto_arena_block;

struct proto_arena {
    struct proto_arena_block *blocks;
    size_t used_bytes;  /* handed out so far */
    size_t limit_bytes; /* proto_arena_alloc answers NULL beyond this; 0: no limit */
};

#define PROTO_ARENA_NULL                                                                           \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Zeroed, aligned for any type; NULL when memory or the limit is exhausted. count * size is
 * checked. */
void *proto_arena_alloc(struct proto_arena *arena, size_t count, size_t size);

/* NULL text gives NULL. */
char *proto_arena_strdup(struct proto_arena *arena, const char *text);
char *proto_arena_strndup(struct proto_arena *arena, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) char *proto_arena_printf(struct proto_arena *arena,
                                                               const char *format, ...);

void proto_arena_deinit(struct proto_arena *arena);

#define PROTO_ARENA_CLEANUP __attribute__((cleanup(proto_arena_deinit)))

#endif
