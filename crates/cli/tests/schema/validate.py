"""Validates what the program printed against docs/json-schema.json, strictly: a member that is not
described is an error here, although users of the schema may meet members of later versions.

Arguments: the schema, and a file with a list of {"verb", "document"}."""

import json
import sys

from jsonschema import Draft202012Validator


def strict(schema):
    """The same schema, in which objects have the members described and no others."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(part) for name, part in schema.items()}
    if "properties" in closed and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


schema = json.load(open(sys.argv[1], encoding="utf-8"))
Draft202012Validator.check_schema(schema)
verbs = strict(schema)["$defs"]["verbs"]
failures = 0
for item in json.load(open(sys.argv[2], encoding="utf-8")):
    verb, document = item["verb"], item["document"]
    failed = "error" in document and verb != "info --watch"
    shape = strict(schema)["$defs"]["error"] if failed else verbs.get(verb)
    if shape is None:
        print(f"{verb}: no schema in $defs/verbs")
        failures += 1
        continue
    # What was promised holds for the open schema too.
    for validator in (
        Draft202012Validator({**shape, "$defs": strict(schema)["$defs"]}),
        Draft202012Validator(schema),
    ):
        for error in validator.iter_errors(document):
            print(f"{verb}: {error.json_path}: {error.message}")
            failures += 1
sys.exit(1 if failures else 0)
