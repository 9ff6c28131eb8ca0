/* bench_rank NAME [--input FILE]: rank_paper, rank_kitchen_none, rank_kitchen_all or rank_growth.
 *
 * Each from nothing ("cold") and where one demonstration arrives behind what an engine remembers
 * ("added"): the scorer is made and every candidate scored. Ceilings are what this machine's dgemm,
 * in the same run, would need for fixed flops, or what its memory would: never for what the program
 * happened to do. Best of BENCH_RUNS after a warm-up. JSON lines, the machine first.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amf/engine.h>

#include "bench.h"
#include "inputs.h"

#define REFERENCE_FLOPS 92e9 /* a second: the machine that absolute figures were asked for */

#define GROWTH_MOST 400 /* demonstrations */

/* 8,750 pairs, 175 blocks of 50, features 9 x 256; N = 1,750. */
#define KITCHEN_NONE (8750.0 * 8750 * 265 + 50.0 * 50 * 8750 * 175)
#define KITCHEN_ALL (KITCHEN_NONE + 1750.0 * 1750 * 8750 + 8750.0 * 8750 * 1750)

static double rank_once(struct amf_engine *engine, const struct amf_problem *problem,
                        size_t trajectories, struct amf_pool *pool, struct amf_scorer **ret_scorer)
{
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    AMF_SCORES_CLEANUP struct amf_scores *scores = NULL;
    struct amf_problem part = *problem;
    double start = bench_seconds();

    part.trajectory_count = trajectories;
    if (amf_scorer_renew(engine, &part, pool, &scorer) ||
        amf_scorer_score(scorer, NULL, 0, &scores))
        return NAN;
    *ret_scorer = scorer;
    scorer = NULL;
    return bench_seconds() - start;
}

/* From nothing, in memory that an earlier ranking used. */
static double rank_cold(struct amf_engine *engine, const struct amf_problem *problem,
                        struct amf_pool *pool)
{
    AMF_SCORER_CLEANUP struct amf_scorer *none = NULL, *scorer = NULL;

    if (isnan(rank_once(engine, problem, 0, pool, &none)))
        return NAN;
    return rank_once(engine, problem, problem->trajectory_count, pool, &scorer);
}

/* The newest demonstration, as a daemon adds it: the ranking before is still held. */
static double rank_added(struct amf_engine *engine, const struct amf_problem *problem,
                         struct amf_pool *pool)
{
    AMF_SCORER_CLEANUP struct amf_scorer *none = NULL, *first = NULL, *before = NULL;
    AMF_SCORER_CLEANUP struct amf_scorer *scorer = NULL;
    size_t count = problem->trajectory_count;

    if (isnan(rank_once(engine, problem, 0, pool, &none)) ||
        isnan(rank_once(engine, problem, count - 2, pool, &first)) ||
        isnan(rank_once(engine, problem, count - 1, pool, &before)))
        return NAN;
    amf_scorer_free(first);
    first = NULL;
    return rank_once(engine, problem, count, pool, &scorer);
}

static double rank_best(const struct amf_problem *problem, bool added, struct amf_pool *pool)
{
    AMF_ENGINE_CLEANUP struct amf_engine *engine = NULL;
    double best = INFINITY;

    if (amf_engine_new(&engine))
        return NAN;
    for (int run = 0; run <= BENCH_RUNS; run++) {
        double time = added ? rank_added(engine, problem, pool) : rank_cold(engine, problem, pool);

        if (isnan(time))
            return NAN;
        if (run)
            best = fmin(best, time);
    }
    return best;
}

static int print_figure(const struct bench_machine *machine, const struct bench_figure *figure)
{
    if (isnan(figure->value_s))
        return -1;
    bench_print(machine, figure);
    return 0;
}

/* A ceiling of fixed flops at dgemm's rate; asked: a time, 0 for none. */
static struct bench_figure flops_figure(const struct bench_machine *machine, const char *name,
                                        const char *figure, const char *ceiling, double flops,
                                        double asked_s)
{
    return (struct bench_figure){.name = name,
                                 .figure = figure,
                                 .ceiling = ceiling,
                                 .ceiling_s = flops / machine->gemm_flops,
                                 .asked_s = asked_s,
                                 .flops = flops};
}

static int rank_paper(struct amf_pool *pool, const struct bench_machine *machine, const char *file)
{
    INPUTS_CLEANUP struct inputs in = {0};
    double pairs = 50 * 5 * 12, held = 50 * 5;
    double flops = 2 * pairs * pairs * held + 2 * pairs * held * held;
    double copy_s = pairs * pairs * sizeof(double) / machine->copy_bytes;
    struct bench_figure cold =
        flops_figure(machine, "rank_paper", "cold_entropy", "dgemm, 4.9 GFLOP", flops,
                     0.06 * REFERENCE_FLOPS / machine->gemm_flops);
    struct bench_figure added = {.name = "rank_paper",
                                 .figure = "added_entropy",
                                 .ceiling = "copying 72 MB of pair covariances",
                                 .ceiling_s = copy_s,
                                 .asked_s = 2.5 * copy_s};

    if (inputs_paper(&in, file))
        return -1;
    cold.value_s = rank_best(&in.problem, false, pool);
    if (print_figure(machine, &cold))
        return -1;
    added.value_s = rank_best(&in.problem, true, pool);
    return print_figure(machine, &added);
}

static int rank_kitchen_none(struct amf_pool *pool, const struct bench_machine *machine,
                             const char *file)
{
    INPUTS_CLEANUP struct inputs in = {0};
    struct bench_figure cold =
        flops_figure(machine, "rank_kitchen_none", "cold_entropy", "dgemm, 24 GFLOP", KITCHEN_NONE,
                     KITCHEN_NONE / machine->gemm_flops / 0.6);

    if (inputs_kitchen(&in, file))
        return -1;
    in.problem.settings.conditioning = AMF_CONDITIONING_NONE;
    cold.value_s = rank_best(&in.problem, false, pool);
    return print_figure(machine, &cold);
}

static int rank_kitchen_all(struct amf_pool *pool, const struct bench_machine *machine,
                            const char *file)
{
    INPUTS_CLEANUP struct inputs in = {0};
    struct bench_figure cold =
        flops_figure(machine, "rank_kitchen_all", "cold_entropy", "dgemm, 185 GFLOP", KITCHEN_ALL,
                     KITCHEN_ALL / machine->gemm_flops / 0.7);
    struct bench_figure added =
        flops_figure(machine, "rank_kitchen_all", "added_entropy", "dgemm, 185 GFLOP", KITCHEN_ALL,
                     0.2 * REFERENCE_FLOPS / machine->gemm_flops);

    if (inputs_kitchen(&in, file))
        return -1;
    cold.value_s = rank_best(&in.problem, false, pool);
    if (print_figure(machine, &cold))
        return -1;
    added.value_s = rank_best(&in.problem, true, pool);
    return print_figure(machine, &added);
}

/* N x N form, in the shape of the robot data at the daemon's defaults; ceiling: one read of the
 * inverse factor, the kernel's table and the covariances that an added demonstration goes through.
 * Beyond 256 demonstrations N is what is conditioned on: 128 from before, all that came since the
 * last multiple of 128. The one behind it, at 385, is ranked from nothing.
 */
static int rank_growth(struct amf_pool *pool, const struct bench_machine *machine)
{
    static const size_t counts[] = {32, 64, 128, 192, 256, 300, 383, 385, 400};
    INPUTS_CLEANUP struct inputs in = {0};
    struct bench_figure cold = flops_figure(machine, "rank_growth", "cold_at_256",
                                            "dgemm, 137 GFLOP: 2 N^3", 2 * pow(4096, 3), 0);

    if (inputs_franka(&in, GROWTH_MOST))
        return -1;
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
        size_t held = counts[k] <= 256 ? counts[k] : 128 + (counts[k] - 1) % 128 + 1;
        double rows = 16 * (double)held, bytes = 3 * rows * rows * sizeof(double);
        char name[32];
        struct bench_figure added = {.name = "rank_growth",
                                     .figure = name,
                                     .ceiling = "reading 3 N^2 doubles",
                                     .ceiling_s = bytes / machine->read_bytes};

        snprintf(name, sizeof(name), "added_at_%zu", counts[k]);
        in.problem.trajectory_count = counts[k];
        added.value_s = rank_best(&in.problem, true, pool);
        if (print_figure(machine, &added))
            return -1;
    }
    in.problem.trajectory_count = 256;
    cold.value_s = rank_best(&in.problem, false, pool);
    return print_figure(machine, &cold);
}

static int run(const char *name, struct amf_pool *pool, const struct bench_machine *machine,
               const char *file)
{
    if (!strcmp(name, "rank_paper"))
        return rank_paper(pool, machine, file);
    if (!strcmp(name, "rank_kitchen_none"))
        return rank_kitchen_none(pool, machine, file);
    if (!strcmp(name, "rank_kitchen_all"))
        return rank_kitchen_all(pool, machine, file);
    if (!strcmp(name, "rank_growth") && !file)
        return rank_growth(pool, machine);
    fprintf(stderr, "no such benchmark, or none that takes an input: %s\n", name);
    return -1;
}

int main(int argc, char **argv)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = NULL;
    struct bench_machine machine = {0};

    if (argc != 2 && !(argc == 4 && !strcmp(argv[2], "--input"))) {
        fprintf(stderr, "usage: bench_rank NAME [--input FILE]\n");
        return 2;
    }
    bench_choose_blas(argv);
    if (amf_pool_new(0, &pool) || bench_machine(pool, &machine))
        return 1;
    return run(argv[1], pool, &machine, argc == 4 ? argv[3] : NULL) ? 1 : 0;
}
