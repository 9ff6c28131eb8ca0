#include "write_file.h"

#include "draft.h"

int write_file(const char *path, const char *bytes, size_t length, mode_t mode, bool force)
{
    DRAFT_CLEANUP struct draft draft = DRAFT_NULL;

    if (draft_open(path, mode, &draft) < 0 || draft_write(&draft, bytes, length) < 0)
        return -1;
    return draft_finish(&draft, force);
}
