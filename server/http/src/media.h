/* What a Content-Type says about a request's body. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

enum http_media {
    HTTP_MEDIA_OTHER, /* nothing we read, or no header at all */
    HTTP_MEDIA_JSON,
    HTTP_MEDIA_TENSORS,
    HTTP_MEDIA_OCTETS, /* tensors if the body begins like them; an archive where one is expected */
    HTTP_MEDIA_TAR
};

#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_PROBLEM "application/problem+json"
#define HTTP_TYPE_TENSORS "application/vnd.safetensors"
#define HTTP_TYPE_OCTETS "application/octet-stream"
#define HTTP_TYPE_EVENTS "text/event-stream"
#define HTTP_TYPE_TAR "application/x-tar"

/* content_type: the header's value or NULL. */
enum http_media http_media_parse(const char *content_type);

#endif
