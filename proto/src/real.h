/* A double as text; also for the one file of C++. */
#ifndef PROTO_SRC_REAL_H
#define PROTO_SRC_REAL_H

#ifdef __cplusplus
extern "C" {
#endif

#define PROTO_REAL_BYTES 32 /* room for any real as text */

/* The shortest text that reads back as the same number; an exponent below 1e-5 and from 1e15 on.
 * Room for PROTO_REAL_BYTES. Also "nan" and "inf", for messages. */
void proto_real_format(char *ret_text, double number);

#ifdef __cplusplus
}
#endif

#endif
