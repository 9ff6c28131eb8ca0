"""sql/NNNN_name.sql ... -> migrations.c: the schema's steps as strings, numbered from 1."""
import json
import pathlib
import sys

target, *sources = sys.argv[1:]
rows = []
for number, source in enumerate(sorted(sources, key=lambda path: pathlib.Path(path).name), start=1):
    path = pathlib.Path(source)
    text = path.read_text(encoding="ascii")
    if not path.name.startswith(f"{number:04d}_"):
        sys.exit(f"{source}: expected a name that starts with {number:04d}_")
    if f"PRAGMA user_version = {number};" not in text:
        sys.exit(f"{source}: must end by setting user_version to {number}")
    lines = "\n".join("        " + json.dumps(line) for line in text.splitlines(keepends=True))
    rows.append("    /* " + path.name + " */\n" + lines + ",")

newline = "\n"
pathlib.Path(target).write_text(
    f"""/* Generated from sql/. */
#include "store_private.h"

const char *const store_migrations[] = {{
{newline.join(rows)}
}};
const int store_migration_count = {len(rows)};
""",
    encoding="ascii",
)
