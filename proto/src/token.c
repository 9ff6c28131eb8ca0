/* One token is hashed and compared a request; token.h says what of it is stored and why. */
#include <proto/token.h>

#include <stdio.h>
#include <string.h>

#include <nettle/memops.h>
#include <nettle/sha2.h>

#define PREFIX "amf_"
#define SECRET_SYMBOLS 43
#define CHECK_SYMBOLS 6
#define ID_DIGITS_MIN 10
#define ID_DIGITS_MAX 18 /* any such number fits */

static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Six bits a symbol, the last one filled up with zeros. */
static char *put_symbols(const uint8_t *bytes, size_t count, char *text)
{
    for (size_t bit = 0; bit < 8 * count; bit += 6) {
        unsigned low = bit / 8 + 1 < count ? bytes[bit / 8 + 1] : 0;

        *text++ = symbols[((unsigned)bytes[bit / 8] << 8 | low) >> (10 - bit % 8) & 63];
    }
    *text = '\0';
    return text;
}

/* CRC-32 as in Ethernet and zip. A bit at a time: it is 60 bytes, once a request. */
static void put_checksum(const char *text, size_t length, char *ret_symbols)
{
    uint32_t crc = UINT32_MAX;
    uint8_t bytes[4];

    for (size_t i = 0; i < length; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(~crc >> (24 - 8 * i));
    put_symbols(bytes, sizeof(bytes), ret_symbols);
}

void proto_token_id(int64_t number, char ret_id[PROTO_TOKEN_ID_BYTES])
{
    snprintf(ret_id, PROTO_TOKEN_ID_BYTES, "t%0*lld", ID_DIGITS_MIN, (long long)number);
}

/* Length of the id that the text begins with; 0: none. */
static size_t read_id(const char *text, int64_t *ret_number)
{
    size_t digits = *text == 't' ? strspn(text + 1, "0123456789") : 0;
    int64_t number = 0;

    if (digits < ID_DIGITS_MIN || digits > ID_DIGITS_MAX ||
        (digits > ID_DIGITS_MIN && text[1] == '0'))
        return 0;
    for (size_t i = 1; i <= digits; i++)
        number = 10 * number + (text[i] - '0');
    *ret_number = number;
    return 1 + digits;
}

bool proto_token_parse_id(const char *id, int64_t *ret_number)
{
    size_t length = read_id(id, ret_number);

    return length > 0 && id[length] == '\0';
}

void proto_token_write(int64_t number, const uint8_t secret[PROTO_TOKEN_SECRET_BYTES],
                       char ret_text[PROTO_TOKEN_TEXT_BYTES])
{
    char id[PROTO_TOKEN_ID_BYTES], *end;

    proto_token_id(number, id);
    end = ret_text + snprintf(ret_text, PROTO_TOKEN_TEXT_BYTES, PREFIX "%s_", id);
    end = put_symbols(secret, PROTO_TOKEN_SECRET_BYTES, end);
    put_checksum(ret_text, (size_t)(end - ret_text), end);
}

bool proto_token_read(const char *text, int64_t *ret_number)
{
    char checksum[CHECK_SYMBOLS + 1];
    size_t length = strlen(text), id;
    int64_t number;

    if (length >= PROTO_TOKEN_TEXT_BYTES || strncmp(text, PREFIX, strlen(PREFIX)) != 0)
        return false;
    id = read_id(text + strlen(PREFIX), &number);
    if (id == 0 || length != strlen(PREFIX) + id + 1 + SECRET_SYMBOLS + CHECK_SYMBOLS ||
        text[strlen(PREFIX) + id] != '_')
        return false;
    put_checksum(text, length - CHECK_SYMBOLS, checksum);
    if (strcmp(checksum, text + length - CHECK_SYMBOLS) != 0)
        return false;
    *ret_number = number;
    return true;
}

void proto_token_digest(const char *text, uint8_t ret_digest[PROTO_TOKEN_DIGEST_BYTES])
{
    struct sha256_ctx hash;

    sha256_init(&hash);
    sha256_update(&hash, strlen(text), (const uint8_t *)text);
    sha256_digest(&hash, PROTO_TOKEN_DIGEST_BYTES, ret_digest);
}

bool proto_token_same(const uint8_t a[PROTO_TOKEN_DIGEST_BYTES],
                      const uint8_t b[PROTO_TOKEN_DIGEST_BYTES])
{
    return memeql_sec(a, b, PROTO_TOKEN_DIGEST_BYTES);
}
