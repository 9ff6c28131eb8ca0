/* Content-Type of requests. JSON is UTF-8 by definition; a charset that says so is allowed, any
 * other parameter could change the meaning of the body and is not. */
#include "media.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SPACE " \t"

/* What follows the type: nothing, or the one harmless parameter. */
static bool is_utf8_parameter(const char *text)
{
    static const char *const spellings[] = {"charset=utf-8", "charset=\"utf-8\""};

    text += strspn(text, SPACE);
    if (*text == '\0')
        return true;
    if (*text != ';')
        return false;
    text += 1 + strspn(text + 1, SPACE);
    for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
        size_t length = strlen(spellings[i]);
        if (strncasecmp(text, spellings[i], length) == 0 &&
            text[length + strspn(text + length, SPACE)] == '\0')
            return true;
    }
    return false;
}

enum http_media http_media_parse(const char *content_type)
{
    if (!content_type)
        return HTTP_MEDIA_OTHER;
    if (strcasecmp(content_type, HTTP_TYPE_TENSORS) == 0)
        return HTTP_MEDIA_TENSORS;
    if (strcasecmp(content_type, HTTP_TYPE_OCTETS) == 0)
        return HTTP_MEDIA_OCTETS;
    if (strcasecmp(content_type, HTTP_TYPE_TAR) == 0)
        return HTTP_MEDIA_TAR;
    if (strncasecmp(content_type, HTTP_TYPE_JSON, strlen(HTTP_TYPE_JSON)) == 0 &&
        is_utf8_parameter(content_type + strlen(HTTP_TYPE_JSON)))
        return HTTP_MEDIA_JSON;
    return HTTP_MEDIA_OTHER;
}
