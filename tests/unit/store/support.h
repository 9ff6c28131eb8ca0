/* What the store's tests share: a directory that goes away, and short ways to write and read. */
#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include <check.h>

#include <store/store.h>

/* A path in a new directory under TMPDIR or /tmp; `data` in it does not exist yet. */
char *scratch_new(void);
/* Removes the directory above path and everything in it. */
void scratch_free(char *path);
char *scratch_file(const char *data, const char *name);

struct store *open_or_fail(const char *data);

struct expected {
    int status; /* of the body, when no call failed */
    const struct store_event *event;
};
/* A body that appends arg's event and answers its status. */
int append_body(struct store_tx *tx, void *arg);
int append(struct store *store, const struct store_event *event);
/* An event with everything but project and seq filled in. */
struct store_event event_of(const char *project, int64_t seq);

/* Number of events of a project (NULL: of all); fails the test when their seqs have a gap. */
int64_t count_events(struct store *store, const char *project);
/* Runs integrity_check and foreign_key_check over a closed store. */
void check_integrity(const char *data);

int run_tests(TCase *(*const cases[])(void), const char *name);

#endif
