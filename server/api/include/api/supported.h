/* Which settings this version can serve. */
#ifndef API_SUPPORTED_H
#define API_SUPPORTED_H

#include <proto/wire.h>

/* PROTO_CODE_OK or NOT_SUPPORTED, with the setting and what to do instead. */
enum proto_code api_settings_supported(const struct proto_project *project,
                                       struct proto_error *ret_error);

#endif
