/* Preloaded into the daemon: the Nth allocation finds no memory. The allocations that dlsym makes
 * while it looks for the real functions come from a small region here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "preload.h"

static struct preload_control *control;
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);

static struct {
    _Alignas(16) unsigned char bytes[16384];
    size_t used;
    bool looking;
} early;

static void *early_take(size_t bytes)
{
    size_t at = early.used;
    size_t whole = (bytes + 15) & ~(size_t)15;
    if (whole > sizeof(early.bytes) - at)
        abort();
    early.used += whole;
    return early.bytes + at;
}

static bool is_early(const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)early.bytes < sizeof(early.bytes);
}

static void find(void)
{
    early.looking = true;
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    *(void **)&next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    early.looking = false;
}

__attribute__((constructor)) static void start(void)
{
    if (!next_malloc)
        find();
    control = preload_map();
}

/* False while the real functions are being looked for. */
static bool ready(void)
{
    if (!next_malloc && !early.looking)
        find();
    return !early.looking;
}

/* Initial-exec, for any other kind would be allocated at its first use. */
static __attribute__((tls_model("initial-exec"))) _Thread_local bool exempt;

/* The address sanitizer asks this of every thread and gives up without an answer. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *ret_attributes)
{
    int (*next)(pthread_t, pthread_attr_t *);
    exempt = true;
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_getattr_np");
    int rc = next ? next(thread, ret_attributes) : ENOSYS;
    exempt = false;
    return rc;
}

static bool refused(void)
{
    if (exempt || !preload_hits(control, 0))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    if (!ready())
        return early_take(bytes);
    return refused() ? NULL : next_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    if (!ready())
        return early_take(count * bytes);
    return refused() ? NULL : next_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    if (!ready() || is_early(memory)) {
        void *moved = malloc(bytes);
        size_t rest =
            memory ? (size_t)(early.bytes + sizeof(early.bytes) - (unsigned char *)memory) : 0;
        if (moved && memory)
            memcpy(moved, memory, bytes < rest ? bytes : rest);
        return moved;
    }
    return refused() ? NULL : next_realloc(memory, bytes);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t bytes)
{
    if (!ready())
        return ENOMEM;
    return refused() ? ENOMEM : next_posix_memalign(ret_memory, alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    if (!ready())
        return NULL;
    return refused() ? NULL : next_aligned_alloc(alignment, bytes);
}

void free(void *memory)
{
    if (memory && !is_early(memory) && ready())
        next_free(memory);
}
