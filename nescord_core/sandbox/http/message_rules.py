"""Discord's rules beyond its OpenAPI document: embeds, mentions, commands, responses to interactions. Pure.

Each check returns problems in Discord's form, empty if there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["callback_problems", "command_problems", "message_problems", "nested"]

Problems = dict[str, Any]
MESSAGE_LOCATIONS: Mapping[str, str] = {
    "create_message": "",
    "update_message": "",
    "execute_webhook": "",
    "update_webhook_message": "",
    "update_original_webhook_message": "",
    "create_interaction_response": "data",
    "create_thread": "message",
}
"""Operations with a message in their body, and the field that has it ("" for the whole body)."""

MAX_EMBED_CHARACTERS = 6000
"""Characters of all embeds together
(https://discord.com/developers/docs/resources/message#embed-object-embed-limits)."""
VISIBLE_EMBED_FIELDS = frozenset(
    {"author", "description", "fields", "footer", "image", "provider", "thumbnail", "title", "video"}
)
COMPONENTS_V2 = 1 << 15
LEGACY_FIELDS = ("content", "embeds", "poll", "sticker_ids")

COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")
MAX_COMMAND_CHARACTERS = 8000
CHAT_INPUT = 1

CALLBACKS_OF_INTERACTION: Mapping[int, frozenset[int]] = {
    1: frozenset({1}),
    2: frozenset({4, 5, 9, 12}),
    3: frozenset({4, 5, 6, 7, 9, 12}),
    4: frozenset({8}),
    5: frozenset({4, 5, 6, 7, 12}),
}
"""The callback types that each interaction type accepts
(https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object).
"""


def _error(code: str, message: str) -> Problems:
    return {"_errors": [{"code": code, "message": message}]}


def nested(path: Iterable[str], problem: Problems) -> Problems:
    """Return a problem below a path: ``("embeds", "0")`` gives ``{"embeds": {"0": problem}}``."""
    for name in reversed(list(path)):
        problem = {name: problem}
    return problem


def message_problems(operation_id: str, body: Any) -> Problems:
    """Check the message in a body: embeds, mentions, and fields that components v2 exclude."""
    where = MESSAGE_LOCATIONS.get(operation_id)
    if where is None or not isinstance(body, Mapping):
        return {}
    message = body.get(where) if where else body
    if not isinstance(message, Mapping):
        return {}
    problems = {**_embed_problems(message), **_mention_problems(message), **_legacy_problems(message)}
    return nested((where,), problems) if where and problems else problems


def _embed_problems(message: Mapping[str, Any]) -> Problems:
    embeds = [each for each in message.get("embeds") or () if isinstance(each, Mapping)]
    for at, each in enumerate(embeds):
        if not any(each.get(name) for name in VISIBLE_EMBED_FIELDS):
            required = _error("BASE_TYPE_REQUIRED", "This field is required")
            return nested(("embeds", str(at), "description"), required)
    if sum(map(_embed_size, embeds)) > MAX_EMBED_CHARACTERS:
        message_ = f"Embed size exceeds maximum size of {MAX_EMBED_CHARACTERS}"
        return nested(("embeds",), _error("MAX_EMBED_SIZE_EXCEEDED", message_))
    return {}


def _embed_size(embed: Mapping[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for each in embed.get("fields") or ():
        texts += [each.get("name"), each.get("value")]
    return sum(len(each) for each in texts if isinstance(each, str))


def _mention_problems(message: Mapping[str, Any]) -> Problems:
    mentions = message.get("allowed_mentions")
    if not isinstance(mentions, Mapping):
        return {}
    for name in ("users", "roles"):
        if name in (mentions.get("parse") or ()) and mentions.get(name):
            text = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            problem = _error("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", text)
            return nested(("allowed_mentions",), problem)
    return {}


def _legacy_problems(message: Mapping[str, Any]) -> Problems:
    flags = message.get("flags")
    if not isinstance(flags, int) or not flags & COMPONENTS_V2:
        return {}
    code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
    return {
        name: _error(code, f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
        for name in LEGACY_FIELDS
        if message.get(name)
    }


def command_problems(command: Mapping[str, Any]) -> Problems:
    """Check a command: its name, the names and order of its options, its size."""
    problems: Problems = {}
    if (command.get("type") or CHAT_INPUT) == CHAT_INPUT:
        if _is_invalid_name(command.get("name")):
            problems["name"] = _error("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        if found := _option_problems(command.get("options") or ()):
            problems["options"] = found
    if _command_size(command) > MAX_COMMAND_CHARACTERS:
        text = f"Command exceeds maximum size ({MAX_COMMAND_CHARACTERS})"
        problems.update(_error("APPLICATION_COMMAND_TOO_LARGE", text))
    return problems


def _is_invalid_name(name: object) -> bool:
    return isinstance(name, str) and (COMMAND_NAME.fullmatch(name) is None or name != name.lower())


def _option_problems(options: Sequence[Mapping[str, Any]]) -> Problems:
    problems: Problems = {}
    seen: set[object] = set()
    optional = False
    for at, each in enumerate(options):
        name = each.get("name")
        if _is_invalid_name(name):
            invalid_field = _error("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
            problems[str(at)] = {"name": invalid_field}
        elif name in seen:
            text = f"Option name {name!r} already exists"
            problems[str(at)] = {"name": _error("APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", text)}
        elif each.get("required") and optional:
            text = "Required options must be placed before non-required options"
            problems[str(at)] = _error("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        elif found := _option_problems(each.get("options") or ()):
            problems[str(at)] = {"options": found}
        seen.add(name)
        optional = optional or not each.get("required")
    return problems


def _command_size(command: Mapping[str, Any]) -> int:
    """Count the characters of names, descriptions and choices, each in its longest localization."""
    total = 0
    for name in ("name", "description"):
        texts = [command.get(name), *(command.get(f"{name}_localizations") or {}).values()]
        total += max((len(each) for each in texts if isinstance(each, str)), default=0)
    for choice in command.get("choices") or ():
        total += len(str(choice.get("name", ""))) + len(str(choice.get("value", "")))
    return total + sum(_command_size(each) for each in command.get("options") or ())


def callback_problems(interaction_type: int, callback_type: object) -> Problems:
    """Check that an interaction of this type accepts the callback."""
    known = CALLBACKS_OF_INTERACTION.get(interaction_type, frozenset())
    if callback_type in known:
        return {}
    choices = ", ".join(map(str, sorted(known)))
    return nested(("type",), _error("BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}."))
