#ifndef TEST_BENCH_CLOCK_H
#define TEST_BENCH_CLOCK_H

/* Since any fixed moment. */
double bench_seconds(void);

#endif
