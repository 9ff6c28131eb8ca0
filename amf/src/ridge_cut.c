/* Dropping the directions of a block that hardly vary, and how much that can lose.
 *
 * S = E Lambda E' when the table is begun, under P_0. The rows E_1' F are kept, E_2' F =: F_2 are
 * dropped; tau = tr(F_2 P_0 F_2') is at most the share `cut` of tr S. At any later time, with P'
 * the posterior given the kept rows as well, P' <= P <= P_0, a pair x of variance v1 under P' loses
 *
 *   Delta_x = psi' P' F_2' (F_2 P' F_2' + sigma^2 I)^-1 F_2 P' psi  <=  sigma^-2 |F_2 P' psi|^2
 *
 * of its reduction, so that for any weights w, with W_w = sum_x w_x psi_x psi_x',
 *
 *   sum_x w_x Delta_x <= sigma^-2 tr(F_2 P' W_w P' F_2') <= sigma^-2 norm(P_0^1/2 W_w P_0^1/2) tau
 *
 * which is what `variance` can lose, with w = omega. A logarithm loses 1/2 log(v1 / (v1 - Delta))
 * <= 1/2 Delta / (v1 - Delta); and v1 - Delta >= v1 sigma^2 / (sigma^2 + next), next the largest
 * dropped eigenvalue. With v1 = v0 (1 - q) and w = omega / v0 that bounds `entropy`, once w at this
 * time is bounded by w at the begin times the largest v0(begin) / v0(now). `noisy_entropy` has
 * sigma^2 in place of v1 - Delta.
 *
 * norm(M) is at most the 32nd root of tr(M^32): four squarings, within a few per cent of it.
 */
#include <math.h>
#include <string.h>

#include "blas.h"
#include "internal.h"
#include "ridge_table_private.h"

#define CUT_SQUARINGS 4

/* Directions to keep of ascending eigenvalues, and what the others carry. */
static size_t cut_count(const double *values, size_t rows, double share, struct table_block *block)
{
    double total = 0, dropped = 0;
    size_t low = 0;

    for (size_t i = 0; i < rows; i++)
        total += fmax(values[i], 0);
    while (low + 1 < rows && dropped + fmax(values[low], 0) <= share * total)
        dropped += fmax(values[low++], 0);
    block->dropped = dropped;
    block->next = low ? fmax(values[low - 1], 0) : 0;
    return rows - low;
}

/* rows (kept x p) := -E_1' from (full x p). An axis has no sign. */
static enum amf_status cut_rotate(const double *axes, size_t kept, size_t full, size_t p,
                                  const double *from, double *rows)
{
    memset(rows, 0, kept * p * sizeof(double));
    return amf_blas_subtract_product(kept, p, full, axes, full, from, p, rows, p);
}

/* One block: its axes to `axes`, from the last row up, S to gram. */
static enum amf_status cut_block(struct amf_ridge_table *table, struct table_block *block,
                                 const double *whitened, double *axes, double *values)
{
    size_t full = block->at.row_count, p = table->features.dim;
    enum amf_status status = amf_blas_gram(full, p, whitened, p, axes, full);

    if (!status)
        status = amf_blas_eigen(full, axes, full, values);
    if (!status)
        block->rows = cut_count(values, full, table->input.cut, block);
    return status;
}

static enum amf_status cut_count_rows(struct amf_ridge_table *table, struct table_group *group,
                                      const struct table_worker *worker)
{
    const double *whitened = worker->features;
    double *axes = worker->factors, *to = worker->rotated;
    size_t p = table->features.dim, gram = 0;
    enum amf_status status = AMF_OK;

    group->row_count = 0;
    for (size_t b = 0; !status && b < group->block_count; b++) {
        struct table_block *block = &table->blocks[group->first_block + b];
        size_t full = block->at.row_count;
        double *kept;

        status = cut_block(table, block, whitened, axes, worker->line);
        if (status)
            return status;
        kept = axes + (full - block->rows) * full;
        status = cut_rotate(kept, block->rows, full, p, whitened, to);
        block->first = group->row_count;
        block->gram = gram;
        memset(group->gram + gram, 0, block->rows * block->rows * sizeof(double));
        for (size_t r = 0; r < block->rows; r++)
            group->gram[gram + r * block->rows + r] = fmax(worker->line[full - block->rows + r], 0);
        group->row_count += block->rows;
        gram += block->rows * block->rows;
        to += block->rows * p;
        axes += full * full;
        whitened += full * p;
    }
    return status;
}

enum amf_status amf_table_cut_group(struct amf_ridge_table *table, struct table_group *group,
                                    const struct table_worker *worker)
{
    const double *axes = worker->factors, *from = worker->features;
    size_t p = table->features.dim;
    enum amf_status status = cut_count_rows(table, group, worker);

    if (!status)
        status = amf_matrix_init(&group->features, group->row_count, p);
    for (size_t b = 0; !status && b < group->block_count; b++) {
        const struct table_block *block = &table->blocks[group->first_block + b];
        size_t full = block->at.row_count;

        status = table->features.fill(table->features.arg, &block->at, 1, worker->features, p);
        if (!status)
            status = cut_rotate(axes + (full - block->rows) * full, block->rows, full, p, from,
                                amf_matrix_row(&group->features, block->first));
        axes += full * full;
    }
    if (!status)
        memcpy(worker->features, worker->rotated, group->row_count * p * sizeof(double));
    return status;
}

/* ---- the bound ---- */

/* At least the largest eigenvalue of a (p x p, positive semidefinite); b: room for as much. */
static enum amf_status cut_norm(struct amf_pool *pool, const atomic_bool *cancel, size_t p,
                                double *a, double *b, double *ret_norm)
{
    double scale = 1, exponent = 1, norm = 0;
    enum amf_status status = AMF_OK;

    for (int step = 0; !status && step <= CUT_SQUARINGS; step++) {
        double sum = 0, *swap = a;

        for (size_t i = 0; i < p * p; i++)
            sum += a[i] * a[i];
        sum = sqrt(sum);
        norm = scale * pow(sum, exponent);
        if (!(sum > 0) || step == CUT_SQUARINGS)
            break;
        scale = norm;
        for (size_t i = 0; i < p * p; i++)
            a[i] /= sum;
        exponent /= 2;
        status = amf_ridge_outer(pool, cancel, p, p, p, a, a, b);
        a = b;
        b = swap;
    }
    *ret_norm = norm;
    return status;
}

/* norm(sum_x w_x u_x u_x') from the whitened test pairs. */
static enum amf_status cut_weighted_norm(struct amf_ridge_table *table, bool entropy,
                                         struct amf_pool *pool, const atomic_bool *cancel,
                                         double *ret_norm)
{
    AMF_MATRIX_CLEANUP struct amf_matrix scaled = AMF_MATRIX_NULL, sum = AMF_MATRIX_NULL,
                                         room = AMF_MATRIX_NULL;
    size_t p = table->features.dim;
    enum amf_status status = amf_matrix_init(&scaled, table->test_count, p);

    if (!status)
        status = amf_matrix_init(&sum, p, p);
    if (!status)
        status = amf_matrix_init(&room, p, p);
    for (size_t x = 0; !status && x < table->test_count; x++) {
        double weight = table->input.test_weight[x];

        if (entropy)
            weight = table->before[x] > 0 ? weight / table->before[x] : 0;
        for (size_t d = 0; d < p; d++)
            amf_matrix_row(&scaled, x)[d] = weight * amf_matrix_row(&table->whitened, x)[d];
    }
    if (!status)
        status = amf_ridge_add_inner(pool, cancel, p, table->test_count, scaled.data,
                                     table->whitened.data, sum.data);
    if (!status)
        amf_ridge_mirror(&sum);
    return status ? status : cut_norm(pool, cancel, p, sum.data, room.data, ret_norm);
}

enum amf_status amf_table_norms(struct amf_ridge_table *table, struct amf_pool *pool,
                                const atomic_bool *cancel)
{
    bool entropy =
        table->input.measure == AMF_MEASURE_ENTROPY || table->input.measure == AMF_MEASURE_KL;

    return cut_weighted_norm(table, entropy, pool, cancel,
                             entropy ? &table->entropy_norm : &table->variance_norm);
}

void amf_table_bounds(struct amf_ridge_table *table)
{
    double noise = table->noise * table->noise, shrunk = 1;

    for (size_t x = 0; x < table->test_count; x++)
        if (table->before[x] > 0)
            shrunk = fmax(shrunk, table->begun[x] / table->before[x]);
    for (size_t b = 0; b < table->input.block_count; b++) {
        const struct table_block *block = &table->blocks[b];
        double base = block->dropped / noise;

        if (table->input.measure == AMF_MEASURE_VARIANCE)
            table->bounds[b] = base * table->variance_norm;
        else if (table->input.measure == AMF_MEASURE_NOISY_ENTROPY)
            table->bounds[b] = base * table->variance_norm / (2 * noise);
        else
            table->bounds[b] = base * table->entropy_norm * shrunk * (1 + block->next / noise) /
                               (2 * fmax(1 - table->largest_share[b], 0));
        if (!block->dropped)
            table->bounds[b] = 0;
    }
}
