/* Tokens: fields and ranges. */
#include <stdio.h>
#include <string.h>

#include "tables.h"

const char *const proto_role_names[] = {"admin", "operator", "robot", "reader", NULL};
const char *const proto_token_state_names[] = {"live", "expired", NULL};

void proto_roles_write(unsigned roles, const char *between, char *ret_text, size_t size)
{
    *ret_text = '\0';
    for (int role = 0; proto_role_names[role]; role++) {
        size_t used = strlen(ret_text);

        if (roles & 1u << role)
            snprintf(ret_text + used, size - used, "%s%s", used ? between : "",
                     proto_role_names[role]);
    }
}

#define MAX_EXPIRES_IN_S 315576000 /* ten years */

#define AT(member) offsetof(struct proto_token, member)
static const struct proto_field token_fields[] = {
    {"id", PROTO_STRING, AT(id), PROTO_READ_ONLY},
    {"name", PROTO_STRING, AT(name), PROTO_REQUIRED | PROTO_KEY},
    {"role", PROTO_ENUM, AT(role), PROTO_REQUIRED, .names = proto_role_names},
    {"project", PROTO_STRING, AT(project), PROTO_NULLABLE | PROTO_KEY},
    {"created_at", PROTO_STRING, AT(created_at), PROTO_READ_ONLY | PROTO_NULLABLE},
    {"expires_at", PROTO_STRING, AT(expires_at), PROTO_NULLABLE, .max_length = 40},
    {"expires_in_s", PROTO_INT, AT(expires_in_s), PROTO_WRITE_ONLY | PROTO_NULLABLE, .min = 1,
     .max = MAX_EXPIRES_IN_S},
    {"state", PROTO_ENUM, AT(state), PROTO_READ_ONLY, .names = proto_token_state_names},
    {"token", PROTO_STRING, AT(token), PROTO_READ_ONLY | PROTO_NULLABLE | PROTO_OMIT_NULL},
};
#undef AT

static enum proto_code check_token(const void *object, struct proto_error *ret_error)
{
    const struct proto_token *token = object;

    if (token->expires_at && token->expires_in_s != PROTO_INT_NULL)
        return proto_error_set(ret_error, PROTO_CODE_INVALID_FIELD, "/expires_in_s",
                               "expires_at and expires_in_s exclude each other.");
    return PROTO_CODE_OK;
}

const struct proto_shape proto_token_shape = {.name = "Token",
                                              .size = sizeof(struct proto_token),
                                              PROTO_FIELDS(token_fields),
                                              .set_defaults = proto_token_defaults,
                                              .check = check_token};

void proto_token_defaults(void *ret_token)
{
    *(struct proto_token *)ret_token = (struct proto_token){.expires_in_s = PROTO_INT_NULL};
}

static const struct proto_field token_list_fields[] = {
    {"tokens", PROTO_LIST, offsetof(struct proto_token_list, tokens), .max_length = PROTO_MAX_LIST,
     .shape = &proto_token_shape},
    {"next_cursor", PROTO_STRING, offsetof(struct proto_token_list, next_cursor), PROTO_NULLABLE},
};

const struct proto_shape proto_token_list_shape = {
    .name = "TokenList", .size = sizeof(struct proto_token_list), PROTO_FIELDS(token_list_fields)};
