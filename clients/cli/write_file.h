/* Writing a whole file or none. */
#ifndef CLI_WRITE_FILE_H
#define CLI_WRITE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* force: a file of that name is replaced, else it is EEXIST. 0, or -1 with errno. */
__attribute__((warn_unused_result)) int write_file(const char *path, const char *bytes,
                                                   size_t length, mode_t mode, bool force);

#endif
