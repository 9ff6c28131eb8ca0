/* log p(Y) and its gradient.
 *
 * With K = L L', V = L^-1 and z = V Y:
 *   log p = -1/2 |z|^2 - d_a sum_i log L_ii - N d_a/2 log 2 pi
 * From d log|K| = tr(K^-1 dK) and dK^-1 = -K^-1 dK K^-1, for a parameter p
 *   d log p / dp = 1/2 sum_ij W_ij dK_ij/dp,   W = A A' - d_a K^-1,  A = K^-1 Y = V' z,
 *   K^-1 = V' V.
 *
 * The kernel is v t(c, c') f(q), or v f(q + q_c) where task vectors stand beside the state, q and
 * q_c being sums of squares of scaled differences u_d = (s_d - s'_d) / l_d. Its derivatives:
 *   by log v            K without the noise
 *   by log sigma        2 sigma^2 I
 *   by log l_d          v t f'(q) (-2 u_d^2)       one shared scale: the sum over d
 *   by the correlation  v f(q) where c != c'
 *   rbf       f = exp(-q/2)                                    f' = -1/2 exp(-q/2)
 *   matern32  f = (1 + x) exp(-x),         x = sqrt(3 q)       f' = -3/2 exp(-x)
 *   matern52  f = (1 + x + x^2/3) exp(-x), x = sqrt(5 q)       f' = -5/6 (1 + x) exp(-x)
 * The linear kernel has neither scales nor f': v t (1 + s.s'), or v (1 + s.s' + c.c').
 *
 * By tiles of rows: each is one task of the pool and leaves a partial gradient of its own; these
 * are added in the order of the tiles.
 */
#include <math.h>
#include <string.h>

#include <amf/chol.h>

#include "blas.h"
#include "internal.h"
#include "likelihood_private.h"

#define VALUE_TILE 64
#define VALUE_FAR 2e5 /* beyond it every kernel is below the smallest double */

/* One evaluation. */
struct value {
    const struct amf_likelihood *likelihood;
    double variance, noise;
    const double *state_scale, *task_scale; /* as given; counts as in the likelihood */
    struct amf_matrix states;               /* rows x state_dim, scaled */
    struct amf_matrix vectors;              /* task_count x task_dim, scaled; or empty */
    struct amf_matrix tasks;                /* task_count x task_count: t, q_c or c.c' */

    struct amf_chol *chol;
    struct amf_matrix whitened; /* z: rows x action_dim */
    struct amf_matrix inverse;  /* V: rows x rows, lower triangle */
    struct amf_matrix solved;   /* A: rows x action_dim */
    struct amf_matrix work;     /* workers x (VALUE_TILE * rows) */
    struct amf_matrix partial;  /* tiles x size */
};

static void value_deinit(struct value *value)
{
    amf_matrix_deinit(&value->states);
    amf_matrix_deinit(&value->vectors);
    amf_matrix_deinit(&value->tasks);
    amf_matrix_deinit(&value->whitened);
    amf_matrix_deinit(&value->inverse);
    amf_matrix_deinit(&value->solved);
    amf_matrix_deinit(&value->work);
    amf_matrix_deinit(&value->partial);
    amf_chol_unref(value->chol);
}
#define VALUE_CLEANUP __attribute__((cleanup(value_deinit)))

/* ---- the numbers at these parameters ---- */

/* Scale d of a part: the parameter where it is one, else the problem's own number. */
static double value_scale(const struct likelihood_part *part, const double *own, size_t count,
                          const double *parameters, size_t d)
{
    size_t at = count == 1 ? 0 : d;

    return part->count ? exp(parameters[part->first + at]) : own[at];
}

static enum amf_status value_scale_rows(const struct amf_matrix *rows,
                                        const struct likelihood_part *part, const double *own,
                                        size_t count, const double *parameters,
                                        struct amf_matrix *ret_scaled)
{
    enum amf_status status = amf_matrix_init(ret_scaled, rows->rows, rows->cols);

    for (size_t d = 0; !status && d < rows->cols; d++) {
        double scale = count ? value_scale(part, own, count, parameters, d) : 1;

        for (size_t i = 0; i < rows->rows; i++)
            amf_matrix_row(ret_scaled, i)[d] = amf_matrix_row(rows, i)[d] / scale;
    }
    if (!status && !amf_all_finite(ret_scaled->data, rows->rows * rows->cols))
        return AMF_NOT_FINITE;
    return status;
}

static double value_dot(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += a[d] * b[d];
    return sum;
}

static double value_distance(const double *a, const double *b, size_t dim)
{
    double sum = 0;

    for (size_t d = 0; d < dim; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* The tasks' part: the table with its correlation, or what the vectors say of two tasks. */
static enum amf_status value_fill_tasks(struct value *value, const double *parameters)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    const struct likelihood_part *part = &likelihood->of_correlation;
    size_t count = likelihood->table ? likelihood->tasks.rows : value->vectors.rows;
    size_t dim = value->vectors.cols;
    enum amf_status status = amf_matrix_init(&value->tasks, count, count);

    for (size_t a = 0; !status && a < count; a++)
        for (size_t b = 0; b < count; b++) {
            double *entry = amf_matrix_row(&value->tasks, a) + b;

            if (likelihood->table)
                *entry = part->count && a != b ? parameters[part->first]
                                               : amf_matrix_row(&likelihood->tasks, a)[b];
            else if (likelihood->kind == AMF_KERNEL_LINEAR)
                *entry = value_dot(amf_matrix_row(&value->vectors, a),
                                   amf_matrix_row(&value->vectors, b), dim);
            else
                *entry = value_distance(amf_matrix_row(&value->vectors, a),
                                        amf_matrix_row(&value->vectors, b), dim);
        }
    return status;
}

static enum amf_status value_init(struct value *value, const double *parameters)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    enum amf_status status;

    value->variance =
        value_scale(&likelihood->of_variance, &likelihood->variance, 1, parameters, 0);
    value->noise = value_scale(&likelihood->of_noise, &likelihood->noise, 1, parameters, 0);
    if (!isfinite(value->variance) || !isfinite(value->noise * value->noise))
        return AMF_NOT_FINITE;
    status = value_scale_rows(&likelihood->states, &likelihood->of_state, likelihood->state_scale,
                              likelihood->state_scale_count, parameters, &value->states);
    if (!status && !likelihood->table)
        status =
            value_scale_rows(&likelihood->vectors, &likelihood->of_task, likelihood->task_scale,
                             likelihood->task_scale_count, parameters, &value->vectors);
    return status ? status : value_fill_tasks(value, parameters);
}

/* ---- the kernel of two rows ---- */

struct value_pair {
    double base;  /* v f(q), without the table */
    double whole; /* k */
    double slope; /* v t f'(q): what -2 u_d^2 is multiplied by */
};

/* f and f' of a squared distance; both 0 where the exponential is, also at infinity. */
static double value_shape(enum amf_kernel_kind kind, double squared, double *ret_slope)
{
    double x, e;

    *ret_slope = 0;
    if (squared > VALUE_FAR)
        return 0;
    switch (kind) {
    case AMF_KERNEL_MATERN32:
        x = sqrt(3 * squared);
        e = exp(-x);
        *ret_slope = -1.5 * e;
        return (1 + x) * e;
    case AMF_KERNEL_MATERN52:
        x = sqrt(5 * squared);
        e = exp(-x);
        *ret_slope = -5.0 / 6 * (1 + x) * e;
        return (1 + x + x * x / 3) * e;
    default:
        e = exp(-squared / 2);
        *ret_slope = -e / 2;
        return e;
    }
}

static struct value_pair value_pair(const struct value *value, size_t i, size_t j)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    const double *a = amf_matrix_row(&value->states, i), *b = amf_matrix_row(&value->states, j);
    double task = amf_matrix_row(&value->tasks, likelihood->task[i])[likelihood->task[j]];
    double times = likelihood->table ? task : 1, plus = likelihood->table ? 0 : task;
    size_t dim = value->states.cols;
    double shape, slope = 0;

    if (likelihood->kind == AMF_KERNEL_LINEAR)
        shape = 1 + value_dot(a, b, dim) + plus;
    else
        shape = value_shape(likelihood->kind, value_distance(a, b, dim) + plus, &slope);
    return (struct value_pair){value->variance * shape, value->variance * times * shape,
                               value->variance * times * slope};
}

static enum amf_status value_fill(void *arg, size_t first, size_t count, double *ret_rows,
                                  size_t stride)
{
    const struct value *value = arg;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < first + count; j++)
            ret_rows[i * stride + j] = value_pair(value, first + i, j).whole;
        ret_rows[i * stride + first + i] += value->noise * value->noise;
    }
    return AMF_OK;
}

/* ---- pool tasks ---- */

/* z = V Y. */
static enum amf_status value_whiten(void *arg, size_t task, size_t worker)
{
    struct value *value = arg;
    size_t dim = value->whitened.cols;

    (void)task;
    (void)worker;
    return amf_chol_forward(value->chol, 0, NULL, 0, dim, value->whitened.data, dim);
}

static size_t value_tile_rows(const struct value *value, size_t tile)
{
    return amf_min(VALUE_TILE, value->likelihood->rows - tile * VALUE_TILE);
}

/* Columns of V from those of the identity, and with them the same rows of A = V' z, negated. */
static enum amf_status value_invert_tile(void *arg, size_t tile, size_t worker)
{
    struct value *value = arg;
    size_t first = tile * VALUE_TILE, cols = value_tile_rows(value, tile);
    size_t rows = value->inverse.rows, dim = value->solved.cols;
    double *columns = value->inverse.data + first;
    enum amf_status status;

    (void)worker;
    for (size_t j = 0; j < cols; j++)
        columns[(first + j) * rows + j] = 1;
    status = amf_chol_forward(value->chol, 0, NULL, 0, cols, columns, rows);
    if (status)
        return status;
    return amf_blas_subtract_inner(cols, dim, rows, columns, rows, value->whitened.data, dim,
                                   amf_matrix_row(&value->solved, first), dim);
}

/* Adds weight * dK_ij / d log l_d for the scales of states (or tasks). */
static void value_add_scales(const struct likelihood_part *part, const double *a, const double *b,
                             size_t dim, double weight, double *gradient)
{
    if (part->count == 1)
        gradient[part->first] -= 2 * weight * value_distance(a, b, dim);
    for (size_t d = 0; part->count > 1 && d < dim; d++)
        gradient[part->first + d] -= 2 * weight * (a[d] - b[d]) * (a[d] - b[d]);
}

/* Adds weight * dK_ij / dp for every parameter but the noise. */
static void value_add_pair(const struct value *value, size_t i, size_t j, double weight,
                           double *gradient)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    struct value_pair pair = value_pair(value, i, j);
    size_t mine = likelihood->task[i], other = likelihood->task[j];

    if (likelihood->of_variance.count)
        gradient[likelihood->of_variance.first] += weight * pair.whole;
    if (pair.slope < 0)
        value_add_scales(&likelihood->of_state, amf_matrix_row(&value->states, i),
                         amf_matrix_row(&value->states, j), value->states.cols, weight * pair.slope,
                         gradient);
    if (pair.slope < 0 && likelihood->of_task.count)
        value_add_scales(&likelihood->of_task, amf_matrix_row(&value->vectors, mine),
                         amf_matrix_row(&value->vectors, other), value->vectors.cols,
                         weight * pair.slope, gradient);
    if (likelihood->of_correlation.count && mine != other)
        gradient[likelihood->of_correlation.first] += weight * pair.base;
}

/* Rows of -K^-1 up to the diagonal, then the pairs of W below it twice, and on it once: half of
 * that is the gradient. */
static enum amf_status value_gradient_tile(void *arg, size_t tile, size_t worker)
{
    struct value *value = arg;
    const struct amf_likelihood *likelihood = value->likelihood;
    size_t first = tile * VALUE_TILE, rows = value_tile_rows(value, tile), cols = first + rows;
    size_t below = likelihood->rows - first, dim = value->solved.cols;
    double *inverse = amf_matrix_row(&value->work, worker);
    double *gradient = amf_matrix_row(&value->partial, tile);
    double *from = amf_matrix_row(&value->inverse, first);
    enum amf_status status;

    memset(inverse, 0, rows * cols * sizeof(double));
    status = amf_blas_subtract_inner(rows, cols, below, from + first, likelihood->rows, from,
                                     likelihood->rows, inverse, cols);
    for (size_t r = 0; !status && r < rows; r++) {
        size_t i = first + r;

        for (size_t j = 0; j <= i; j++) {
            double w = value_dot(amf_matrix_row(&value->solved, i),
                                 amf_matrix_row(&value->solved, j), dim) +
                       (double)dim * inverse[r * cols + j];

            value_add_pair(value, i, j, j < i ? w : w / 2, gradient);
            if (i == j && likelihood->of_noise.count)
                gradient[likelihood->of_noise.first] += w * value->noise * value->noise;
        }
    }
    return status;
}

/* ---- the whole ---- */

static enum amf_status value_gradient(struct value *value, double *ret_gradient)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    size_t rows = likelihood->rows, tiles = amf_ceil_div(rows, VALUE_TILE), size;
    enum amf_status status = amf_matrix_init(&value->inverse, rows, rows);

    if (__builtin_mul_overflow(rows, VALUE_TILE, &size))
        return AMF_TOO_LARGE;
    if (!status)
        status = amf_matrix_init(&value->solved, rows, value->whitened.cols);
    if (!status)
        status = amf_matrix_init(&value->work, amf_pool_size(likelihood->pool), size);
    if (!status)
        status = amf_matrix_init(&value->partial, tiles, likelihood->size);
    if (!status)
        status =
            amf_pool_run(likelihood->pool, tiles, value_invert_tile, value, likelihood->cancel);
    if (!status)
        status =
            amf_pool_run(likelihood->pool, tiles, value_gradient_tile, value, likelihood->cancel);
    if (status)
        return status;
    memset(ret_gradient, 0, likelihood->size * sizeof(double));
    for (size_t tile = 0; tile < tiles; tile++)
        for (size_t p = 0; p < likelihood->size; p++)
            ret_gradient[p] += amf_matrix_row(&value->partial, tile)[p];
    return AMF_OK;
}

static enum amf_status value_factor(struct value *value)
{
    const struct amf_likelihood *likelihood = value->likelihood;
    size_t rows = likelihood->rows, dim = likelihood->actions.cols;
    enum amf_status status = amf_matrix_init(&value->whitened, rows, dim);

    if (status)
        return status;
    memcpy(value->whitened.data, likelihood->actions.data, rows * dim * sizeof(double));
    status = amf_chol_extend(NULL, rows, value_fill, value, likelihood->pool, likelihood->cancel,
                             &value->chol);
    if (status)
        return status;
    return amf_pool_run(likelihood->pool, 1, value_whiten, value, likelihood->cancel);
}

enum amf_status amf_likelihood_evaluate(const struct amf_likelihood *likelihood,
                                        const double *parameters, double *ret_value,
                                        double *ret_gradient, double *ret_jitter)
{
    VALUE_CLEANUP struct value value = {.likelihood = likelihood};
    AMF_FREE_CLEANUP double *gradient = amf_new_array(likelihood->size, sizeof(double));
    double rows = (double)likelihood->rows, dim = (double)likelihood->actions.cols, sum;
    enum amf_status status = value_init(&value, parameters);

    if (status || !gradient)
        return status ? status : AMF_NO_MEMORY;
    if (likelihood->rows)
        status = value_factor(&value);
    if (!status && likelihood->rows && ret_gradient && likelihood->size)
        status = value_gradient(&value, gradient);
    if (status)
        return status;
    sum = -value_dot(value.whitened.data, value.whitened.data,
                     value.whitened.rows * value.whitened.cols) /
              2 -
          dim / 2 * amf_chol_log_det(value.chol) - rows * dim / 2 * log(2 * M_PI);
    if (!isfinite(sum) || !amf_all_finite(gradient, likelihood->size))
        return AMF_NOT_FINITE;
    *ret_value = sum;
    if (ret_gradient && likelihood->size)
        memcpy(ret_gradient, gradient, likelihood->size * sizeof(double));
    if (ret_jitter)
        *ret_jitter = amf_chol_jitter(value.chol);
    return AMF_OK;
}
