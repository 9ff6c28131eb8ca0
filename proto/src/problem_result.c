/* The result of a problem as JSON text, in the shape of `expected` in tests/golden. */
#include <math.h>

#include <proto/problem.h>

#include "text.h"

static void case_put_reals(struct proto_text *text, const double *reals, size_t count,
                           bool nullable)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            proto_text_puts(text, ", ");
        if (nullable && isnan(reals[i]))
            proto_text_puts(text, "null");
        else
            proto_text_real(text, reals[i]);
    }
    proto_text_puts(text, "]");
}

static void case_put_matrix(struct proto_text *text, const struct proto_matrix *matrix)
{
    proto_text_puts(text, "[");
    for (size_t i = 0; i < matrix->rows; i++) {
        if (i)
            proto_text_puts(text, ", ");
        case_put_reals(text, matrix->data + i * matrix->cols, matrix->cols, false);
    }
    proto_text_puts(text, "]");
}

static void case_put_name(struct proto_text *text, size_t index, const char *name)
{
    if (index)
        proto_text_puts(text, ", ");
    proto_text_string(text, name);
    proto_text_puts(text, ": ");
}

static void case_put_gain(struct proto_text *text, const struct proto_case_weights *mode)
{
    proto_text_puts(text, "{");
    for (size_t m = 0; mode->measures[m]; m++) {
        case_put_name(text, m, mode->measures[m]);
        case_put_reals(text, mode->gain.data + m * mode->gain.cols, mode->gain.cols, true);
    }
    proto_text_puts(text, "}");
}

static void case_put_likelihoods(struct proto_text *text, const struct proto_case_result *result)
{
    size_t rows = result->log_likelihood_clipped.rows * result->log_likelihood_clipped.cols;

    if (!result->step_log_likelihood)
        return;
    proto_text_puts(text, "\"step_log_likelihood\": [");
    for (size_t i = 0; i < rows; i++) {
        if (i)
            proto_text_puts(text, ", ");
        case_put_reals(text, result->step_log_likelihood[i].items,
                       result->step_log_likelihood[i].count, false);
    }
    proto_text_puts(text, "], ");
}

int proto_case_result_encode(const struct proto_case_result *result, char **ret_text,
                             size_t *ret_length)
{
    struct proto_text text = PROTO_TEXT_NULL;

    proto_text_puts(&text, "{");
    case_put_likelihoods(&text, result);
    proto_text_puts(&text, "\"log_likelihood_clipped\": ");
    case_put_matrix(&text, &result->log_likelihood_clipped);
    proto_text_puts(&text, ", \"posterior_variance_at_test_pairs\": ");
    case_put_reals(&text, result->posterior_variance.items, result->posterior_variance.count,
                   false);
    proto_text_puts(&text, ", \"weights\": {");
    for (size_t m = 0; m < result->mode_count; m++) {
        case_put_name(&text, m, result->modes[m].name);
        case_put_matrix(&text, &result->modes[m].weights);
    }
    proto_text_puts(&text, "}, \"effective_sample_size\": {");
    for (size_t m = 0; m < result->mode_count; m++) {
        case_put_name(&text, m, result->modes[m].name);
        case_put_reals(&text, result->modes[m].effective_sample_size, result->modes[m].weights.cols,
                       false);
    }
    proto_text_puts(&text, "}, \"gain\": {");
    for (size_t m = 0; m < result->mode_count; m++) {
        case_put_name(&text, m, result->modes[m].name);
        case_put_gain(&text, &result->modes[m]);
    }
    proto_text_puts(&text, "}}");
    if (text.failed) {
        proto_text_deinit(&text);
        return -1;
    }
    *ret_text = text.data;
    *ret_length = text.length;
    return 0;
}
