"""Promises: what clients may count on in a description of the service, which only grows."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def find_lost_promises(before: Json, after: Json) -> list[str]:
    """Return what clients of one OpenAPI description would lose with another.

    A removed route, status, field, parameter or enumerated value; a changed type; an input that
    becomes required. Sentences, examples and bounds may change.
    """
    return [*_lost_in_routes(before, after), *_lost_in_schemas(before, after)]


def _lost_in_routes(before: Json, after: Json) -> Iterator[str]:
    operations = dict(_operations(after))
    for name, operation in _operations(before):
        if name in operations:
            yield from _lost_in_operation(name, operation, operations[name])
        else:
            yield f"{name} is gone"


def _operations(description: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _lost_in_operation(name: str, before: Json, after: Json) -> Iterator[str]:
    yield from _gone(f"{name}, status", before["responses"], after["responses"])
    known, now = _parameters(before), _parameters(after)
    yield from _gone(f"{name}, parameter", known, now)
    for parameter, described in now.items():
        if described["required"] and not known.get(parameter, {}).get("required"):
            yield f"{name}, parameter {parameter} is required now"
        if parameter in known and _shape(known[parameter]["schema"]) != _shape(described["schema"]):
            yield f"{name}, parameter {parameter} has another type"


def _parameters(operation: Json) -> dict[str, Json]:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", [])}


def _lost_in_schemas(before: Json, after: Json) -> Iterator[str]:
    known, now = before["components"]["schemas"], after["components"]["schemas"]
    yield from _gone("schema", known, now)
    # An object that was free, and is described by a new schema, is an object still.
    described = {f"#/components/schemas/{name}" for name in now.keys() - known.keys()}
    for name in known.keys() & now.keys():
        yield from _lost_in_schema(name, known[name], now[name], described)


def _lost_in_schema(
    name: str, before: Json, after: Json, described: Collection[str]
) -> Iterator[str]:
    fields, now = before.get("properties", {}), after.get("properties", {})
    yield from _gone(f"{name}, field", fields, now)
    yield from _gone(f"{name}, value", before.get("enum", []), after.get("enum", []))
    for field in fields.keys() & now.keys():
        if _shape(fields[field]) != _shape(now[field], described):
            yield f"{name}, field {field} has another type"
    # Names of inputs end so; of an answer, a field that is always there asks nothing of clients.
    for field in set(after.get("required", [])) - set(before.get("required", [])):
        if name.endswith(("Request", "Item")):
            yield f"{name}, field {field} is required now"


def _gone(what: str, before: Any, after: Any) -> Iterator[str]:
    yield from (f"{what} {name} is gone" for name in before if name not in after)


def _shape(schema: Json, described: Collection[str] = ()) -> Any:
    """Return the type of a schema, without its sentences and bounds."""
    if "anyOf" in schema:
        return sorted(str(_shape(option, described)) for option in schema["anyOf"])
    if "items" in schema:
        return ["array", _shape(schema["items"], described)]
    reference = schema.get("$ref")
    return "object" if reference in described else reference or schema.get("type")
