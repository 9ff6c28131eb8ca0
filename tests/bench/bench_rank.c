/* rank_paper of the benchmarks: 12 tasks, 50 demonstrations of 5 steps, RBF, sigma 0.1, entropy,
 * exhaustive, uniform weights, conditioned on everything, from nothing to the ranking.
 *
 * Inputs of the same shapes and distribution are made here. The ceiling is the time this machine's
 * dgemm, on the same number of threads and in the same run, needs for the fixed flops of the
 * problem: two for every step of the block, step of the test pair and conditioned pair (the
 * cross-covariances), and the forward substitutions. Best of RUNS after a warm-up. JSON lines on
 * stdout, the machine first.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cblas.h>

#include "synthetic.h"

#define RUNS 5
#define GEMM_SIZE 1024
#define GEMM_REPEATS 4

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* Every worker multiplies its own matrices. */
static enum amf_status gemm_task(void *arg, size_t task, size_t worker)
{
    size_t size = (size_t)GEMM_SIZE * GEMM_SIZE;
    double *base = (double *)arg + 3 * size * task;

    (void)worker;
    for (int i = 0; i < GEMM_REPEATS; i++)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1,
                    base, GEMM_SIZE, base + size, GEMM_SIZE, 0, base + 2 * size, GEMM_SIZE);
    return AMF_OK;
}

/* Flops a second of all workers together; 0 on failure. */
static double gemm_rate(struct amf_pool *pool)
{
    size_t workers = amf_pool_size(pool), count = 3 * (size_t)GEMM_SIZE * GEMM_SIZE * workers;
    double *matrices = calloc(count, sizeof(double)), best = INFINITY;

    if (!matrices)
        return 0;
    for (size_t i = 0; i < count; i++)
        matrices[i] = (double)(i % 7) - 3;
    for (int run = 0; run <= RUNS; run++) {
        double start = seconds();

        if (amf_pool_run(pool, workers, gemm_task, matrices, NULL))
            best = INFINITY;
        else if (run)
            best = fmin(best, seconds() - start);
    }
    free(matrices);
    return (double)workers * GEMM_REPEATS * 2 * pow(GEMM_SIZE, 3) / best;
}

/* One cold ranking; NaN when it fails. */
static double rank_once(const struct amf_problem *problem, struct amf_pool *pool)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    double start = seconds();

    if (amf_scorer_new(problem, pool, &scorer) || amf_scorer_score(scorer, NULL, 0, &scores))
        return NAN;
    return seconds() - start;
}

static double rank_best(const struct amf_problem *problem, struct amf_pool *pool)
{
    double best = INFINITY;

    for (int run = 0; run <= RUNS; run++) {
        double time = rank_once(problem, pool);

        if (isnan(time))
            return NAN;
        if (run)
            best = fmin(best, time);
    }
    return best;
}

int main(void)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    SYNTHETIC_CLEANUP struct synthetic paper = {0};
    double rate, value, pairs = 50 * 5 * 12, held = 50 * 5;
    double flops = 2 * pairs * pairs * held + 2 * pairs * held * held;

    if (amf_pool_new(0, &pool))
        return 1;
    synthetic_init(&paper, &(struct synthetic_shape){.seed = 1,
                                                     .demonstrations = 50,
                                                     .steps = 5,
                                                     .tasks = 12,
                                                     .state_dim = 2,
                                                     .action_dim = 2,
                                                     .task_dim = 2,
                                                     .kernel = AMF_KERNEL_RBF,
                                                     .noise = 0.1});
    paper.state_scale = 0.5;
    paper.task_scale = 1;
    paper.problem.settings.weights = AMF_WEIGHTS_UNIFORM;
    rate = gemm_rate(pool);
    printf("{\"name\": \"machine\", \"blas_core\": \"%s\", \"threads\": %zu, \"dgemm_gflops\": "
           "%.1f}\n",
           amf_pool_blas_core(), amf_pool_size(pool), rate / 1e9);
    value = rank_best(&paper.problem, pool);
    if (!(rate > 0) || isnan(value))
        return 1;
    printf("{\"name\": \"rank_paper\", \"figure\": \"cold_entropy\", \"value\": %.4f, \"unit\": "
           "\"s\", \"ceiling\": \"dgemm, %.2f GFLOP on %zu threads\", \"ceiling_value\": %.4f, "
           "\"ratio\": %.2f, \"peak_mib\": %.0f}\n",
           value, flops / 1e9, amf_pool_size(pool), flops / rate, value / (flops / rate),
           peak_mib());
    return 0;
}
