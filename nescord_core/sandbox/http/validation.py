"""Checks requests against the OpenAPI document; problems are nested ``errors`` of code 50035. Pure.

Tolerant where Discord is: of numbers as snowflakes, of digits as integers, of unknown fields.
https://discord.com/developers/docs/reference#error-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nescord_core.discord_api.contract import Operation, Parameter
from nescord_core.discord_api.schema import Shape, kind_of, shape_of

__all__ = ["body_shape", "check_body", "check_path", "check_query", "convert_scalars", "invalid_form"]

Problems = dict[str, Any]
BOT_CONTENT_LIMIT = 2000
"""The document allows 4000 characters, which only users with Nitro have."""

DIGITS = re.compile(r"-?\d+")
MAX_SNOWFLAKE = (1 << 64) - 1
BOOLEAN_WORDS = {"true": True, "false": False}


def invalid_form(problems: Problems) -> dict[str, Any]:
    """Return the body of a 400 with these problems."""
    return {"message": "Invalid Form Body", "code": 50035, "errors": problems}


def check_path(operation: Operation, args: Mapping[str, str]) -> Problems:
    """Check the ids in the path."""
    problems: Problems = {}
    for each in operation.parameters:
        shape = shape_of(each.schema)
        if each.location == "path" and shape.rules.get("format") == "snowflake":
            _add(problems, each.name, _scalar_problems(args.get(each.name, ""), shape))
    return problems


def check_query(operation: Operation, query: Mapping[str, str]) -> Problems:
    """Check query parameters, whose values are text."""
    problems: Problems = {}
    for each in operation.parameters:
        if each.location != "query":
            continue
        if each.name in query:
            _add(problems, each.name, _parameter_problems(each, query[each.name]))
        elif each.required:
            _add(problems, each.name, _problem("BASE_TYPE_REQUIRED", "This field is required"))
    return problems


def body_shape(operation: Operation) -> Shape | None:
    """Return the shape of an operation's body, None for an operation without one."""
    schema = operation.request.get("application/json") or operation.request.get("multipart/form-data")
    return None if schema is None else shape_of(schema)


def convert_scalars(operation: Operation, body: Any) -> Any:
    """Return the body with its scalars as the document has them, as Discord reads them.

    "true" and "false" are booleans in a boolean field (discord.py sends ``compute_prune_count`` so); a number
    is text in a string field, and digits are a number in an integer field.
    """
    shape = body_shape(operation)
    return body if shape is None else _converted(body, shape)


def _converted(value: Any, shape: Shape | None) -> Any:
    if shape is None:
        return value
    if isinstance(value, (dict, list)) and shape.branches:
        return _converted(value, next(iter(shape.branches_for(value)), None))
    if isinstance(value, dict):
        return {name: _converted(each, shape.fields.get(name, shape.extra)) for name, each in value.items()}
    if isinstance(value, list):
        return [_converted(each, shape.items) for each in value]
    if isinstance(value, str) and value.lower() in BOOLEAN_WORDS and _is_only(shape, "boolean"):
        return BOOLEAN_WORDS[value.lower()]
    if isinstance(value, str) and _is_only(shape, "integer") and (number := _as_int(value)) is not None:
        return number
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _is_only(shape, "string"):
        return str(value)
    return value


def _is_only(shape: Shape, kind: str) -> bool:
    """Return whether the shape takes this kind and no other but null; ids stay what they are."""
    if shape.branches:
        return all(_is_only(each, kind) or each.kinds == {"null"} for each in shape.branches)
    return kind in shape.kinds and shape.kinds <= {kind, "null"} and shape.rules.get("format") != "snowflake"


def check_body(operation: Operation, body: Any, file_fields: Sequence[str] = ()) -> Problems:
    """Check a decoded body; ``file_fields`` are the fields of a form that hold files."""
    shape = body_shape(operation)
    if shape is None:
        return {}
    given = {} if body is None and "object" in shape.kinds else body
    if file_fields and isinstance(given, dict):
        given = {**given, **dict.fromkeys(file_fields, "file")}
    return _problems(given, shape, "")


def _parameter_problems(parameter: Parameter, text: str) -> Problems:
    shape = shape_of(parameter.schema)
    inner = shape.branch_for(text) if shape.branches else shape
    if inner is None or "array" in inner.kinds:
        return {}
    if "boolean" in inner.kinds and text.lower() in ("true", "false", "1", "0"):
        return {}
    return _scalar_problems(text, inner)


def _problems(value: Any, shape: Shape, name: str) -> Problems:
    if value is None:
        return {} if shape.nullable else _problem("BASE_TYPE_REQUIRED", "This field is required")
    if shape.branches:
        return _union_problems(value, shape, name)
    if "object" in shape.kinds:
        return _object_problems(value, shape)
    if "array" in shape.kinds:
        return _array_problems(value, shape)
    return _scalar_problems(value, shape, name)


def _union_problems(value: Any, shape: Shape, name: str) -> Problems:
    # Branches may differ only deep inside (a command's choices): one that fits is enough.
    found = [_problems(value, each, name) for each in shape.branches_for(value)]
    if found:
        return {} if {} in found else found[0]
    kinds = [each for each in shape.branches if "null" not in each.kinds or len(each.kinds) > 1]
    if len(kinds) == 1:
        return _problems(value, kinds[0], name)
    scalars = [each for each in kinds if not each.kinds & {"object", "array"}]
    if scalars and any(not _scalar_problems(value, each, name) for each in scalars):
        return {}
    types = sorted({str(each.fields["type"].enum[0]) for each in kinds if _is_tagged(each)})
    if types and isinstance(value, dict):
        choices = f"Value must be one of {{{', '.join(types)}}}."
        return {"type": _problem("UNION_TYPE_CHOICES", choices)}
    return _problem("UNION_TYPE_CHOICES", "Could not interpret this value.")


def _is_tagged(shape: Shape) -> bool:
    return "type" in shape.fields and bool(shape.fields["type"].enum)


def _object_problems(value: Any, shape: Shape) -> Problems:
    if not isinstance(value, dict):
        return _problem("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    problems: Problems = {}
    for name in shape.required:
        if name not in value:
            _add(problems, name, _problem("BASE_TYPE_REQUIRED", "This field is required"))
    extra = shape.extra
    for name, given in value.items():
        field = shape.fields.get(name, extra)
        if field is not None:
            _add(problems, name, _problems(given, field, name))
    return problems


def _array_problems(value: Any, shape: Shape) -> Problems:
    if not isinstance(value, list):
        return _problem("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    if found := _length_problems(len(value), shape.rules.get("minItems"), shape.rules.get("maxItems")):
        return found
    problems: Problems = {}
    for index, each in enumerate(value):
        _add(problems, str(index), _problems(each, shape.items, ""))
        if shape.rules.get("uniqueItems") and each in value[:index]:
            again = _problem("SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value.")
            _add(problems, str(index), again)
    return problems


def _scalar_problems(value: Any, shape: Shape, name: str = "") -> Problems:
    kinds = shape.kinds or {kind_of(value)}
    if shape.rules.get("format") == "snowflake":
        return _snowflake_problems(value)
    if "string" in kinds:
        found = _string_problems(value, shape, name)
    elif "integer" in kinds or "number" in kinds:
        found = _number_problems(value, shape, whole="integer" in kinds)
    elif "boolean" in kinds and not isinstance(value, bool):
        found = _problem("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    else:
        found = {}
    return found or _enum_problems(value, shape)


def _enum_problems(value: Any, shape: Shape) -> Problems:
    if not shape.enum or value in shape.enum or _as_int(value) in shape.enum:
        return {}
    return _problem("BASE_TYPE_CHOICES", f"Value must be one of {{{', '.join(map(repr, shape.enum))}}}.")


def _snowflake_problems(value: Any) -> Problems:
    number = _as_int(value)
    if number is None or not 0 <= number <= MAX_SNOWFLAKE:
        return _problem("NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return {}


def _string_problems(value: Any, shape: Shape, name: str) -> Problems:
    if isinstance(value, (dict, list, bool)):
        return _problem("STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
    text = str(value)
    longest = BOT_CONTENT_LIMIT if name == "content" else shape.rules.get("maxLength")
    if found := _length_problems(len(text), shape.rules.get("minLength"), longest):
        return found
    check = FORMATS.get(shape.rules.get("format", ""))
    return {} if check is None else check(text)


def _date_problems(text: str) -> Problems:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return _problem("DATE_TIME_TYPE_PARSE", f"Could not parse {text}. Should be ISO8601.")
    return {}


def _uri_problems(text: str) -> Problems:
    if "://" in text or not text:
        return {}
    return _problem("URL_TYPE_INVALID_URL", "Not a well formed URL.")


FORMATS: Mapping[str, Callable[[str], Problems]] = {"date-time": _date_problems, "uri": _uri_problems}


def _number_problems(value: Any, shape: Shape, *, whole: bool) -> Problems:
    name = "int" if whole else "float"
    number = _as_int(value) if whole else _as_float(value)
    if number is None:
        return _problem("NUMBER_TYPE_COERCE", f'Value "{value}" is not {name}.')
    lowest, highest = shape.rules.get("minimum"), shape.rules.get("maximum")
    if highest is not None and number > highest:
        return _problem("NUMBER_TYPE_MAX", f"{name} value should be less than or equal to {highest}.")
    if lowest is not None and number < lowest:
        return _problem("NUMBER_TYPE_MIN", f"{name} value should be greater than or equal to {lowest}.")
    return {}


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and DIGITS.fullmatch(value) and len(value) < 25 else None


def _as_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _length_problems(length: int, lowest: int | None, highest: int | None) -> Problems:
    if (highest is None or length <= highest) and (not lowest or length >= lowest):
        return {}
    if lowest and highest is not None:
        return _problem("BASE_TYPE_BAD_LENGTH", f"Must be between {lowest} and {highest} in length.")
    if highest is not None:
        return _problem("BASE_TYPE_MAX_LENGTH", f"Must be {highest} or fewer in length.")
    return _problem("BASE_TYPE_MIN_LENGTH", f"Must be {lowest} or more in length.")


def _problem(code: str, message: str) -> Problems:
    found: Sequence[Mapping[str, str]] = [{"code": code, "message": message}]
    return {"_errors": found}


def _add(problems: Problems, name: str, found: Problems) -> None:
    if found:
        problems[name] = found
