/* Networks evaluated here: values worked out by hand, a slow evaluation of the definitions, and
 * what does not fit together refused with its place.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <amf/network.h>
#include <amf/policy.h>
#include <amf/rng.h>

#include "suite.h"

#define STEPS 150 /* more than go through the layers at a time */

static struct amf_network *make(const struct amf_network_spec *spec)
{
    struct amf_network *network = NULL;
    struct amf_network_fault fault;

    ck_assert_int_eq(amf_network_new(spec, &network, &fault), AMF_OK);
    return network;
}

static enum amf_status evaluate(const struct amf_network *network, const double *states,
                                size_t count, const double *task, double *ret_actions,
                                double *ret_hidden)
{
    AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(1);
    struct amf_network_batch batch = {states, count, task, ret_actions, ret_hidden};

    return amf_network_evaluate(network, &batch, 1, pool, NULL);
}

/* ---- by hand ---- */

/* Two states and one task number, hidden (2 - 3 + 1, 4 + 0.5) = (0, 4.5), then 2 * 4.5 - 1 = 8. */
static const double weight0[] = {1, -1, 1, 2, 0, 0.5}, bias0[] = {0, 0}, weight1[] = {7, 2},
                    bias1[] = {-1};
static const struct amf_layer layers[] = {
    {.kind = AMF_LAYER_LINEAR, .in = 3, .out = 2, .weight = weight0, .bias = bias0},
    {.kind = AMF_LAYER_RELU},
    {.kind = AMF_LAYER_LINEAR, .in = 2, .out = 1, .weight = weight1, .bias = bias1}};
static const struct amf_network_spec small = {
    .state_dim = 2, .task_dim = 1, .action_dim = 1, .layers = layers, .layer_count = 3};

START_TEST(a_small_network_gives_what_it_gives_on_paper)
{
    AMF_NETWORK_CLEANUP struct amf_network *network = make(&small);
    const double states[] = {2, 3, -1, 1, 0, -2}, task[] = {1};
    double actions[3], hidden[6];
    /* (2 - 3 + 1, 4 + .5), (-1 - 1 + 1 < 0, -2 + .5 < 0), (0 + 2 + 1, .5) */
    const double expected_hidden[] = {0, 4.5, 0, 0, 3, 0.5}, expected[] = {8, -1, 21};

    ck_assert_uint_eq(amf_network_hidden_dim(network), 2);
    ck_assert_int_eq(evaluate(network, states, 3, task, actions, hidden), AMF_OK);
    ck_assert_mem_eq(actions, expected, sizeof(expected));
    ck_assert_mem_eq(hidden, expected_hidden, sizeof(expected_hidden));
    memset(actions, 0, sizeof(actions));
    ck_assert_int_eq(evaluate(network, states, 3, task, actions, NULL), AMF_OK);
    ck_assert_mem_eq(actions, expected, sizeof(expected));
}
END_TEST

START_TEST(inputs_and_outputs_are_put_into_their_units)
{
    const double mean[] = {1, -1}, std[] = {2, 4}, action_mean[] = {10}, action_std[] = {0.5};
    struct amf_network_spec spec = small;
    const double states[] = {5, 11}, task[] = {1}; /* as 2 and 3; the task is left as it is */
    AMF_NETWORK_CLEANUP struct amf_network *network = NULL;
    double action = 0;

    spec.state_mean = mean;
    spec.state_std = std;
    spec.action_mean = action_mean;
    spec.action_std = action_std;
    network = make(&spec);
    ck_assert_int_eq(evaluate(network, states, 1, task, &action, NULL), AMF_OK);
    ck_assert_double_eq(action, 10 + 0.5 * 8);
}
END_TEST

/* One number through an activation and a linear layer of weight 1. */
static double activated(enum amf_layer_kind kind, double x)
{
    const double one = 1;
    const struct amf_layer both[] = {{.kind = kind},
                                     {.kind = AMF_LAYER_LINEAR, .in = 1, .out = 1, .weight = &one}};
    const struct amf_network_spec spec = {
        .state_dim = 1, .action_dim = 1, .layers = both, .layer_count = 2};
    AMF_NETWORK_CLEANUP struct amf_network *network = make(&spec);
    double action = 0;

    ck_assert_int_eq(evaluate(network, &x, 1, NULL, &action, NULL), AMF_OK);
    return action;
}

/* Values from tables of the normal distribution: gelu(x) = x Phi(x). */
START_TEST(activations_have_their_known_values)
{
    ck_assert_double_eq(activated(AMF_LAYER_RELU, -3), 0);
    ck_assert_double_eq(activated(AMF_LAYER_RELU, 3), 3);
    ck_assert_double_eq_tol(activated(AMF_LAYER_TANH, 0.5), 0.46211715726000976, 1e-15);
    ck_assert_double_eq_tol(activated(AMF_LAYER_GELU, 1), 0.8413447460685429, 1e-15);
    ck_assert_double_eq_tol(activated(AMF_LAYER_GELU, -2), -0.0455002638963584, 1e-15);
    ck_assert_double_eq_tol(activated(AMF_LAYER_GELU, -10) / -7.61985302416047e-23, 1, 1e-12);
    ck_assert_double_eq_tol(activated(AMF_LAYER_GELU_TANH, 1), 0.8411919906082768, 1e-14);
    ck_assert_double_eq_tol(activated(AMF_LAYER_GELU_TANH, -1), -0.15880800939172324, 1e-14);
}
END_TEST

/* (1, 3) has mean 2 and variance 1; with epsilon 3 the deviation is divided by 2. */
START_TEST(a_layer_norm_divides_by_the_biased_deviation)
{
    const double gamma[] = {2, 10}, beta[] = {1, -1}, eye[] = {1, 0, 0, 1}, states[] = {1, 3};
    const struct amf_layer both[] = {
        {.kind = AMF_LAYER_NORM, .out = 2, .weight = gamma, .bias = beta, .epsilon = 3},
        {.kind = AMF_LAYER_LINEAR, .in = 2, .out = 2, .weight = eye}};
    const struct amf_network_spec spec = {
        .state_dim = 2, .action_dim = 2, .layers = both, .layer_count = 2};
    AMF_NETWORK_CLEANUP struct amf_network *network = make(&spec);
    double actions[2];

    ck_assert_int_eq(evaluate(network, states, 1, NULL, actions, NULL), AMF_OK);
    ck_assert_double_eq(actions[0], -0.5 * 2 + 1);
    ck_assert_double_eq(actions[1], 0.5 * 10 - 1);
}
END_TEST

/* ---- against a slow evaluation ---- */

enum { STATE = 7, TASK = 3, WIDE = 33, DEEP = 18, ACTION = 4, LAYERS = 8 };

struct random_network {
    double numbers[4096];
    size_t used;
    struct amf_rng rng;
    struct amf_layer layers[LAYERS];
    struct amf_network_spec spec;
};

static const double *draw(struct random_network *r, size_t count, double low, double high)
{
    double *first = r->numbers + r->used;

    ck_assert_uint_le(r->used + count, sizeof(r->numbers) / sizeof(*r->numbers));
    for (size_t k = 0; k < count; k++)
        first[k] = low + (high - low) * amf_rng_uniform(&r->rng);
    r->used += count;
    return first;
}

static struct amf_layer linear(struct random_network *r, size_t in, size_t out, bool bias)
{
    return (struct amf_layer){.kind = AMF_LAYER_LINEAR,
                              .in = in,
                              .out = out,
                              .weight = draw(r, in * out, -0.5, 0.5),
                              .bias = bias ? draw(r, out, -1, 1) : NULL};
}

static void random_init(struct random_network *r, uint64_t seed)
{
    r->used = 0;
    amf_rng_init(&r->rng, seed, 0);
    r->layers[0] = linear(r, STATE + TASK, WIDE, true);
    r->layers[1] = (struct amf_layer){.kind = AMF_LAYER_NORM,
                                      .out = WIDE,
                                      .weight = draw(r, WIDE, 0.5, 1.5),
                                      .bias = draw(r, WIDE, -1, 1),
                                      .epsilon = 1e-5};
    r->layers[2] = (struct amf_layer){.kind = AMF_LAYER_GELU};
    r->layers[3] = linear(r, WIDE, DEEP, false);
    r->layers[4] = (struct amf_layer){.kind = seed % 2 ? AMF_LAYER_TANH : AMF_LAYER_GELU_TANH};
    r->layers[5] = linear(r, DEEP, WIDE, true);
    r->layers[6] = (struct amf_layer){.kind = AMF_LAYER_RELU};
    r->layers[7] = linear(r, WIDE, ACTION, true);
    r->spec = (struct amf_network_spec){.state_dim = STATE,
                                        .task_dim = TASK,
                                        .action_dim = ACTION,
                                        .state_mean = draw(r, STATE, -1, 1),
                                        .state_std = draw(r, STATE, 0.5, 2),
                                        .action_mean = draw(r, ACTION, -1, 1),
                                        .action_std = draw(r, ACTION, 0.5, 2),
                                        .layers = r->layers,
                                        .layer_count = LAYERS};
}

static size_t slow_linear(const struct amf_layer *layer, const long double *x, long double *y)
{
    for (size_t o = 0; o < layer->out; o++) {
        y[o] = layer->bias ? layer->bias[o] : 0;
        for (size_t i = 0; i < layer->in; i++)
            y[o] += (long double)layer->weight[o * layer->in + i] * x[i];
    }
    return layer->out;
}

static void slow_elsewise(const struct amf_layer *layer, size_t width, long double *x)
{
    long double mean = 0, variance = 0;

    for (size_t d = 0; d < width; d++)
        mean += x[d] / width;
    for (size_t d = 0; d < width; d++)
        variance += (x[d] - mean) * (x[d] - mean) / width;
    for (size_t d = 0; d < width; d++) {
        long double inner = sqrtl(2 / acosl(-1)) * (x[d] + 0.044715L * x[d] * x[d] * x[d]);

        if (layer->kind == AMF_LAYER_NORM)
            x[d] = (x[d] - mean) / sqrtl(variance + layer->epsilon) * layer->weight[d] +
                   layer->bias[d];
        else if (layer->kind == AMF_LAYER_RELU)
            x[d] = x[d] < 0 ? 0 : x[d];
        else if (layer->kind == AMF_LAYER_TANH)
            x[d] = tanhl(x[d]);
        else
            x[d] *=
                (1 + (layer->kind == AMF_LAYER_GELU ? erfl(x[d] / sqrtl(2)) : tanhl(inner))) / 2;
    }
}

static void slow_step(const struct amf_network_spec *spec, const double *state, const double *task,
                      double *ret_action, double *ret_hidden)
{
    long double x[WIDE + DEEP], y[WIDE + DEEP];
    size_t width = STATE + TASK;

    for (size_t d = 0; d < STATE; d++)
        x[d] = (state[d] - (long double)spec->state_mean[d]) / spec->state_std[d];
    for (size_t d = 0; d < TASK; d++)
        x[STATE + d] = task[d];
    for (size_t k = 0; k < spec->layer_count; k++) {
        for (size_t d = 0; d < width && k + 1 == spec->layer_count; d++)
            ret_hidden[d] = (double)x[d];
        if (spec->layers[k].kind == AMF_LAYER_LINEAR) {
            width = slow_linear(&spec->layers[k], x, y);
            memcpy(x, y, sizeof(x));
        } else {
            slow_elsewise(&spec->layers[k], width, x);
        }
    }
    for (size_t d = 0; d < ACTION; d++)
        ret_action[d] = (double)(x[d] * spec->action_std[d] + spec->action_mean[d]);
}

static void expect_close(const double *found, const double *expected, size_t count,
                         double tolerance)
{
    for (size_t k = 0; k < count; k++)
        ck_assert_double_eq_tol(found[k], expected[k], tolerance);
}

START_TEST(agrees_with_a_slow_evaluation_whatever_the_number_of_steps)
{
    static struct random_network r;
    static double states[STEPS * STATE], actions[STEPS * ACTION], hidden[STEPS * WIDE];

    for (uint64_t seed = 0; seed < 4; seed++) {
        AMF_NETWORK_CLEANUP struct amf_network *network = NULL;
        const double task[TASK] = {0.3, -1, 2};
        double action[ACTION], h[WIDE];

        random_init(&r, seed);
        network = make(&r.spec);
        for (size_t k = 0; k < STEPS * STATE; k++)
            states[k] = 3 * amf_rng_uniform(&r.rng) - 1.5;
        ck_assert_uint_eq(amf_network_hidden_dim(network), WIDE);
        ck_assert_int_eq(evaluate(network, states, STEPS, task, actions, hidden), AMF_OK);
        for (size_t t = 0; t < STEPS; t++) {
            slow_step(&r.spec, states + t * STATE, task, action, h);
            expect_close(actions + t * ACTION, action, ACTION, 1e-13);
            expect_close(hidden + t * WIDE, h, WIDE, 1e-13);
            ck_assert_int_eq(evaluate(network, states + t * STATE, 1, task, action, h), AMF_OK);
            expect_close(actions + t * ACTION, action, ACTION, 1e-13);
            expect_close(hidden + t * WIDE, h, WIDE, 1e-13);
        }
    }
}
END_TEST

START_TEST(any_number_of_workers_gives_the_same_bits)
{
    static struct random_network r;
    static double states[STEPS * STATE], first[20][STEPS * ACTION], again[20][STEPS * ACTION];
    double tasks[20][TASK];
    struct amf_network_batch batches[20];
    AMF_NETWORK_CLEANUP struct amf_network *network = NULL;

    random_init(&r, 9);
    network = make(&r.spec);
    for (size_t k = 0; k < STEPS * STATE; k++)
        states[k] = 3 * amf_rng_uniform(&r.rng) - 1.5;
    for (size_t workers = 1; workers <= 7; workers += 2) {
        AMF_POOL_CLEANUP struct amf_pool *pool = suite_pool(workers);
        double(*actions)[STEPS * ACTION] = workers == 1 ? first : again;

        for (size_t b = 0; b < 20; b++) {
            for (size_t d = 0; d < TASK; d++)
                tasks[b][d] = (double)(b * TASK + d) / 10;
            batches[b] = (struct amf_network_batch){states, STEPS - b, tasks[b], actions[b], NULL};
        }
        ck_assert_int_eq(amf_network_evaluate(network, batches, 20, pool, NULL), AMF_OK);
        for (size_t b = 0; b < 20 && workers > 1; b++)
            ck_assert_mem_eq(first[b], again[b], (STEPS - b) * ACTION * sizeof(double));
    }
}
END_TEST

/* ---- what is refused ---- */

static void expect_fault(const struct amf_network_spec *spec, enum amf_status expected,
                         size_t layer, const char *field, size_t size)
{
    struct amf_network_fault fault = {0};
    struct amf_network *network = NULL;

    ck_assert_int_eq(amf_network_new(spec, &network, &fault), expected);
    ck_assert_ptr_null(network);
    ck_assert_uint_eq(fault.layer, layer);
    ck_assert_str_eq(fault.field, field);
    ck_assert_uint_eq(fault.size, size);
    ck_assert_ptr_nonnull(fault.wanted);
}

START_TEST(what_does_not_fit_together_is_refused_with_its_place)
{
    const double bad[] = {1, NAN, 1, 1, 1, 1}, zero[] = {1, 0}, one[] = {1, 1};
    struct amf_layer wrong[3];
    struct amf_network_spec spec = small;

#define WRONG(k, member, value)                                                                    \
    (spec = small, memcpy(wrong, layers, sizeof(wrong)), wrong[k].member = (value),                \
     spec.layers = wrong)
    WRONG(0, in, 4);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 0, "in", 3);
    WRONG(2, in, 5);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 2, "in", 2);
    WRONG(2, out, 2);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 2, "out", 1);
    WRONG(0, out, 0);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 0, "out", 1);
    WRONG(0, weight, NULL);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 0, "weight", 6);
    WRONG(0, weight, bad);
    expect_fault(&spec, AMF_NOT_FINITE, 0, "weight", 0);
    WRONG(0, bias, bad);
    expect_fault(&spec, AMF_NOT_FINITE, 0, "bias", 0);
    WRONG(0, out, SIZE_MAX / 2);
    expect_fault(&spec, AMF_TOO_LARGE, 0, "weight", 0);
    WRONG(2, kind, AMF_LAYER_TANH);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 2, "kind", 0);
    WRONG(1, kind, (enum amf_layer_kind)17);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 1, "kind", 0);
    WRONG(1, kind, AMF_LAYER_NORM);
    expect_fault(&spec, AMF_BAD_ARGUMENT, 1, "out", 2);
    wrong[1] = (struct amf_layer){.kind = AMF_LAYER_NORM, .out = 2, .weight = one};
    expect_fault(&spec, AMF_BAD_ARGUMENT, 1, "epsilon", 0);
    spec = small;
    spec.layer_count = 0;
    expect_fault(&spec, AMF_BAD_ARGUMENT, SIZE_MAX, "layers", 1);
    spec = small;
    spec.state_mean = one;
    expect_fault(&spec, AMF_BAD_ARGUMENT, SIZE_MAX, "state_std", 2);
    spec.state_std = zero;
    expect_fault(&spec, AMF_BAD_ARGUMENT, SIZE_MAX, "state_std", 0);
    spec = small;
    spec.task_dim = SIZE_MAX;
    expect_fault(&spec, AMF_TOO_LARGE, SIZE_MAX, "task_dim", 0);
#undef WRONG
}
END_TEST

/* relu and tanh would make an honest number of what overflowed. */
START_TEST(numbers_that_overflow_are_told)
{
    const double huge[] = {1e200, 0, 0, 0, 0, 0}, states[] = {-1e200, 0}, nan[] = {NAN, 0},
                 fine[] = {1, 1}, task[] = {0}, infinite[] = {INFINITY};
    struct amf_layer wide[3];
    struct amf_network_spec spec = small;
    AMF_NETWORK_CLEANUP struct amf_network *network = NULL;
    double action = 0;

    memcpy(wide, layers, sizeof(wide));
    wide[0].weight = huge;
    spec.layers = wide;
    network = make(&spec);
    ck_assert_int_eq(evaluate(network, fine, 1, task, &action, NULL), AMF_OK);
    ck_assert_int_eq(evaluate(network, states, 1, task, &action, NULL), AMF_NOT_FINITE);
    ck_assert_int_eq(evaluate(network, nan, 1, task, &action, NULL), AMF_NOT_FINITE);
    ck_assert_int_eq(evaluate(network, fine, 1, infinite, &action, NULL), AMF_NOT_FINITE);
}
END_TEST

START_TEST(a_loss_gradient_is_prediction_minus_action)
{
    const double mean[] = {1, 2, 3}, actions[] = {0.5, 2, 4};
    double gradient[3];

    amf_policy_gradient(mean, actions, 3, gradient);
    ck_assert_double_eq(gradient[0], 0.5);
    ck_assert_double_eq(gradient[1], 0);
    ck_assert_double_eq(gradient[2], -1);
}
END_TEST

SUITE_MAIN("amf_network", a_small_network_gives_what_it_gives_on_paper,
           inputs_and_outputs_are_put_into_their_units, activations_have_their_known_values,
           a_layer_norm_divides_by_the_biased_deviation,
           agrees_with_a_slow_evaluation_whatever_the_number_of_steps,
           any_number_of_workers_gives_the_same_bits,
           what_does_not_fit_together_is_refused_with_its_place, numbers_that_overflow_are_told,
           a_loss_gradient_is_prediction_minus_action)
