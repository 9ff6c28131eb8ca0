/* Gaussian log-likelihood of one step, summed over independent outputs; loss gradients. */
#include <math.h>

#include <amf/policy.h>

double amf_policy_step_log_likelihood(const double *actions, const double *mean, size_t action_dim,
                                      double variance)
{
    double squares = 0;

    for (size_t d = 0; d < action_dim; d++)
        squares += (actions[d] - mean[d]) * (actions[d] - mean[d]);
    return -(double)action_dim / 2 * log(2 * M_PI * variance) - squares / (2 * variance);
}

void amf_policy_gradient(const double *mean, const double *actions, size_t count,
                         double *ret_gradient)
{
    for (size_t k = 0; k < count; k++)
        ret_gradient[k] = mean[k] - actions[k];
}
