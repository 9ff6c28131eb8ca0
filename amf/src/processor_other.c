/* On other architectures OpenBLAS's own choice stands. */
#include <stddef.h>

#include <amf/processor.h>

const char *amf_processor_better_core(void)
{
    return NULL;
}
