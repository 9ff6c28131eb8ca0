/* One run: a rule and a seed, from pre-training to the last round. */
#ifndef LAB_LOOP_H
#define LAB_LOOP_H

#include <lab/lab.h>

struct lab_trace {                     /* of one run, borrowed; see struct lab_result */
    double *metrics[LAB_METRIC_COUNT]; /* rounds + 1 each */
    double *asked;                     /* per task */
};

struct lab_ticker { /* called after every demonstration */
    void (*tick)(void *arg);
    void *arg;
};

AMF_CHECKED enum amf_status lab_loop_run(const struct lab_world *world,
                                         const struct lab_settings *settings, enum lab_rule rule,
                                         uint64_t seed, struct amf_pool *pool,
                                         const struct lab_ticker *ticker, struct lab_trace *trace);

#endif
