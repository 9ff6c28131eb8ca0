/* Numbers as little-endian bytes, on any machine. */
#ifndef PROTO_SRC_BYTES_H
#define PROTO_SRC_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void proto_bytes_put_u64(unsigned char *ret_bytes, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        ret_bytes[i] = (unsigned char)(number >> (8 * i));
}

static inline void proto_bytes_put_f64(unsigned char *ret_bytes, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    proto_bytes_put_u64(ret_bytes, bits);
}

static inline uint64_t proto_bytes_get(const unsigned char *bytes, int count)
{
    uint64_t number = 0;
    for (int i = count; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

#endif
