/* Names of the statuses, for messages and tests. */
#include <amf/status.h>

const char *amf_status_name(enum amf_status status)
{
    switch (status) {
    case AMF_OK:
        return "ok";
    case AMF_NO_MEMORY:
        return "no memory";
    case AMF_BAD_ARGUMENT:
        return "bad argument";
    case AMF_NOT_FINITE:
        return "not finite";
    case AMF_TOO_LARGE:
        return "too large";
    case AMF_NO_THREADS:
        return "no threads";
    case AMF_NOT_POSDEF:
        return "not positive definite";
    case AMF_CANCELLED:
        return "cancelled";
    }
    return "unknown status";
}
