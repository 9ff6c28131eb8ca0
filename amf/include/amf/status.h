/* How a call ended: the one status type of libamf.
 *
 * 0 is success. Negative: the call cannot be carried out (forward it unchanged). Positive: a
 * defined outcome of the mathematics or of the caller's own wish, which the caller handles. A
 * result with a blemish, such as jitter that had to be added, is AMF_OK and a field that says so.
 *
 * Conventions of every header here. Matrices are row-major doubles, "rows x cols", without padding
 * unless a stride is named. Inputs are const and only borrowed for the call, unless the function
 * says that it keeps them. A returned pointer is borrowed from the object; a pointer through **ret_
 * belongs to the caller. ret_* are untouched on failure. Objects are immutable once built and may
 * be read from any number of threads. Nothing prints, exits or keeps global state.
 */
#ifndef AMF_STATUS_H
#define AMF_STATUS_H

enum amf_status {
    AMF_OK = 0,
    AMF_NO_MEMORY = -1,
    AMF_BAD_ARGUMENT = -2, /* an index, a setting or a combination that has no meaning */
    AMF_NOT_FINITE = -3,   /* NaN or infinity where a number is needed */
    AMF_TOO_LARGE = -4,    /* a size overflows memory or the BLAS integer */
    AMF_NO_THREADS = -5,   /* the system gives no more threads */
    AMF_NOT_POSDEF = 1,    /* not positive definite, even with the largest jitter */
    AMF_CANCELLED = 2      /* the caller's cancel flag was seen */
};

const char *amf_status_name(enum amf_status status);

#define AMF_CHECKED __attribute__((warn_unused_result))

#endif
