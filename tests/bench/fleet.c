/* cos(a + b) = cos a cos b - sin a sin b: the waves of 12,800 states and of 100 tasks are made once
 * (200 MiB), and 1.3 million rows of features cost two multiplications a number. Steps of
 * demonstrations outside the occupancy set are seen once each, and take a cosine a number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amf/rng.h>
#include <proto/arena.h>
#include <proto/error.h>
#include <proto/safetensors.h>

#include "fleet.h"
#include "inputs.h"

#define STATE_DIM 16
#define TASK_DIM 8
#define INPUT_DIM (STATE_DIM + TASK_DIM)
#define FILE_DEMONSTRATIONS 2000

typedef double fleet_vector __attribute__((vector_size(64), aligned(sizeof(double))));

void fleet_deinit(struct fleet *fleet)
{
    free(fleet->tasks);
    free(fleet->states);
    free(fleet->weights);
    free(fleet->state_weights);
    free(fleet->phases);
    free(fleet->own);
    free(fleet->members);
    free(fleet->tests);
    free(fleet->state_wave);
    free(fleet->task_wave);
    free(fleet->task_phase);
    free(fleet->member_of);
    free(fleet->held);
    free(fleet->blocks);
    free(fleet->test_blocks);
    free(fleet->targets);
    free(fleet->test_weights);
}

static int fleet_alloc(struct fleet *f)
{
    size_t rows = f->demonstrations * FLEET_STEPS, waves = FLEET_MEMBERS * FLEET_STEPS;

    f->tasks = calloc(FLEET_TASKS * TASK_DIM, sizeof(double));
    f->states = calloc(rows * STATE_DIM, sizeof(double));
    f->weights = calloc(FLEET_FEATURES * INPUT_DIM, sizeof(double));
    f->state_weights = calloc(FLEET_FEATURES * STATE_DIM, sizeof(double));
    f->phases = calloc(FLEET_FEATURES, sizeof(double));
    f->own = calloc(f->demonstrations, sizeof(int64_t));
    f->members = calloc(FLEET_MEMBERS, sizeof(int64_t));
    f->tests = calloc(FLEET_TESTS * 3, sizeof(int64_t));
    f->state_wave = calloc(waves * 2 * FLEET_FEATURES, sizeof(double));
    f->task_wave = calloc(FLEET_TASKS * 2 * FLEET_FEATURES, sizeof(double));
    f->task_phase = calloc(FLEET_TASKS * FLEET_FEATURES, sizeof(double));
    f->member_of = calloc(f->demonstrations, sizeof(size_t));
    f->held = calloc(f->demonstrations, sizeof(*f->held));
    f->blocks = calloc(FLEET_MEMBERS * FLEET_TASKS, sizeof(*f->blocks));
    f->test_blocks = calloc(FLEET_TESTS, sizeof(*f->test_blocks));
    f->targets = calloc(FLEET_TESTS, sizeof(size_t));
    f->test_weights = calloc(FLEET_TESTS, sizeof(double));
    return f->tasks && f->states && f->weights && f->state_weights && f->phases && f->own &&
                   f->members && f->tests && f->state_wave && f->task_wave && f->task_phase &&
                   f->member_of && f->held && f->blocks && f->test_blocks && f->targets &&
                   f->test_weights
               ? 0
               : -1;
}

/* ---- features ---- */

static double fleet_phase(const struct fleet *f, size_t feature, const double *input, size_t from,
                          size_t dim)
{
    const double *weight = f->weights + feature * INPUT_DIM + from;
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += weight[d] * input[d];
    return sum;
}

static void fleet_direct_row(const struct fleet *f, size_t row, size_t task, double *ret_row)
{
    const double *state = f->states + row * STATE_DIM;

    memcpy(ret_row, f->task_phase + task * FLEET_FEATURES, FLEET_FEATURES * sizeof(double));
    for (size_t d = 0; d < STATE_DIM; d++)
        for (size_t k = 0; k < FLEET_FEATURES; k += 8)
            *(fleet_vector *)(ret_row + k) +=
                state[d] * *(const fleet_vector *)(f->state_weights + d * FLEET_FEATURES + k);
    for (size_t k = 0; k < FLEET_FEATURES; k++)
        ret_row[k] = sqrt(2.0 / FLEET_FEATURES) * cos(ret_row[k]);
}

static void fleet_wave_row(const struct fleet *f, size_t wave, size_t task, double *ret_row)
{
    const double *state = f->state_wave + wave * 2 * FLEET_FEATURES;
    const double *other = f->task_wave + task * 2 * FLEET_FEATURES;

    for (size_t k = 0; k < FLEET_FEATURES; k += 8)
        *(fleet_vector *)(ret_row + k) =
            *(const fleet_vector *)(state + k) * *(const fleet_vector *)(other + k) -
            *(const fleet_vector *)(state + FLEET_FEATURES + k) *
                *(const fleet_vector *)(other + FLEET_FEATURES + k);
}

static enum amf_status fleet_fill(const void *arg, const struct amf_block *blocks, size_t count,
                                  double *ret_rows, size_t stride)
{
    const struct fleet *f = arg;

    for (size_t b = 0; b < count; b++)
        for (size_t t = 0; t < blocks[b].row_count; t++, ret_rows += stride) {
            size_t row = blocks[b].first_row + t, member = f->member_of[row / FLEET_STEPS];

            if (member == FLEET_MEMBERS)
                fleet_direct_row(f, row, blocks[b].task, ret_rows);
            else
                fleet_wave_row(f, member * FLEET_STEPS + row % FLEET_STEPS, blocks[b].task,
                               ret_rows);
        }
    return AMF_OK;
}

static void fleet_make_waves(struct fleet *f)
{
    double scale = sqrt(2.0 / FLEET_FEATURES);

    for (size_t k = 0; k < FLEET_FEATURES * STATE_DIM; k++)
        f->state_weights[k % STATE_DIM * FLEET_FEATURES + k / STATE_DIM] =
            f->weights[k / STATE_DIM * INPUT_DIM + k % STATE_DIM];
    for (size_t c = 0; c < FLEET_TASKS; c++)
        for (size_t k = 0; k < FLEET_FEATURES; k++) {
            double phase =
                fleet_phase(f, k, f->tasks + c * TASK_DIM, STATE_DIM, TASK_DIM) + f->phases[k];

            f->task_phase[c * FLEET_FEATURES + k] = phase;
            f->task_wave[c * 2 * FLEET_FEATURES + k] = cos(phase);
            f->task_wave[(c * 2 + 1) * FLEET_FEATURES + k] = sin(phase);
        }
    for (size_t wave = 0; wave < FLEET_MEMBERS * FLEET_STEPS; wave++) {
        size_t row = (size_t)f->members[wave / FLEET_STEPS] * FLEET_STEPS + wave % FLEET_STEPS;

        for (size_t k = 0; k < FLEET_FEATURES; k++) {
            double phase = fleet_phase(f, k, f->states + row * STATE_DIM, 0, STATE_DIM);

            f->state_wave[wave * 2 * FLEET_FEATURES + k] = scale * cos(phase);
            f->state_wave[(wave * 2 + 1) * FLEET_FEATURES + k] = scale * sin(phase);
        }
    }
}

static void fleet_connect(struct fleet *f)
{
    for (size_t i = 0; i < f->demonstrations; i++) {
        f->held[i] = (struct amf_block){i * FLEET_STEPS, FLEET_STEPS, (size_t)f->own[i]};
        f->member_of[i] = FLEET_MEMBERS;
    }
    for (size_t m = 0; m < FLEET_MEMBERS; m++)
        f->member_of[f->members[m]] = m;
    f->features = (struct amf_features){FLEET_FEATURES, fleet_fill, f};
    fleet_make_waves(f);
}

struct amf_ridge_table_input fleet_scene(struct fleet *f, size_t stride, size_t test_stride,
                                         bool one_sum)
{
    size_t blocks = 0, tests = FLEET_TESTS / test_stride;

    for (size_t m = 0; m < FLEET_MEMBERS; m += stride)
        for (size_t c = 0; c < FLEET_TASKS; c++)
            f->blocks[blocks++] =
                (struct amf_block){(size_t)f->members[m] * FLEET_STEPS, FLEET_STEPS, c};
    for (size_t x = 0; x < tests; x++) {
        const int64_t *at = f->tests + 3 * x * test_stride;
        size_t first = (size_t)f->members[at[0]] * FLEET_STEPS;

        f->test_blocks[x] = (struct amf_block){first + (size_t)at[2], 1, (size_t)at[1]};
        f->targets[x] = one_sum ? 0 : (size_t)at[1];
        f->test_weights[x] = 1 / (double)tests;
    }
    return (struct amf_ridge_table_input){.blocks = f->blocks,
                                          .block_count = blocks,
                                          .tests = f->test_blocks,
                                          .test_block_count = tests,
                                          .test_weight = f->test_weights,
                                          .test_target = f->targets,
                                          .target_count = one_sum ? 1 : FLEET_TASKS,
                                          .keep = true};
}

/* ---- from a seed ---- */

/* Tasks, and a goal of each by one random linear map. */
static void fleet_make_goals(struct fleet *f, struct amf_rng *rng, double (*ret_goals)[STATE_DIM])
{
    double map[TASK_DIM][STATE_DIM];

    for (size_t k = 0; k < FLEET_TASKS * TASK_DIM; k++)
        f->tasks[k] = amf_rng_normal(rng);
    for (size_t k = 0; k < TASK_DIM * STATE_DIM; k++)
        map[k / STATE_DIM][k % STATE_DIM] = amf_rng_normal(rng) / sqrt(TASK_DIM);
    for (size_t c = 0; c < FLEET_TASKS; c++)
        for (size_t d = 0; d < STATE_DIM; d++) {
            ret_goals[c][d] = 0;
            for (size_t e = 0; e < TASK_DIM; e++)
                ret_goals[c][d] += f->tasks[c * TASK_DIM + e] * map[e][d];
        }
}

static void fleet_make_paths(struct fleet *f, struct amf_rng *rng)
{
    double goals[FLEET_TASKS][STATE_DIM];

    fleet_make_goals(f, rng, goals);
    for (size_t i = 0; i < f->demonstrations; i++)
        for (size_t d = 0; d < STATE_DIM; d++) {
            double start = amf_rng_normal(rng), goal = goals[i % FLEET_TASKS][d];
            double amplitude[3], phase[3];

            for (int w = 0; w < 3; w++) {
                amplitude[w] = 0.15 * amf_rng_normal(rng);
                phase[w] = 2 * M_PI * amf_rng_uniform(rng);
            }
            for (size_t t = 0; t < FLEET_STEPS; t++) {
                double u = (double)t / (FLEET_STEPS - 1);
                double state = start + u * u * u * (10 - 15 * u + 6 * u * u) * (goal - start);

                for (int w = 0; w < 3; w++)
                    state += amplitude[w] * sin(2 * M_PI * (w + 1) * u + phase[w]);
                f->states[(i * FLEET_STEPS + t) * STATE_DIM + d] =
                    state + 0.01 * amf_rng_normal(rng);
            }
        }
}

static int fleet_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Members: the first 2,000 demonstrations' or fewer, each task in turn. Test pairs: in order. */
static void fleet_choose(struct fleet *f, struct amf_rng *rng)
{
    size_t pool = f->demonstrations < FILE_DEMONSTRATIONS ? f->demonstrations : FILE_DEMONSTRATIONS;
    size_t each = pool / FLEET_MEMBERS, flat = FLEET_MEMBERS * FLEET_TASKS * FLEET_STEPS;
    size_t span = flat / FLEET_TESTS;

    for (size_t i = 0; i < f->demonstrations; i++)
        f->own[i] = (int64_t)(i % FLEET_TASKS);
    for (size_t m = 0; m < FLEET_MEMBERS; m++)
        f->members[m] = (int64_t)(m * each + amf_rng_below(rng, each));
    qsort(f->members, FLEET_MEMBERS, sizeof(*f->members), fleet_compare);
    for (size_t x = 0; x < FLEET_TESTS; x++) {
        size_t at = x * span + amf_rng_below(rng, span);

        f->tests[3 * x] = (int64_t)(at / FLEET_STEPS % FLEET_MEMBERS);
        f->tests[3 * x + 1] = (int64_t)(at / (FLEET_STEPS * FLEET_MEMBERS));
        f->tests[3 * x + 2] = (int64_t)(at % FLEET_STEPS);
    }
}

static void fleet_make(struct fleet *f)
{
    struct amf_rng rng;

    amf_rng_init(&rng, 4, 0);
    fleet_make_paths(f, &rng);
    for (size_t k = 0; k < FLEET_FEATURES; k++) {
        for (size_t d = 0; d < INPUT_DIM; d++)
            f->weights[k * INPUT_DIM + d] = amf_rng_normal(&rng) / (d < STATE_DIM ? 4 : sqrt(8));
        f->phases[k] = 2 * M_PI * amf_rng_uniform(&rng);
    }
    fleet_choose(f, &rng);
}

/* ---- from a file ---- */

static int fleet_read_tensor(const struct proto_tensors *tensors, const char *name, bool integer,
                             void *ret_values, size_t count)
{
    const struct proto_tensor *tensor = proto_tensors_find(tensors, name);

    const char *type = integer ? "I64" : "F64";

    if (!tensor || strcmp(tensor->dtype_name, type) || tensor->byte_count != count * 8) {
        fprintf(stderr, "the input has no %s of %zu %s\n", name, count, type);
        return -1;
    }
    memcpy(ret_values, tensor->bytes, count * 8);
    return 0;
}

static bool fleet_indices_fit(const struct fleet *f)
{
    const int64_t most[] = {FLEET_MEMBERS, FLEET_TASKS, FLEET_STEPS};

    for (size_t i = 0; i < f->demonstrations; i++)
        if (f->own[i] < 0 || f->own[i] >= FLEET_TASKS)
            return false;
    for (size_t m = 0; m < FLEET_MEMBERS; m++)
        if (f->members[m] < 0 || f->members[m] >= (int64_t)f->demonstrations)
            return false;
    for (size_t x = 0; x < 3 * FLEET_TESTS; x++)
        if (f->tests[x] < 0 || f->tests[x] >= most[x % 3])
            return false;
    return true;
}

static int fleet_read_arrays(struct fleet *f, const struct proto_tensors *tensors)
{
    size_t rows = f->demonstrations * FLEET_STEPS;

    if (fleet_read_tensor(tensors, "tasks", false, f->tasks, FLEET_TASKS * TASK_DIM) ||
        fleet_read_tensor(tensors, "states", false, f->states, rows * STATE_DIM) ||
        fleet_read_tensor(tensors, "W", false, f->weights, FLEET_FEATURES * INPUT_DIM) ||
        fleet_read_tensor(tensors, "b", false, f->phases, FLEET_FEATURES) ||
        fleet_read_tensor(tensors, "own", true, f->own, f->demonstrations) ||
        fleet_read_tensor(tensors, "occ", true, f->members, FLEET_MEMBERS) ||
        fleet_read_tensor(tensors, "test", true, f->tests, 3 * FLEET_TESTS))
        return -1;
    if (fleet_indices_fit(f))
        return 0;
    fprintf(stderr, "the input's indices are out of range\n");
    return -1;
}

static int fleet_read(struct fleet *f, const char *path)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    struct proto_arena arena = {0};
    struct proto_tensors tensors;
    struct proto_error error;
    int status = inputs_read_bytes(path, &bytes, &length);

    if (!status && proto_tensors_read(bytes, length, &arena, &tensors, &error)) {
        fprintf(stderr, "the input is not a safetensors file: %s\n", error.detail);
        status = -1;
    }
    status = status || fleet_read_arrays(f, &tensors) ? -1 : 0;
    proto_arena_deinit(&arena);
    free(bytes);
    return status;
}

int fleet_init(struct fleet *fleet, size_t demonstrations, const char *file)
{
    *fleet = (struct fleet){.demonstrations = file ? FILE_DEMONSTRATIONS : demonstrations};
    if (fleet_alloc(fleet) || (file && fleet_read(fleet, file)))
        return -1;
    if (!file)
        fleet_make(fleet);
    fleet_connect(fleet);
    return 0;
}
