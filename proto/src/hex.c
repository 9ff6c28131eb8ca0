#include <proto/hex.h>

void proto_hex_write(const void *bytes, size_t count, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;

    for (size_t i = 0; i < count; i++) {
        *ret_text++ = digits[from[i] >> 4];
        *ret_text++ = digits[from[i] & 15];
    }
    *ret_text = '\0';
}
