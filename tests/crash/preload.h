/* What a test and a library preloaded into a program say to each other: a file both have mapped,
 * named by PRELOAD_CONTROL. The test writes every member and `armed` last; the library counts.
 * preload.py knows the same layout. */
#ifndef TESTS_CRASH_PRELOAD_H
#define TESTS_CRASH_PRELOAD_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct preload_control {
    _Atomic uint32_t armed;
    uint32_t kinds;         /* bit k: calls of kind k are counted */
    uint32_t persistent;    /* fails from the Nth on, not the Nth alone */
    int32_t error;          /* errno; 0: says success without doing it; -1: kills the process */
    uint64_t nth;           /* 1, 2, ...; 0: only counts */
    _Atomic uint64_t calls; /* since armed */
    _Atomic uint64_t hits;  /* of them failed */
};

/* NULL without a control file. By system calls, because open and malloc may be ours. */
static inline struct preload_control *preload_map(void)
{
    const char *path = getenv("PRELOAD_CONTROL");
    if (!path)
        return NULL;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *map =
        mmap(NULL, sizeof(struct preload_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    return map == MAP_FAILED ? NULL : map;
}

static inline bool preload_hits(struct preload_control *control, unsigned kind)
{
    if (!control || !atomic_load(&control->armed) || !(control->kinds >> kind & 1))
        return false;
    uint64_t call = atomic_fetch_add(&control->calls, 1) + 1;
    bool hit =
        control->nth && (call == control->nth || (control->persistent && call > control->nth));
    if (hit)
        atomic_fetch_add(&control->hits, 1);
    return hit;
}

#endif
