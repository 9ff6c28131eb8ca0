/* Which of OpenBLAS's kernels this processor should run.
 *
 * OpenBLAS chooses when it is loaded, by a table of processor models: one newer than the library
 * falls back to the kernels of a much older one (a Sapphire Rapids is taken for a Prescott or a
 * Haswell by 0.3.21), and the wrong way round an AVX-512 kernel dies on a processor without it. So
 * the choice is made from what cpuid says this processor can do. It has to be in the environment
 * before the library is loaded: a program that wants it sets OPENBLAS_CORETYPE and starts itself
 * again.
 */
#ifndef AMF_PROCESSOR_H
#define AMF_PROCESSOR_H

/* The value for OPENBLAS_CORETYPE that would run better kernels than the ones in use; NULL when
 * they are as good as it gets here, or when the user has set the variable. */
const char *amf_processor_better_core(void);

#endif
