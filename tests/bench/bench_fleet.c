/* bench_fleet NAME [--input FILE]: rank_fleet, rank_fleet_full or rank_fleet_growth.
 *
 * Rankings in the weights' form, 1,024 features, uniform weights. Cold: the posterior, and all
 * blocks scored; added: one more demonstration, all blocks scored again. Ceilings are what this
 * machine's dgemm, in the same run, would need for fixed flops. Best of BENCH_RUNS after a warm-up,
 * except where cold takes most of a minute: once. Features are made where they are needed, in the
 * time that is measured.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "fleet.h"

#define NOISE 0.1
#define SQUARE_FLOPS (2.0 * 4096 * 4096 * 4096)
#define CUT 0.01

struct bench {
    const char *name;
    struct amf_pool *pool;
    struct bench_machine machine;
    struct fleet fleet;
};

static int print_figure(const struct bench *bench, const char *figure, double value_s,
                        const char *ceiling, double flops, double asked)
{
    double ceiling_s = flops / bench->machine.gemm_flops;

    if (isnan(value_s))
        return -1;
    bench_print(&bench->machine, &(struct bench_figure){.name = bench->name,
                                                        .figure = figure,
                                                        .value_s = value_s,
                                                        .ceiling = ceiling,
                                                        .ceiling_s = ceiling_s,
                                                        .asked_s = asked * ceiling_s,
                                                        .flops = flops});
    return 0;
}

/* A table under the first `held` demonstrations; its time, NaN on failure. */
static double make_table(struct bench *bench, const struct amf_ridge_table_input *scene,
                         size_t held, struct amf_ridge_table **ret_table)
{
    AMF_RIDGE_CLEANUP struct amf_ridge *ridge = NULL;
    double start = bench_seconds();

    if (amf_ridge_new(&bench->fleet.features, NOISE, NULL, bench->fleet.held, held, NULL, 0,
                      bench->pool, NULL, &ridge) ||
        amf_ridge_table_new(ridge, scene, bench->pool, NULL, ret_table))
        return NAN;
    return bench_seconds() - start;
}

/* The best of the additions that follow the first `held`; the first of them is the warm-up. */
static double best_added(struct bench *bench, struct amf_ridge_table *table, size_t held)
{
    double best = INFINITY;

    for (int run = 0; run <= BENCH_RUNS; run++) {
        double start = bench_seconds();

        if (amf_ridge_table_add(table, &bench->fleet.held[held + (size_t)run], bench->pool, NULL))
            return NAN;
        if (run)
            best = fmin(best, bench_seconds() - start);
    }
    return best;
}

/* What all blocks together may have lost, as a share of their gain. */
static void print_bound(const struct bench *bench, const struct amf_ridge_table *whole,
                        const struct amf_ridge_table *cut,
                        const struct amf_ridge_table_input *scene)
{
    double bound = 0, kept = 0, gain = 0;

    for (size_t b = 0; b < scene->block_count; b++)
        bound += amf_ridge_table_bounds(cut)[b];
    for (size_t k = 0; k < scene->block_count * scene->target_count; k++) {
        kept += amf_ridge_table_sums(cut)[k];
        gain += amf_ridge_table_sums(whole)[k];
    }
    printf(
        "{\"name\": \"%s\", \"figure\": \"cut_bound\", \"value\": %.4g, \"unit\": \"share of "
        "the gain\", \"ceiling\": null, \"ceiling_value\": null, \"ratio\": null, \"asked\": null, "
        "\"met\": null, \"flops\": null, \"lost\": %.4g, \"rows\": %zu, \"of_rows\": %zu, ",
        bench->name, bound / gain, 1 - kept / gain, amf_ridge_table_rows(cut),
        amf_ridge_table_rows(whole));
    bench_print_end(&bench->machine);
}

static int rank_fleet(struct bench *bench, const char *file)
{
    size_t held;
    struct amf_ridge_table_input scene;
    AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *whole = NULL, *cut = NULL;

    if (fleet_init(&bench->fleet, 2000, file))
        return -1;
    held = bench->fleet.demonstrations - BENCH_RUNS - 1;
    scene = fleet_scene(&bench->fleet, FLEET_MEMBERS / 16, 4, false);
    scene.measure = AMF_MEASURE_ENTROPY;
    if (print_figure(bench, "cold_entropy", make_table(bench, &scene, held, &whole),
                     "dgemm, 470 GFLOP", 470e9, 0) ||
        print_figure(bench, "added_entropy", best_added(bench, whole, held),
                     "dgemm 4096, 2 threads", SQUARE_FLOPS, 0.25))
        return -1;
    scene.cut = CUT;
    if (print_figure(bench, "cold_entropy_cut", make_table(bench, &scene, held, &cut),
                     "dgemm, 470 GFLOP", 470e9, 0) ||
        print_figure(bench, "added_entropy_cut", best_added(bench, cut, held),
                     "dgemm 4096, 2 threads", SQUARE_FLOPS, 0.05))
        return -1;
    print_bound(bench, whole, cut, &scene);
    return 0;
}

static int rank_fleet_full(struct bench *bench, const char *file)
{
    size_t held;
    struct amf_ridge_table_input scene;
    AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = NULL;

    if (fleet_init(&bench->fleet, 2000, file))
        return -1;
    held = bench->fleet.demonstrations - BENCH_RUNS - 1;
    scene = fleet_scene(&bench->fleet, 1, 1, true);
    scene.measure = AMF_MEASURE_VARIANCE;
    if (print_figure(bench, "cold_variance", make_table(bench, &scene, held, &table),
                     "dgemm, 2.8 TFLOP", 2.8e12, 1 / 0.8))
        return -1;
    return print_figure(bench, "added_variance", best_added(bench, table, held),
                        "dgemm, 0.29 TFLOP", 0.29e12, 1 / 0.65);
}

static int rank_fleet_growth(struct bench *bench)
{
    static const size_t counts[] = {100, 1000, 10000};
    struct amf_ridge_table_input scene;

    if (fleet_init(&bench->fleet, counts[2] + BENCH_RUNS + 1, NULL))
        return -1;
    scene = fleet_scene(&bench->fleet, FLEET_MEMBERS / 16, 4, false);
    scene.measure = AMF_MEASURE_ENTROPY;
    for (size_t k = 0; k < 3; k++) {
        AMF_RIDGE_TABLE_CLEANUP struct amf_ridge_table *table = NULL;
        char figure[32];

        snprintf(figure, sizeof(figure), "added_at_%zu", counts[k]);
        if (isnan(make_table(bench, &scene, counts[k], &table)) ||
            print_figure(bench, figure, best_added(bench, table, counts[k]),
                         "dgemm 4096, 2 threads", SQUARE_FLOPS, 0))
            return -1;
    }
    return 0;
}

static int run(struct bench *bench, const char *file)
{
    if (!strcmp(bench->name, "rank_fleet"))
        return rank_fleet(bench, file);
    if (!strcmp(bench->name, "rank_fleet_full"))
        return rank_fleet_full(bench, file);
    if (!strcmp(bench->name, "rank_fleet_growth") && !file)
        return rank_fleet_growth(bench);
    fprintf(stderr, "no such benchmark, or none that takes an input: %s\n", bench->name);
    return -1;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    int status;

    if (argc != 2 && !(argc == 4 && !strcmp(argv[2], "--input"))) {
        fprintf(stderr, "usage: bench_fleet NAME [--input FILE]\n");
        return 2;
    }
    bench_choose_blas(argv);
    bench.name = argv[1];
    if (amf_pool_new(2, &bench.pool) || bench_machine(bench.pool, &bench.machine))
        return 1;
    status = run(&bench, argc == 4 ? argv[3] : NULL);
    fleet_deinit(&bench.fleet);
    amf_pool_free(bench.pool);
    return status ? 1 : 0;
}
