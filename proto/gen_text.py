"""A text file -> C: the contract travels inside the program, so that it always fits the program."""
import sys

source, target = sys.argv[1], sys.argv[2]
data = open(source, "rb").read()


def literal(line):
    """Every byte that is not plain ASCII as three octal digits: never runs into a digit that follows."""
    return "".join(
        f"\\{byte:03o}" if byte < 32 or byte > 126 or byte in b'"\\?' else chr(byte) for byte in line
    )


lines = "\n".join(f'    "{literal(line)}"' for line in data.splitlines(keepends=True))
with open(target, "w", encoding="ascii") as out:
    out.write(
        f"""/* Generated from openapi.yaml. */
#include <proto/openapi.h>

const char proto_openapi_text[] =
{lines};
const size_t proto_openapi_bytes = sizeof(proto_openapi_text) - 1;
"""
    )
