/* All names are gathered and sorted before the first is used, so that what is sent, and in which
 * order, does not depend on the file system.
 */
#include "folder.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "demo_file.h"

void folder_deinit(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->paths[i]);
    free(folder->paths);
    *folder = (struct folder)FOLDER_NULL;
}

static int folder_add(struct folder *folder, const char *path)
{
    char *copy;

    if (folder->count == folder->capacity) {
        size_t capacity = folder->capacity ? folder->capacity * 2 : 64;
        char **paths = reallocarray(folder->paths, capacity, sizeof(*paths));

        if (!paths)
            return -1;
        folder->paths = paths;
        folder->capacity = capacity;
    }
    copy = strdup(path);
    if (!copy)
        return -1;
    folder->paths[folder->count++] = copy;
    return 0;
}

static int visit(FTS *tree, FTSENT *entry, struct folder *folder)
{
    bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

    switch (entry->fts_info) {
    case FTS_D:
        if (hidden)
            fts_set(tree, entry, FTS_SKIP);
        return 0;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return -1;
    case FTS_F:
    case FTS_SLNONE: /* a link to nowhere: named as unreadable when its turn comes */
        if (hidden || !demo_file_is_one(entry->fts_path))
            return 0;
        errno = ENOMEM;
        return folder_add(folder, entry->fts_path);
    default:
        return 0;
    }
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int folder_read(const char *directory, struct folder *folder, char ret_error[512])
{
    char *trimmed = strdup(directory);
    char *roots[] = {trimmed, NULL};
    struct stat info;
    FTS *tree = NULL;
    FTSENT *entry = NULL;
    int status = trimmed ? 0 : -1;

    for (size_t end = trimmed ? strlen(trimmed) : 0; end > 1 && trimmed[end - 1] == '/'; end--)
        trimmed[end - 1] = '\0';
    if (status == 0 && stat(directory, &info) == 0 && !S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        status = -1;
    }
    if (status == 0) {
        tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
        status = tree ? 0 : -1;
    }
    while (status == 0 && (errno = 0, entry = fts_read(tree)))
        status = visit(tree, entry, folder);
    if (status == 0 && errno != 0)
        status = -1;
    if (status < 0)
        snprintf(ret_error, 512, "%.400s: %s", entry ? entry->fts_path : directory,
                 strerror(errno));
    if (tree)
        fts_close(tree);
    free(trimmed);
    if (status == 0 && folder->count > 0)
        qsort(folder->paths, folder->count, sizeof(*folder->paths), by_bytes);
    return status;
}
