/* Log-likelihood of recorded actions under the policy, one number a step.
 *
 * A step's term is summed over the independent outputs, Gaussian constant included:
 *   sum_d [ -1/2 log(2 pi s^2) - (a_d - m_d)^2 / (2 s^2) ]
 * Gaussian process: m and s^2 = posterior mean and variance + sigma^2. Deterministic network: its
 * output and sigma_pi^2. Given: the client's own numbers.
 */
#ifndef AMF_POLICY_H
#define AMF_POLICY_H

#include <stddef.h>

enum amf_policy_kind { AMF_POLICY_GP, AMF_POLICY_DETERMINISTIC, AMF_POLICY_GIVEN };

/* actions, mean: action_dim numbers; variance > 0 (action unit)^2. */
double amf_policy_step_log_likelihood(const double *actions, const double *mean, size_t action_dim,
                                      double variance);

/* g = pi - a of count numbers, steps x action_dim at a time: with the last hidden layer h the
 * gradient of a squared loss by the last layer's weights is g (x) h (no factor 2), the factored
 * kernel's features. */
void amf_policy_gradient(const double *mean, const double *actions, size_t count,
                         double *ret_gradient);

#endif
