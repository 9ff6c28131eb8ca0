/* A file that has its name only once it is whole and on disk. */
#ifndef CLI_DRAFT_H
#define CLI_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct draft {
    char *path, *draft_path; /* draft_path NULL: not open */
    int fd;
};

#define DRAFT_NULL                                                                                 \
    {                                                                                              \
        NULL, NULL, -1                                                                             \
    }
/* What was not finished is removed. */
void draft_deinit(struct draft *draft);
#define DRAFT_CLEANUP __attribute__((cleanup(draft_deinit)))

/* Each: 0, or -1 with errno. */
__attribute__((warn_unused_result)) int draft_open(const char *path, mode_t mode,
                                                   struct draft *ret_draft);
__attribute__((warn_unused_result)) int draft_write(struct draft *draft, const void *bytes,
                                                    size_t length);
/* force: in the place of another file of that name; without, EEXIST. */
__attribute__((warn_unused_result)) int draft_finish(struct draft *draft, bool force);

#endif
