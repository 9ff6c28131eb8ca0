/* Means with bootstrap intervals. */
#ifndef LAB_SUMMARY_H
#define LAB_SUMMARY_H

#include <lab/lab.h>

#define LAB_BOOTSTRAP_DRAWS 2000
#define LAB_BOOTSTRAP_TAIL 0.05 /* on either side: 90 % between */

/* Interval of the mean of count values (stride apart): the values are drawn anew with replacement
 * LAB_BOOTSTRAP_DRAWS times, by a fixed seed, and low and high are the percentiles of the means. */
AMF_CHECKED enum amf_status lab_bootstrap(const double *values, size_t count, size_t stride,
                                          struct lab_interval *ret_interval);

#endif
