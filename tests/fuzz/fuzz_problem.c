/* The problem files of `amf score`, and, where they are small, the scores themselves.
 *
 * Properties: a refusal says why and where; what was read is in range, so that one may index with
 * it; every gain is a finite number of at least 0, or said to be none.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "score.h"

enum { TASKS_MAX = 4, STEPS_MAX = 12, DIMENSION_MAX = 8 };

static void require_matrix(const struct proto_matrix *matrix, size_t rows, size_t cols)
{
    REQUIRE(matrix->rows == rows && matrix->cols == cols);
    for (size_t i = 0; i < rows * cols; i++)
        REQUIRE(isfinite(matrix->data[i]));
}

static void require_tables(const struct proto_case *problem,
                           const struct proto_case_demonstration *demonstration)
{
    for (size_t c = 0; c < problem->tasks.rows; c++) {
        size_t rows = demonstration->states.rows;
        if (demonstration->features)
            require_matrix(&demonstration->features[c], rows, problem->feature_dim);
        if (demonstration->gradients)
            require_matrix(&demonstration->gradients[c], rows, problem->gradient_dim);
        if (demonstration->policy_mean)
            require_matrix(&demonstration->policy_mean[c], rows, problem->action_dim);
    }
}

static void require_ranges(const struct proto_case *problem)
{
    REQUIRE(problem->noise > 0 && isfinite(problem->noise) && problem->ess_target >= 1);
    REQUIRE(problem->kernel.variance > 0 && isfinite(problem->kernel.variance));
    REQUIRE(problem->clip_low <= problem->clip_high);
    require_matrix(&problem->tasks, problem->tasks.rows, problem->task_dim);
    for (size_t i = 0; i < problem->evaluation_count; i++)
        REQUIRE(problem->evaluation_tasks[i] < problem->tasks.rows && problem->mu[i] >= 0);
    for (size_t i = 0; i < problem->pending_count; i++)
        REQUIRE(problem->pending[i] < problem->tasks.rows);
    REQUIRE(problem->pretraining_count <= problem->demonstration_count);
    for (size_t i = 0; i < problem->demonstration_count; i++) {
        const struct proto_case_demonstration *demonstration = &problem->demonstrations[i];
        size_t rows = demonstration->states.rows;
        REQUIRE(demonstration->task < problem->tasks.rows && rows > 0);
        require_matrix(&demonstration->states, rows, problem->state_dim);
        require_matrix(&demonstration->actions, rows, problem->action_dim);
        require_tables(problem, demonstration);
    }
}

static bool is_small(const struct proto_case *problem)
{
    size_t steps = problem->pending_count;
    for (size_t i = 0; i < problem->demonstration_count; i++)
        steps += problem->demonstrations[i].states.rows;
    return problem->tasks.rows <= TASKS_MAX && steps <= STEPS_MAX &&
           problem->evaluation_count <= TASKS_MAX && problem->state_dim <= DIMENSION_MAX &&
           problem->feature_dim <= DIMENSION_MAX && problem->gradient_dim <= DIMENSION_MAX;
}

static void check_scores(const struct proto_case *problem, struct proto_arena *arena)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    struct proto_case_result result;
    char *text;
    size_t length;
    REQUIRE(amf_pool_new(1, &pool) == AMF_OK);
    enum amf_status status = cli_score_compute(problem, pool, arena, &result);
    if (status) {
        REQUIRE(status == AMF_NOT_FINITE || status == AMF_NOT_POSDEF || status == AMF_BAD_ARGUMENT);
        return;
    }
    for (size_t m = 0; m < result.mode_count; m++) {
        const struct proto_matrix *gain = &result.modes[m].gain;
        for (size_t i = 0; i < gain->rows * gain->cols; i++)
            REQUIRE(isnan(gain->data[i]) || (gain->data[i] >= 0 && isfinite(gain->data[i])));
    }
    if (proto_case_result_encode(&result, &text, &length) == 0)
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_NULL;
    struct proto_case problem;
    struct proto_error error = {0};
    enum proto_code code = proto_case_decode((const char *)data, size, &arena, &problem, &error);
    if (code != PROTO_CODE_OK) {
        REQUIRE(code == error.code && error.detail[0]);
    } else {
        require_ranges(&problem);
        if (is_small(&problem))
            check_scores(&problem, &arena);
    }
    proto_arena_deinit(&arena);
    return 0;
}
