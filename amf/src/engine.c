/* The engine's life: what it holds, whether a problem is that and more, and updates.
 *
 * Cost of an update by H rows with N conditioned rows, S rows in the occupancy set under M tasks
 * and P pairs that weigh something: N^2 H for the factor, S N H for all pairs' means and variances
 * (M times that where the kernel does not separate), P^2 H / 2 for the covariances; N^2 for a pair
 * that is new. Nothing grows with N^2 times the number of pairs.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine_private.h"
#include "internal.h"

/* sigma^2 over the largest possible eigenvalue of k(D, D). An inverse factor loses digits with it
 * that triangular solves keep: against long double, gains of a linear kernel are off by 1e-8 at
 * 1e-8, where those of the solves are off by 2e-10; at this bound by 1e-10 both. Below it the
 * engine leaves the problem to the solves. */
#define ENGINE_MIN_NOISE 2e-7
#define ENGINE_ROWS 4096 /* of the step table */

enum amf_status amf_engine_new(struct amf_engine **ret_engine)
{
    struct amf_engine *engine = calloc(1, sizeof(*engine));

    if (!engine)
        return AMF_NO_MEMORY;
    *ret_engine = engine;
    return AMF_OK;
}

static void engine_member_deinit(struct engine_member *member)
{
    free(member->variance);
    free(member->mean);
    free(member->slot);
}

void amf_engine_clear(struct amf_engine *engine)
{
    struct engine_tiles *spare = engine->pool.tiles ? engine->pool.tiles : engine->spare;

    if (spare != engine->spare)
        amf_engine_tiles_unref(engine->spare);
    engine->pool.tiles = NULL;
    for (size_t p = 0; p < engine->panel_count; p++)
        amf_engine_panel_deinit(&engine->panels[p]);
    for (size_t i = 0; i < engine->member_count; i++)
        engine_member_deinit(&engine->members[i]);
    amf_engine_pool_deinit(&engine->pool);
    amf_kernel_unref(engine->kernel);
    free(engine->blocks);
    free(engine->block_first);
    free(engine->actions);
    free(engine->panels);
    free(engine->members);
    *engine = (struct amf_engine){.spare = spare};
}

void amf_engine_forget(struct amf_engine *engine)
{
    amf_engine_clear(engine);
    amf_engine_tiles_unref(engine->spare);
    engine->spare = NULL;
}

void amf_engine_free(struct amf_engine *engine)
{
    if (!engine)
        return;
    amf_engine_forget(engine);
    free(engine);
}

size_t amf_engine_bytes(const struct amf_engine *engine)
{
    size_t doubles = 0, tasks = engine->kernel ? engine->kernel->task_count : 0;

    for (size_t p = 0; p < engine->panel_count; p++)
        doubles += (engine->panels[p].first + engine->panels[p].rows) * engine->panels[p].width;
    for (size_t i = 0; i < engine->member_count; i++)
        doubles += engine->members[i].row_count * tasks * (1 + engine->action_width);
    doubles += engine->row_count * engine->action_width;
    doubles += engine->pool.used * (engine->row_count + engine->pool.used / 2);
    if (engine->pool.prior)
        doubles += engine->pool.used * engine->row_count;
    if (engine->kernel && engine->kernel->table)
        doubles += engine->kernel->row_count * engine->kernel->table->stride;
    return sizeof(*engine) + doubles * sizeof(double) + (engine->spare ? engine->spare->bytes : 0);
}

enum amf_status amf_engine_reserve(void *items, size_t *room, size_t count, size_t size)
{
    size_t more = amf_min(*room, SIZE_MAX / 2) * 2, bytes;
    void *grown;

    if (count <= *room)
        return AMF_OK;
    more = more < count ? count : more;
    if (__builtin_mul_overflow(more, size, &bytes))
        return AMF_TOO_LARGE;
    grown = realloc(*(void **)items, bytes);
    if (!grown)
        return AMF_NO_MEMORY;
    *(void **)items = grown;
    *room = more;
    return AMF_OK;
}

bool amf_engine_takes(const struct amf_kernel *kernel, double noise, bool conditioned)
{
    double largest = 0;

    if (kernel->row_count > ENGINE_ROWS || (kernel->form != KERNEL_FEATURES && !kernel->table))
        return false;
    for (size_t row = 0; conditioned && row < kernel->row_count; row++)
        for (size_t task = 0; task < kernel->task_count; task++) {
            struct amf_block pair = {row, 1, task};
            double prior;

            if (!amf_kernel_covers(kernel, &pair))
                continue;
            amf_kernel_diagonal(kernel, &pair, 1, &prior);
            largest = fmax(largest, prior);
        }
    return noise * noise >= ENGINE_MIN_NOISE * largest * (double)kernel->row_count;
}

static bool engine_same_actions(const struct amf_engine *engine, const struct engine_input *input)
{
    for (size_t r = 0; r < engine->row_count; r++)
        if (memcmp(engine->actions + r * engine->action_width,
                   input->actions + r * input->action_dim, input->action_dim * sizeof(double)))
            return false;
    return true;
}

static bool engine_is_prefix(const struct amf_engine *engine, const struct engine_input *input)
{
    if (!engine->kernel || engine->noise != input->noise ||
        engine->action_dim != input->action_dim || engine->block_count > input->block_count ||
        engine->member_count > input->member_count)
        return false;
    if (!amf_kernel_extends(input->kernel, engine->kernel) || !engine_same_actions(engine, input))
        return false;
    for (size_t b = 0; b < engine->block_count; b++)
        if (engine->blocks[b].first_row != input->blocks[b].first_row ||
            engine->blocks[b].row_count != input->blocks[b].row_count ||
            engine->blocks[b].task != input->blocks[b].task)
            return false;
    for (size_t i = 0; i < engine->member_count; i++)
        if (engine->members[i].first_row != input->members[i].first_row ||
            engine->members[i].row_count != input->members[i].row_count)
            return false;
    return true;
}

static enum amf_status engine_take_blocks(struct amf_engine *engine,
                                          const struct engine_input *input)
{
    size_t count = input->block_count, room = engine->block_room, row = engine->row_count;
    size_t rows = amf_blocks_rows(input->blocks, count), width = engine->action_width;
    enum amf_status status =
        amf_engine_reserve(&engine->block_first, &room, count, sizeof(*engine->block_first));

    if (!status)
        status = amf_engine_reserve(&engine->blocks, &engine->block_room, count,
                                    sizeof(*engine->blocks));
    if (!status)
        status = amf_engine_reserve(&engine->actions, &engine->action_room, rows,
                                    width * sizeof(double));
    if (status)
        return status;
    for (size_t b = engine->block_count; b < count; b++) {
        engine->blocks[b] = input->blocks[b];
        engine->block_first[b] = row;
        row += input->blocks[b].row_count;
    }
    engine->block_count = count;
    if (rows > engine->row_count) /* else there may be no array at all */
        memset(engine->actions + engine->row_count * width, 0,
               (rows - engine->row_count) * width * sizeof(double));
    for (size_t r = engine->row_count; r < rows; r++)
        memcpy(engine->actions + r * width, input->actions + r * input->action_dim,
               input->action_dim * sizeof(double));
    return AMF_OK;
}

static enum amf_status engine_add_member(struct amf_engine *engine, const struct amf_block *at)
{
    size_t tasks = engine->kernel->task_count, pairs, numbers;
    struct engine_member *member;
    enum amf_status status = amf_engine_reserve(&engine->members, &engine->member_room,
                                                engine->member_count + 1, sizeof(*member));

    if (status)
        return status;
    if (__builtin_mul_overflow(tasks, at->row_count, &pairs) ||
        __builtin_mul_overflow(pairs, engine->action_width, &numbers))
        return AMF_TOO_LARGE;
    member = &engine->members[engine->member_count++];
    *member = (struct engine_member){.first_row = at->first_row, .row_count = at->row_count};
    member->variance = amf_new_array(pairs, sizeof(double));
    member->mean = amf_new_array(numbers, sizeof(double));
    member->slot = amf_new_array(tasks, sizeof(size_t));
    if (!member->variance || !member->mean || !member->slot)
        return AMF_NO_MEMORY;
    for (size_t c = 0; c < tasks; c++) {
        struct amf_block pair = {at->first_row, at->row_count, c};

        member->slot[c] = ENGINE_NONE;
        if (amf_kernel_covers(engine->kernel, &pair))
            amf_kernel_diagonal(engine->kernel, &pair, 1, member->variance + c * at->row_count);
    }
    return AMF_OK;
}

/* Slots before the first panel save the pairs that will be covered a second pass. */
static enum amf_status engine_expect(struct amf_engine *engine, const struct amf_block *at,
                                     size_t index, bool all_tasks)
{
    size_t tasks = engine->kernel->task_count;
    enum amf_status status = AMF_OK;

    for (size_t c = 0; !status && c < tasks; c++) {
        struct amf_block pair = {at->first_row, at->row_count, c};

        if ((all_tasks || c == at->task) && amf_kernel_covers(engine->kernel, &pair))
            status = amf_engine_pool_expect(engine, index, c);
    }
    return status;
}

static bool engine_all_tasks_fit(const struct amf_engine *engine, const struct engine_input *input)
{
    size_t columns;

    return !__builtin_mul_overflow(amf_blocks_rows(input->members, input->member_count),
                                   engine->kernel->task_count, &columns) &&
           amf_engine_pool_fits(columns, engine->row_count);
}

static bool engine_covers(const struct engine_input *input)
{
    for (size_t b = 0; b < input->block_count; b++)
        if (!amf_kernel_covers(input->kernel, &input->blocks[b]))
            return false;
    return true;
}

static enum amf_status engine_append(struct amf_engine *engine, const struct engine_input *input)
{
    enum amf_status status = engine_take_blocks(engine, input);
    bool all_tasks;

    if (!status)
        status = amf_engine_factor(engine, input->pool, input->cancel);
    all_tasks = !status && input->all_tasks && engine_all_tasks_fit(engine, input);
    for (size_t i = engine->member_count; !status && i < input->member_count; i++) {
        status = engine_add_member(engine, &input->members[i]);
        if (!status)
            status = engine_expect(engine, &input->members[i], i, all_tasks);
    }
    if (!status)
        status = amf_engine_pool_make_room(engine);
    if (!status)
        status = amf_engine_pairs(engine, input->pool, input->cancel);
    return status;
}

enum amf_status amf_engine_update(struct amf_engine *engine, const struct engine_input *input)
{
    enum amf_status status;

    if (!engine_is_prefix(engine, input)) {
        amf_engine_clear(engine);
        engine->noise = input->noise;
        engine->action_dim = input->action_dim;
        engine->action_width = fold_round_up(input->action_dim);
    }
    amf_kernel_ref(input->kernel);
    amf_kernel_unref(engine->kernel);
    engine->kernel = input->kernel;
    status = engine_covers(input) ? engine_append(engine, input) : AMF_BAD_ARGUMENT;
    if (status)
        amf_engine_clear(engine);
    return status;
}

const double *amf_engine_variance(const struct amf_engine *engine, size_t member, size_t task)
{
    const struct engine_member *at = &engine->members[member];

    return at->variance + task * at->row_count;
}

const double *amf_engine_mean(const struct amf_engine *engine, size_t member, size_t task)
{
    const struct engine_member *at = &engine->members[member];

    return at->mean + task * at->row_count * engine->action_width;
}
