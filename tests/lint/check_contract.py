#!/usr/bin/env python3
"""proto/openapi.yaml says what the code does: routes, error codes, fields, ranges.

    check_contract.py DUMP_SHAPES DUMP_ROUTES

The programs print the field tables of proto/ (dump_shapes.c) and the route table (dump_routes.c). Answers of a running daemon are
held against the schemas by tests/api/contract.
"""
import json
import re
import subprocess
import sys

import yaml

import source
from tap import Tap

ROUTES = source.ROOT / "server/api/src/routes.c"
METHODS = ("get", "put", "post", "patch", "delete")
ROUTE = re.compile(r'\.method = "([A-Z]+)",\s*\.template = "([^"]+)"')
DEFINITION = re.compile(r'^#define (\w+) (".*")$', re.M)
# The schemas of what is sent, where they differ from what is answered.
REQUEST_SCHEMAS = {
    "Project": ["NewProject", "ProjectPatch"], "Task": ["TaskSettings"], "Demonstration": ["NewDemonstration"],
    "Ask": ["Ask"], "Complete": ["Complete"], "Retraction": ["Retraction"], "Token": ["NewToken"], "Revision": ["NewRevision"],
    "Policy": ["Policy"], "Graph": ["Graph"], "Kernel": ["Kernel"], "Criterion": ["Criterion"], "Selection": ["Selection"],
    "Renew": ["Renew"], "Skip": ["Skip"], "End": ["End"],
}
REQUEST_ONLY = {"Ask", "Complete", "Retraction", "Policy", "Graph", "Kernel", "Criterion", "Selection",
                "Renew", "Skip", "End"}
# In the path already, so a request's body may leave it out.
FROM_PATH = {("ProjectPatch", "id"), ("TaskSettings", "key"), ("NewRevision", "revision")}


class Contract:
    def __init__(self):
        self.text = (source.ROOT / "proto/openapi.yaml").read_text()
        self.document = yaml.safe_load(self.text)
        self.schemas = self.document["components"]["schemas"]

    def operations(self):
        for template, path in self.document["paths"].items():
            for method in path:
                if method in METHODS:
                    yield (method.upper(), template), path[method]

    def resolve(self, schema):
        """A schema with its $ref followed; what stands beside the $ref is kept."""
        while "$ref" in schema:
            target = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = {**{key: value for key, value in schema.items() if key != "$ref"}, **target}
        return schema


def code_routes():
    """(method, template) -> its row in the table, in the table's order."""
    text = source.bare_comments(ROUTES.read_text())
    for name, value in DEFINITION.findall(text):
        text = re.sub(rf"\b{name}\b", lambda _: value, text)
    text = re.sub(r'"\s*"', "", text)
    matches = list(ROUTE.finditer(text))
    ends = [match.start() for match in matches[1:]] + [len(text)]
    return {match.groups(): text[match.start() : end] for match, end in zip(matches, ends)}


def check_routes(tap, contract):
    routes, said = code_routes(), dict(contract.operations())
    tap.check_none([" ".join(route) for route in routes if route not in said], "every route of the table is documented")
    tap.check_none([" ".join(route) for route in said if route not in routes], "every documented route is in the table")
    wrong = [
        " ".join(route) for route, operation in said.items()
        if route in routes and ("API_PUBLIC" in routes[route]) != (operation.get("security") == [])
    ]
    tap.check_none(wrong, "public routes are the same in both")
    wrong = [
        " ".join(route) for route, operation in said.items()
        if route[0] == "POST" and {"$ref": "#/components/parameters/idempotencyKey"} not in operation.get("parameters", [])
    ]
    tap.check_none(wrong, "every POST takes an Idempotency-Key")
    bodies = {route: operation.get("requestBody") for route, operation in said.items() if route in routes}
    wrong = [" ".join(route) for route, body in bodies.items() if bool(body) != (".body =" in routes[route])]
    tap.check_none(wrong, "the same routes take a body")
    wrong = [" ".join(route) for route, body in bodies.items()
             if body and body["required"] == (".body_optional = true" in routes[route])]
    tap.check_none(wrong, "and may leave it out")


def check_roles(tap, contract, program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    table = {(route["method"], route["template"]): route for route in map(json.loads, lines)}
    tap.check(set(table) == set(code_routes()), "the program prints the table that is read here")
    said = {route: operation.get("x-roles") for route, operation in contract.operations()}
    wrong = [
        f"{' '.join(route)}: x-roles {said.get(route)}, the table has {row['roles']}" for route, row in table.items()
        if said.get(route) != (None if row["public"] else row["roles"])
    ]
    tap.check_none(wrong, "x-roles are the table's roles")


def check_errors(tap, contract):
    registry = json.loads((source.ROOT / "proto/errors.json").read_text())
    names = [error["name"] for error in registry]
    codes = contract.schemas["Problem"]["properties"]["code"]["enum"]
    tap.check(codes == names, "error codes are those of errors.json, in its order", sorted(set(codes) ^ set(names)))
    statuses = {str(error["status"]) for error in registry}
    wrong = [
        f"{' '.join(route)}: {status}" for route, operation in contract.operations()
        for status in operation["responses"] if status[0] in "45" and status not in statuses
    ]
    tap.check_none(wrong, "documented error statuses exist")


def read_shapes(program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    shapes = {}
    for line in lines:
        shape = json.loads(line)
        shapes[shape["shape"]] = shape["fields"]
    return shapes


def number_schema(contract, schema):
    """The schema that holds the range of a number, wherever it is nested: in a list, a matrix or a choice."""
    schema = contract.resolve(schema)
    for key in ("oneOf", "anyOf"):
        for choice in schema.get(key, ()):
            found = number_schema(contract, choice)
            if found:
                return found
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "number" in kinds or "integer" in kinds:
        return schema
    return number_schema(contract, schema["items"]) if "items" in schema else None


def enum_of(contract, schema):
    schema = contract.resolve(schema)
    return schema.get("enum")


def takes_null(contract, schema):
    schema = contract.resolve(schema)
    kinds = schema.get("type", ())
    return "null" in ([kinds] if isinstance(kinds, str) else kinds) or any(
        takes_null(contract, choice) for choice in schema.get("oneOf", ()))


def wrong_values(contract, field, schema):
    """What the schema of a request's field says otherwise than the table."""
    if field["type"] == "enum" and enum_of(contract, schema) != field["names"]:
        yield f"values {enum_of(contract, schema)}, the table has {field['names']}"
    if field["nullable"] != takes_null(contract, schema):
        yield f"null is {'' if field['nullable'] else 'not '}a value in the table"
    if "min" in field:
        numbers = number_schema(contract, schema) or {}
        top = "exclusiveMaximum" if field["below_max"] else "maximum"
        said = (numbers.get("minimum"), numbers.get(top))
        if said != (field["min"], field["max"]):
            yield f"range {said}, the table has {field['min'], field['max']}"
    if field["type"] == "string" and field["max_length"]:
        if contract.resolve(schema).get("maxLength") != field["max_length"]:
            yield f"maxLength is {field['max_length']} in the table"


def wrong_request(contract, name, fields):
    schema = contract.schemas[name]
    said = schema["properties"]
    if schema.get("additionalProperties") is not False:
        yield "takes unknown fields"
    writable = {field["name"]: field for field in fields if not field["read_only"]}
    for extra in set(said) ^ set(writable):
        yield f"{extra}: in one of schema and table only"
    required = {field["name"] for field in writable.values() if field["required"] and (name, field["name"]) not in FROM_PATH}
    if required != set(schema.get("required", ())):
        yield f"required {schema.get('required')}, the table has {sorted(required)}"
    for key in set(said) & set(writable):
        for why in wrong_values(contract, writable[key], said[key]):
            yield f"{key}: {why}"


def wrong_answer(contract, name, fields):
    schema = contract.schemas[name]
    written = {field["name"] for field in fields if not field["write_only"]}
    if schema.get("additionalProperties") is not False:
        yield "may hold unknown fields"
    for extra in set(schema["properties"]) ^ written:
        yield f"{extra}: in one of schema and table only"
    always = {field["name"] for field in fields if not field["write_only"] and not field["omit_null"]}
    for missing in always - set(schema.get("required", ())):
        yield f"{missing}: always written, not required"


def check_shapes(tap, contract, shapes):
    tap.check(len(shapes) > 20, "the tables are found", sorted(shapes))
    tap.check_none([name for name in shapes if name not in contract.schemas], "every message has a schema of its name")
    for name, fields in sorted(shapes.items()):
        for request in REQUEST_SCHEMAS.get(name, ()):
            found = [f"{request}: {why}" for why in wrong_request(contract, request, fields)]
            tap.check_none(found, f"{request} takes what the table takes")
        if name not in REQUEST_ONLY and name in contract.schemas:
            found = [f"{name}: {why}" for why in wrong_answer(contract, name, fields)]
            tap.check_none(found, f"{name} has the table's fields")


def main():
    tap, contract = Tap(), Contract()
    check_routes(tap, contract)
    check_roles(tap, contract, sys.argv[2])
    check_errors(tap, contract)
    check_shapes(tap, contract, read_shapes(sys.argv[1]))
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
