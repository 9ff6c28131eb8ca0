/* A region is a list of zeroed blocks; allocation moves a mark in the newest one.
 *
 * Blocks double: a message's decoding costs few of them, and a held demonstration, of which there
 * are 100,000, wastes less than it uses.
 * Large allocations get a block of their own behind the newest, so that its free rest is not lost.
 * Blocks come from calloc, which hands out fresh pages without touching them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proto/arena.h>

#define BLOCK_MIN_BYTES ((size_t)512)
#define BLOCK_MAX_BYTES ((size_t)16 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct proto_arena_block {
    struct proto_arena_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

static struct proto_arena_block *block_new(size_t bytes)
{
    size_t total;
    if (__builtin_add_overflow(bytes, sizeof(struct proto_arena_block), &total))
        return NULL;
    struct proto_arena_block *block = calloc(1, total);
    if (block)
        block->size = bytes;
    return block;
}

static size_t block_size(const struct proto_arena *arena)
{
    if (arena->used_bytes < BLOCK_MIN_BYTES)
        return BLOCK_MIN_BYTES;
    return arena->used_bytes < BLOCK_MAX_BYTES ? arena->used_bytes : BLOCK_MAX_BYTES;
}

/* The block that has room for bytes: the newest one, or a new one. */
static struct proto_arena_block *block_with_room(struct proto_arena *arena, size_t bytes)
{
    struct proto_arena_block *newest = arena->blocks;
    if (newest && newest->size - newest->used >= bytes)
        return newest;
    size_t size = block_size(arena);
    struct proto_arena_block *block = block_new(bytes < size ? size : bytes);
    if (!block)
        return NULL;
    if (newest && bytes >= size) {
        block->next = newest->next;
        newest->next = block;
    } else {
        block->next = newest;
        arena->blocks = block;
    }
    return block;
}

void *proto_arena_alloc(struct proto_arena *arena, size_t count, size_t size)
{
    size_t bytes, used;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes ? bytes : 1, ALIGNMENT - 1, &bytes))
        return NULL;
    bytes -= bytes % ALIGNMENT;
    if (__builtin_add_overflow(arena->used_bytes, bytes, &used) ||
        (arena->limit_bytes && used > arena->limit_bytes))
        return NULL;
    struct proto_arena_block *block = block_with_room(arena, bytes);
    if (!block)
        return NULL;
    void *memory = block->data + block->used;
    block->used += bytes;
    arena->used_bytes = used;
    return memory;
}

char *proto_arena_strndup(struct proto_arena *arena, const char *text, size_t length)
{
    size_t size;
    if (!text || __builtin_add_overflow(length, 1, &size))
        return NULL;
    char *copy = proto_arena_alloc(arena, size, 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

char *proto_arena_strdup(struct proto_arena *arena, const char *text)
{
    return text ? proto_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *proto_arena_printf(struct proto_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : proto_arena_alloc(arena, (size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void proto_arena_deinit(struct proto_arena *arena)
{
    struct proto_arena_block *block = arena->blocks;
    while (block) {
        struct proto_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->used_bytes = 0;
}
