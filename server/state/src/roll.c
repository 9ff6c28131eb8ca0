#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <state/cell.h>
#include <state/roll.h>

#define CHUNK_ITEMS 256

struct roll_chunk {
    atomic_size_t references;
    size_t used; /* filled by the newest owner; others stop at their roll's count */
    void *items[CHUNK_ITEMS];
};

static void chunk_unref(struct roll_chunk *chunk)
{
    if (!chunk || atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < chunk->used; i++)
        cell_unref(chunk->items[i]);
    free(chunk);
}

/* A private chunk with the first `count` items of another (NULL: none). */
static struct roll_chunk *chunk_new(const struct roll_chunk *from, size_t count)
{
    struct roll_chunk *chunk = calloc(1, sizeof *chunk);

    if (!chunk)
        return NULL;
    atomic_init(&chunk->references, 1);
    for (size_t i = 0; i < count; i++)
        chunk->items[i] = cell_ref(from->items[i]);
    chunk->used = count;
    return chunk;
}

void *roll_get(const struct roll *roll, size_t index)
{
    return roll->chunks[index / CHUNK_ITEMS]->items[index % CHUNK_ITEMS];
}

/* How many items of chunk c belong to this roll. */
static size_t roll_chunk_count(const struct roll *roll, size_t c)
{
    size_t rest = roll->count - c * CHUNK_ITEMS;

    return rest < CHUNK_ITEMS ? rest : CHUNK_ITEMS;
}

static int roll_own_chunk(struct roll *roll, size_t c)
{
    struct roll_chunk *own = chunk_new(roll->chunks[c], roll_chunk_count(roll, c));

    if (!own)
        return -1;
    chunk_unref(roll->chunks[c]);
    roll->chunks[c] = own;
    return 0;
}

static int roll_grow(struct roll *roll)
{
    struct roll_chunk **chunks = realloc(roll->chunks, (roll->chunk_count + 1) * sizeof(void *));

    if (!chunks)
        return -1;
    roll->chunks = chunks;
    chunks[roll->chunk_count] = chunk_new(NULL, 0);
    if (!chunks[roll->chunk_count])
        return -1;
    roll->chunk_count++;
    return 0;
}

int roll_append(struct roll *roll, void *item)
{
    size_t c = roll->count / CHUNK_ITEMS;
    struct roll_chunk *chunk;

    if (c == roll->chunk_count) {
        if (roll_grow(roll))
            return -1;
    } else if (roll->chunks[c]->used != roll->count % CHUNK_ITEMS) {
        if (roll_own_chunk(roll, c))
            return -1;
    }
    chunk = roll->chunks[c];
    chunk->items[chunk->used] = cell_ref(item);
    chunk->used++;
    roll->count++;
    return 0;
}

int roll_replace(struct roll *roll, size_t index, void *item)
{
    size_t c = index / CHUNK_ITEMS;

    if (roll_own_chunk(roll, c))
        return -1;
    cell_unref(roll->chunks[c]->items[index % CHUNK_ITEMS]);
    roll->chunks[c]->items[index % CHUNK_ITEMS] = cell_ref(item);
    return 0;
}

/* A new roll of the items before `index`, then `item` (NULL: none), then those from `rest` on. */
static int roll_splice(struct roll *roll, size_t index, void *item, size_t rest)
{
    struct roll next = ROLL_NULL;
    int failed = 0;

    for (size_t i = 0; i < index && !failed; i++)
        failed = roll_append(&next, roll_get(roll, i));
    if (item && !failed)
        failed = roll_append(&next, item);
    for (size_t i = rest; i < roll->count && !failed; i++)
        failed = roll_append(&next, roll_get(roll, i));
    if (failed) {
        roll_deinit(&next);
        return -1;
    }
    roll_deinit(roll);
    *roll = next;
    return 0;
}

int roll_insert(struct roll *roll, size_t index, void *item)
{
    return roll_splice(roll, index, item, index);
}

int roll_remove(struct roll *roll, size_t index)
{
    return roll_splice(roll, index, NULL, index + 1);
}

bool roll_same(const struct roll *roll, const struct roll *other)
{
    bool same = roll->count == other->count && roll->chunk_count == other->chunk_count;

    for (size_t c = 0; c < roll->chunk_count && same; c++)
        same = roll->chunks[c] == other->chunks[c];
    return same;
}

int roll_copy(const struct roll *roll, struct roll *ret_copy)
{
    struct roll copy = {NULL, roll->chunk_count, roll->count};

    if (roll->chunk_count > 0) {
        copy.chunks = calloc(roll->chunk_count, sizeof(void *));
        if (!copy.chunks)
            return -1;
    }
    for (size_t c = 0; c < roll->chunk_count; c++) {
        copy.chunks[c] = roll->chunks[c];
        atomic_fetch_add_explicit(&copy.chunks[c]->references, 1, memory_order_relaxed);
    }
    *ret_copy = copy;
    return 0;
}

void roll_deinit(struct roll *roll)
{
    for (size_t c = 0; c < roll->chunk_count; c++)
        chunk_unref(roll->chunks[c]);
    free(roll->chunks);
    *roll = (struct roll)ROLL_NULL;
}
