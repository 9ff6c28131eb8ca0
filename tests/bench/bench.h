/* What benchmarks share: time, the machine's ceilings, and the lines they print. */
#ifndef TEST_BENCH_H
#define TEST_BENCH_H

#include <amf/pool.h>

#include "clock.h"

#define BENCH_RUNS 5 /* best of so many, after a warm-up */

struct bench_machine {
    char name[96];     /* short: processor, threads, BLAS kernels */
    double gemm_flops; /* a second, all workers together */
    double read_bytes; /* a second */
    double copy_bytes; /* a second; a byte copied counts once */
};

/* Starts the program again with the processor's best BLAS kernels, as amfd does. */
void bench_choose_blas(char **argv);
/* Measures and prints the machine's line. 0, or -1. */
__attribute__((warn_unused_result)) int bench_machine(struct amf_pool *pool,
                                                      struct bench_machine *ret_machine);

struct bench_figure {
    const char *name, *figure;
    double value_s;
    const char *ceiling; /* what ceiling_s is the time of */
    double ceiling_s;
    double asked_s; /* 0: nothing is asked */
    double flops;   /* counted for the ceiling: a fixed formula; 0: the ceiling is memory's */
};

/* One line, with the machine, dgemm's rate in this run and the peak memory of the process. */
void bench_print(const struct bench_machine *machine, const struct bench_figure *figure);
/* The end of every line: these three. For lines whose figure is no time. */
void bench_print_end(const struct bench_machine *machine);

#endif
