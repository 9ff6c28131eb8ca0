/* Ceilings are measured in the same run as the figures, on the same workers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cblas.h>

#include <amf/processor.h>

#include "bench.h"

#define GEMM_SIZE 1024
#define GEMM_REPEATS 4
#define MEMORY_DOUBLES ((size_t)9 << 20) /* 72 MiB: what rank_paper's pair covariances take */

void bench_choose_blas(char **argv)
{
    const char *core = amf_processor_better_core();

    if (core && !setenv("OPENBLAS_CORETYPE", core, 0))
        execv("/proc/self/exe", argv);
}

struct memory {
    double *from, *to;
    size_t count; /* of each worker */
    double sum[64];
};

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

static enum amf_status read_task(void *arg, size_t task, size_t worker)
{
    struct memory *memory = arg;
    const double *from = memory->from + task * memory->count;
    double sums[8] = {0};

    (void)worker;
    for (size_t i = 0; i + 8 <= memory->count; i += 8)
        for (size_t k = 0; k < 8; k++)
            sums[k] += from[i + k];
    for (size_t k = 0; k < 8; k++)
        memory->sum[task % 64] += sums[k];
    return AMF_OK;
}

static enum amf_status copy_task(void *arg, size_t task, size_t worker)
{
    struct memory *memory = arg;

    (void)worker;
    memcpy(memory->to + task * memory->count, memory->from + task * memory->count,
           memory->count * sizeof(double));
    return AMF_OK;
}

/* The fastest of BENCH_RUNS after a warm-up; NaN when a run fails. */
static double best_of(struct amf_pool *pool, amf_pool_fn *fn, void *arg)
{
    double best = INFINITY;

    for (int run = 0; run <= BENCH_RUNS; run++) {
        double start = bench_seconds();

        if (amf_pool_run(pool, amf_pool_size(pool), fn, arg, NULL))
            return NAN;
        if (run)
            best = fmin(best, bench_seconds() - start);
    }
    return best;
}

static int measure_gemm(struct amf_pool *pool, struct bench_machine *machine)
{
    size_t workers = amf_pool_size(pool), count = 3 * (size_t)GEMM_SIZE * GEMM_SIZE * workers;
    double *matrices = calloc(count, sizeof(double));

    if (!matrices)
        return -1;
    for (size_t i = 0; i < count; i++)
        matrices[i] = (double)(i % 7) - 3;
    machine->gemm_flops =
        (double)workers * GEMM_REPEATS * 2 * pow(GEMM_SIZE, 3) / best_of(pool, gemm_task, matrices);
    free(matrices);
    return 0;
}

static int measure_memory(struct amf_pool *pool, struct bench_machine *machine)
{
    size_t workers = amf_pool_size(pool), bytes = MEMORY_DOUBLES * sizeof(double);
    struct memory memory = {malloc(bytes), malloc(bytes), MEMORY_DOUBLES / workers, {0}};

    if (memory.from && memory.to) {
        memset(memory.from, 1, bytes);
        machine->read_bytes = (double)bytes / best_of(pool, read_task, &memory);
        machine->copy_bytes = (double)bytes / best_of(pool, copy_task, &memory);
    }
    free(memory.from);
    free(memory.to);
    return memory.from && memory.to ? 0 : -1;
}

/* The processor's name as the system tells it, without what JSON would need escaped. */
static void read_processor(char *ret_name, size_t size)
{
    char line[256];
    FILE *info = fopen("/proc/cpuinfo", "r");

    snprintf(ret_name, size, "unknown");
    while (info && fgets(line, sizeof(line), info))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            const char *value = strchr(line, ':') + 2;

            snprintf(ret_name, size, "%.*s", (int)strcspn(value, "\"\\\n"), value);
            break;
        }
    if (info)
        fclose(info);
}

int bench_machine(struct amf_pool *pool, struct bench_machine *ret_machine)
{
    char cpu[64];

    if (measure_gemm(pool, ret_machine) || measure_memory(pool, ret_machine))
        return -1;
    read_processor(cpu, sizeof(cpu));
    snprintf(ret_machine->name, sizeof(ret_machine->name), "%s, %zu threads, %s", cpu,
             amf_pool_size(pool), amf_pool_blas_core());
    printf("{\"name\": \"machine\", \"machine\": \"%s\", \"cpu\": \"%s\", \"blas_core\": \"%s\", "
           "\"threads\": %zu, \"dgemm_gflops\": %.1f, \"read_gb_s\": %.1f, \"copy_gb_s\": %.1f}\n",
           ret_machine->name, cpu, amf_pool_blas_core(), amf_pool_size(pool),
           ret_machine->gemm_flops / 1e9, ret_machine->read_bytes / 1e9,
           ret_machine->copy_bytes / 1e9);
    return isfinite(ret_machine->gemm_flops) ? 0 : -1;
}

void bench_print_end(const struct bench_machine *machine)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("\"dgemm_gflops\": %.1f, \"peak_mib\": %.0f, \"machine\": \"%s\"}\n",
           machine->gemm_flops / 1e9, (double)usage.ru_maxrss / 1024, machine->name);
    fflush(stdout);
}

void bench_print(const struct bench_machine *machine, const struct bench_figure *figure)
{
    printf("{\"name\": \"%s\", \"figure\": \"%s\", \"value\": %.4g, \"unit\": \"s\", \"ceiling\": "
           "\"%s\", \"ceiling_value\": %.4g, \"ratio\": %.2f, ",
           figure->name, figure->figure, figure->value_s, figure->ceiling, figure->ceiling_s,
           figure->value_s / figure->ceiling_s);
    if (figure->asked_s > 0)
        printf("\"asked\": %.4g, \"met\": %s, ", figure->asked_s,
               figure->value_s <= figure->asked_s ? "true" : "false");
    else
        printf("\"asked\": null, \"met\": null, ");
    if (figure->flops > 0)
        printf("\"flops\": %.4g, ", figure->flops);
    else
        printf("\"flops\": null, ");
    bench_print_end(machine);
}
