/* Recordings by task, handed out one after the other to whoever "demonstrates" that task.
 *
 * Each is given once as it was recorded. Once those of a task are used up they are played again
 * with a little noise on the actions, as are rollouts, so that no two contents are the same: the
 * server would take them for one.
 */
#ifndef SIMULATE_PLAYBOOK_H
#define SIMULATE_PLAYBOOK_H

#include <pthread.h>

#include <amf/rng.h>

#include "demo_file.h"

struct playbook {
    pthread_mutex_t lock;
    struct demo_file *files; /* sorted by path */
    size_t count;
    const char **tasks; /* keys, in the order of the files */
    size_t task_count;
    const struct proto_demonstration **recordings; /* by task, then as in the folder */
    size_t *first, *size; /* of a task: where its recordings begin, and how many they are */
    size_t *taken;        /* of a task: handed out so far */
    size_t replays;
    struct proto_arena arena;
};

/* Reads every demonstration of a folder. 0; -1 with ret_error. Deinit it in any case. */
__attribute__((warn_unused_result)) int playbook_read(struct playbook *book, const char *folder,
                                                      char ret_error[512]);
void playbook_deinit(struct playbook *book);

/* SIZE_MAX: no recording of that task. */
size_t playbook_find(const struct playbook *book, const char *task);

/* The next recording of a task. Numbers are borrowed from the book or live in the arena. -1: no
 * memory. */
__attribute__((warn_unused_result)) int playbook_take(struct playbook *book, size_t task,
                                                      struct amf_rng *rng,
                                                      struct proto_arena *arena,
                                                      struct proto_demonstration *ret);
/* Any recording of a task, with noise. */
__attribute__((warn_unused_result)) int playbook_rollout(const struct playbook *book, size_t task,
                                                         struct amf_rng *rng,
                                                         struct proto_arena *arena,
                                                         struct proto_demonstration *ret);

#endif
