/* Accept and Content-Type. */
#include <src/accept.h>
#include <src/limits.h>
#include <src/media.h>

#include <string.h>

#include "suite.h"

static const struct api_route both = {.other_type = "text/plain"};
static const struct api_route only_json = {0};
static const struct api_route only_yaml = {.other_type = "application/yaml", .other_only = true};

/* 'j' JSON, 'o' the other form, '-' not acceptable. */
static char choose(const struct api_route *route, const char *accept)
{
    struct proto_error error;
    enum http_form form;

    if (http_accept_choose(accept, route, &form, &error) != PROTO_CODE_OK)
        return '-';
    return form == HTTP_FORM_JSON ? 'j' : 'o';
}

START_TEST(json_unless_something_else_is_wanted)
{
    static const struct {
        const char *accept;
        char form;
    } rows[] = {
        {"", 'j'},
        {"*/*", 'j'},
        {"application/json", 'j'},
        {"application/*", 'j'},
        {"text/plain", 'o'},
        {"Text/Plain;q=1", 'o'},
        {"text/*", 'o'},
        {"text/plain, */*", 'j'},
        {"text/plain, */*;q=0.5", 'o'},
        {"application/json;q=0.2, text/plain;q=0.3", 'o'},
        {"application/json;q=0, */*", 'o'},
        {"application/json;q=0", '-'},
        {"text/plain;q=0.0", '-'},
        {"image/png", '-'},
        {"application/jsonx", '-'},
        {"text/html,application/xhtml+xml,*/*;q=0.8", 'j'},
        {" text/plain ; charset=utf-8 ; q=0.9 , application/json;q=0.1", 'o'},
        {",", '-'},
        {";", '-'},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        ck_assert_msg(choose(&both, rows[i].accept) == rows[i].form, "%s gave %c", rows[i].accept,
                      choose(&both, rows[i].accept));
}
END_TEST

START_TEST(a_route_offers_only_what_it_has)
{
    ck_assert_int_eq(choose(&only_json, "text/plain"), '-');
    ck_assert_int_eq(choose(&only_json, "*/*"), 'j');
    ck_assert_int_eq(choose(&only_yaml, ""), 'o');
    ck_assert_int_eq(choose(&only_yaml, "application/json"), '-');
    ck_assert_int_eq(choose(&only_yaml, "application/*"), 'o');
}
END_TEST

START_TEST(content_types)
{
    static const struct {
        const char *type;
        enum http_media media;
    } rows[] = {
        {NULL, HTTP_MEDIA_OTHER},
        {"", HTTP_MEDIA_OTHER},
        {"application/json", HTTP_MEDIA_JSON},
        {"Application/JSON; Charset=UTF-8", HTTP_MEDIA_JSON},
        {"application/json;charset=\"utf-8\" ", HTTP_MEDIA_JSON},
        {"application/json; charset=utf-16", HTTP_MEDIA_OTHER},
        {"application/json; charset=utf-8; a=b", HTTP_MEDIA_OTHER},
        {"application/json;", HTTP_MEDIA_OTHER},
        {"application/jsonX", HTTP_MEDIA_OTHER},
        {"application/problem+json", HTTP_MEDIA_OTHER},
        {"application/x-www-form-urlencoded", HTTP_MEDIA_OTHER},
        {"application/vnd.safetensors", HTTP_MEDIA_TENSORS},
        {"application/octet-stream", HTTP_MEDIA_OCTETS},
        {"application/octet-streams", HTTP_MEDIA_OTHER},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        ck_assert_msg(http_media_parse(rows[i].type) == rows[i].media, "%s", rows[i].type);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        json_unless_something_else_is_wanted,
        a_route_offers_only_what_it_has,
        content_types,
    };

    return SUITE_RUN("negotiation", tests);
}
