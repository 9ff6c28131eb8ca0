/* A row-major matrix of doubles that owns its storage.
 *
 * Borrowed rows are passed as pointer and dimensions; this type is for what a function allocates.
 */
#ifndef AMF_MATRIX_H
#define AMF_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include <amf/status.h>

struct amf_matrix {
    double *data; /* rows x cols; 64-byte aligned; NULL only before init */
    size_t rows, cols;
};

#define AMF_MATRIX_NULL                                                                            \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Zeroed storage; rows * cols is checked: AMF_TOO_LARGE, AMF_NO_MEMORY. */
AMF_CHECKED enum amf_status amf_matrix_init(struct amf_matrix *matrix, size_t rows, size_t cols);
void amf_matrix_deinit(struct amf_matrix *matrix);

static inline double *amf_matrix_row(const struct amf_matrix *matrix, size_t row)
{
    return matrix->data + row * matrix->cols;
}

/* True when none of the count numbers is NaN or infinite. */
bool amf_all_finite(const double *values, size_t count);

#define AMF_MATRIX_CLEANUP __attribute__((cleanup(amf_matrix_deinit)))

#endif
