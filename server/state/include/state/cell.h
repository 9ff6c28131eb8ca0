/* Immutable, reference-counted objects: what views share with each other.
 *
 * A cell is filled once by the thread that made it and never changed after it has been shared. Its
 * arena holds whatever the payload points to. cell_ref and cell_unref may be called from any
 * thread.
 */
#ifndef STATE_CELL_H
#define STATE_CELL_H

#include <stddef.h>

#include <proto/arena.h>

/* A zeroed payload of `size` bytes with one reference; NULL when out of memory. */
void *cell_new(size_t size);
struct proto_arena *cell_arena(void *payload);
void *cell_ref(void *payload);  /* NULL is fine */
void cell_unref(void *payload); /* NULL is fine */
/* The same for a payload that holds more than its arena: release(payload) comes before the memory
 * goes. */
void cell_unref_with(void *payload, void (*release)(void *payload));

#endif
