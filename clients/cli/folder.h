/* The demonstration files of a folder and its subfolders. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <stddef.h>

struct folder {
    char **paths; /* sorted by bytes, each beginning with the folder's name as given */
    size_t count, capacity;
};

#define FOLDER_NULL                                                                                \
    {                                                                                              \
        0                                                                                          \
    }
void folder_deinit(struct folder *folder);
#define FOLDER_CLEANUP __attribute__((cleanup(folder_deinit)))

/* Symbolic links are followed, circles among them left out; hidden names are left out. 0; -1: the
 * folder or something in it cannot be read, ret_error says what. */
__attribute__((warn_unused_result)) int folder_read(const char *directory, struct folder *folder,
                                                    char ret_error[512]);

#endif
