/* Files of one task need not stand together in a folder: they are gathered once, at the start. */
#include "playbook.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"

#define NOISE_SHARE 0.01 /* of the root mean square of a recording's actions */

void playbook_deinit(struct playbook *book)
{
    for (size_t i = 0; i < book->count; i++)
        demo_file_deinit(&book->files[i]);
    free(book->files);
    proto_arena_deinit(&book->arena);
    pthread_mutex_destroy(&book->lock);
}

size_t playbook_find(const struct playbook *book, const char *task)
{
    for (size_t i = 0; i < book->task_count; i++)
        if (strcmp(book->tasks[i], task) == 0)
            return i;
    return SIZE_MAX;
}

/* Left out is what `amf demo upload` leaves out too, and what is no demonstration of a person. */
static int read_one(struct playbook *book, const char *path, char error[512])
{
    const struct demo_options nothing = {.role = -1};
    struct demo_file file = DEMO_FILE_NULL;
    char why[512];
    bool foreign;

    if (demo_file_read(path, &nothing, &file, why) == 0) {
        if (file.demonstration.success && file.demonstration.role == PROTO_ROLE_DEMONSTRATION)
            book->files[book->count++] = file;
        else
            demo_file_deinit(&file);
        return 0;
    }
    foreign = file.foreign;
    demo_file_deinit(&file);
    if (foreign)
        return 0;
    snprintf(error, 512, "%.200s: %.300s", path, why);
    return -1;
}

static void add_task(struct playbook *book, const char *task, size_t *number)
{
    book->first[book->task_count] = *number;
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->files[i].demonstration.task, task) == 0)
            book->recordings[(*number)++] = &book->files[i].demonstration;
    book->size[book->task_count] = *number - book->first[book->task_count];
    book->tasks[book->task_count++] = task;
}

static int index_tasks(struct playbook *book)
{
    size_t number = 0;

    book->tasks = proto_arena_alloc(&book->arena, book->count, sizeof(*book->tasks));
    book->first = proto_arena_alloc(&book->arena, book->count, sizeof(*book->first));
    book->size = proto_arena_alloc(&book->arena, book->count, sizeof(*book->size));
    book->taken = proto_arena_alloc(&book->arena, book->count, sizeof(*book->taken));
    book->recordings = proto_arena_alloc(&book->arena, book->count, sizeof(*book->recordings));
    if (!book->tasks || !book->first || !book->size || !book->taken || !book->recordings)
        return -1;
    for (size_t i = 0; i < book->count; i++)
        if (playbook_find(book, book->files[i].demonstration.task) == SIZE_MAX)
            add_task(book, book->files[i].demonstration.task, &number);
    return 0;
}

int playbook_read(struct playbook *book, const char *folder, char error[512])
{
    FOLDER_CLEANUP struct folder listed = FOLDER_NULL;

    *book = (struct playbook){.count = 0};
    pthread_mutex_init(&book->lock, NULL);
    if (folder_read(folder, &listed, error) < 0)
        return -1;
    book->files = calloc(listed.count + 1, sizeof(*book->files));
    if (!book->files)
        return snprintf(error, 512, "out of memory"), -1;
    for (size_t i = 0; i < listed.count; i++)
        if (read_one(book, listed.paths[i], error) < 0)
            return -1;
    if (book->count == 0)
        return snprintf(error, 512, "%.300s: no demonstrations in it", folder), -1;
    if (index_tasks(book) < 0)
        return snprintf(error, 512, "out of memory"), -1;
    return 0;
}

static int add_noise(struct proto_matrix *actions, struct amf_rng *rng, struct proto_arena *arena)
{
    size_t count = actions->rows * actions->cols; /* it is in memory: no overflow */
    double *noisy = proto_arena_alloc(arena, count, sizeof(*noisy)), square = 0;

    if (!noisy)
        return -1;
    for (size_t i = 0; i < count; i++)
        square += actions->data[i] * actions->data[i];
    square = NOISE_SHARE * sqrt(square / (double)count);
    for (size_t i = 0; i < count; i++)
        noisy[i] = actions->data[i] + (square > 0 ? square : NOISE_SHARE) * amf_rng_normal(rng);
    actions->data = noisy;
    return 0;
}

int playbook_take(struct playbook *book, size_t task, struct amf_rng *rng,
                  struct proto_arena *arena, struct proto_demonstration *ret)
{
    size_t number;
    bool again;

    pthread_mutex_lock(&book->lock);
    number = book->taken[task]++;
    again = number >= book->size[task];
    book->replays += again;
    pthread_mutex_unlock(&book->lock);
    *ret = *book->recordings[book->first[task] + number % book->size[task]];
    return again ? add_noise(&ret->actions, rng, arena) : 0;
}

int playbook_rollout(const struct playbook *book, size_t task, struct amf_rng *rng,
                     struct proto_arena *arena, struct proto_demonstration *ret)
{
    size_t number = amf_rng_below(rng, book->size[task]);

    *ret = *book->recordings[book->first[task] + number];
    ret->role = PROTO_ROLE_ROLLOUT;
    return add_noise(&ret->actions, rng, arena);
}
