#include <stdatomic.h>
#include <stdlib.h>

#include <state/cell.h>

struct cell {
    atomic_size_t references;
    struct proto_arena arena;
    _Alignas(max_align_t) unsigned char payload[];
};

static struct cell *cell_of(void *payload)
{
    return (struct cell *)(void *)((unsigned char *)payload - offsetof(struct cell, payload));
}

void *cell_new(size_t size)
{
    struct cell *cell = calloc(1, sizeof *cell + size);

    if (!cell)
        return NULL;
    atomic_init(&cell->references, 1);
    return cell->payload;
}

struct proto_arena *cell_arena(void *payload)
{
    return &cell_of(payload)->arena;
}

void *cell_ref(void *payload)
{
    if (payload)
        atomic_fetch_add_explicit(&cell_of(payload)->references, 1, memory_order_relaxed);
    return payload;
}

void cell_unref(void *payload)
{
    cell_unref_with(payload, NULL);
}

void cell_unref_with(void *payload, void (*release)(void *payload))
{
    struct cell *cell;

    if (!payload)
        return;
    cell = cell_of(payload);
    if (atomic_fetch_sub_explicit(&cell->references, 1, memory_order_acq_rel) != 1)
        return;
    if (release)
        release(payload);
    proto_arena_deinit(&cell->arena);
    free(cell);
}
