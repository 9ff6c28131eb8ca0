"""errors.json -> error_codes.h or error_codes.c: the registry's C side."""
import json
import sys

source, target = sys.argv[1], sys.argv[2]
errors = json.load(open(source, encoding="utf-8"))
names = [error["name"] for error in errors]
if len(set(names)) != len(names):
    sys.exit(f"{source}: a name stands twice")


def code(name):
    return "PROTO_CODE_" + name.upper()


if target.endswith(".h"):
    members = "\n".join(f"    {code(name)}," for name in names)
    text = f"""/* Generated from errors.json. */
#ifndef PROTO_ERROR_CODES_H
#define PROTO_ERROR_CODES_H

enum proto_code {{
    PROTO_CODE_OK = 0,
{members}
    PROTO_CODE_COUNT
}};

const char *proto_code_name(enum proto_code code);  /* as in `code` of an answer */
int proto_code_status(enum proto_code code);        /* HTTP status */
const char *proto_code_title(enum proto_code code); /* one sentence without its specifics */

#endif
"""
else:
    rows = "\n".join(
        f'    [{code(e["name"])}] = {{{json.dumps(e["name"])}, {e["status"]}, {json.dumps(e["title"])}}},'
        for e in errors
    )
    text = f"""/* Generated from errors.json. */
#include <proto/error_codes.h>

static const struct {{
    const char *name;
    int status;
    const char *title;
}} registry[PROTO_CODE_COUNT] = {{
    [PROTO_CODE_OK] = {{"ok", 200, "No error"}},
{rows}
}};

const char *proto_code_name(enum proto_code code)
{{
    return registry[code].name;
}}

int proto_code_status(enum proto_code code)
{{
    return registry[code].status;
}}

const char *proto_code_title(enum proto_code code)
{{
    return registry[code].title;
}}
"""
with open(target, "w", encoding="utf-8") as out:
    out.write(text)
