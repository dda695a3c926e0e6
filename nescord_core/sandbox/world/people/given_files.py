"""Files that people give to commands and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.people.members import MAX_FILE, as_action_error
from nescord_core.sandbox.world.simcord.model import validate_option_value

__all__ = ["ATTACHMENT_OPTION", "given_file"]

ATTACHMENT_OPTION = 11
File = tuple[str, bytes]


def given_file(where: str, declared: Mapping[str, Any], value: Any) -> File:
    """Return the (name, bytes) of a file that is given as a pair, in JSON with the bytes as base64.

    ``declared`` is the command's option or the form's field, whose ``file_types`` the file must have.
    """
    try:
        name, data = msgspec.convert(value, File)
    except msgspec.ValidationError:
        raise ActionError(f'{where} takes a file: a pair of name and base64, ["a.txt", "aGk="].') from None
    if len(data) > MAX_FILE:
        raise ActionError(f"{where} takes a file of at most {MAX_FILE >> 20} MiB.", status=413, code=40005)
    rule = {"name": where, "type": ATTACHMENT_OPTION, "file_types": declared.get("file_types")}
    with as_action_error():
        validate_option_value(where, rule, (name, data))
    return name, data
