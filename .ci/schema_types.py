"""The Python types of Discord's schemas, for the scripts that generate code from contract.json."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Schema

BODIES = {
    r"Component(ForMessage|ForModal)Request$": "Component",
    r"^ApplicationCommand\w*(?<!Plain)Option$": "CommandOption",
    r"^ApplicationCommandOption\w+Choice$": "CommandOptionChoice",
    r"SelectDefaultValue$": "SelectDefaultValue",
    r"OptionForRequest$": "SelectOption",
    r"^UnfurledMedia": "UnfurledMedia",
    r"^RichEmbed(?P<part>\w*)$": "Embed",
    r"^MessageAllowedMentionsRequest$": "AllowedMentions",
    r"^MessageAttachmentRequest$": "Attachment",
    r"^MessageReferenceRequest$": "MessageReference",
    r"^ChannelPermissionOverwriteRequest$": "Overwrite",
    r"^ComponentEmojiForRequest$": "ComponentEmoji",
    r"^MediaGalleryItemRequest$": "MediaGalleryItem",
    r"^PollEmoji\w*$": "PollEmoji",
    r"^PollMedia\w*$": "PollMedia",
    r"^PollAnswerCreateRequest$": "PollAnswer",
    r"^PollCreateRequest$": "Poll",
    r"^(CreateOr)?UpdateThreadTagRequest$": "ForumTag",
    r"^UpdateDefaultReactionEmojiRequest$": "DefaultReaction",
    r"^ApplicationCommandPermission$": "CommandPermission",
    r"^RoleColors$": "RoleColors",
    r"^BaseCreateMessageCreateRequest$": "ThreadMessage",
    r"^IncomingWebhook\w*Interaction|Autocomplete\w+Data$|^ModalInteractionCallback": "InteractionData",
}
"""Objects in requests that have a type of their own: its name without Body, by pattern of the schemas' names.

Schemas of one type are alternatives, such as the kinds of components: the type has the fields of all.
"""


def body_type(schema_name: str) -> str | None:
    """Return the name of a schema's type, None if it has none."""
    for pattern, name in BODIES.items():
        if match := re.search(pattern, schema_name):
            return f"{name}{match.groupdict().get('part', '')}Body"
    return None


def bodies() -> Mapping[str, list[Schema]]:
    """Return the schemas of each type, for those that requests contain."""
    found: dict[str, dict[str, Schema]] = {}
    for operation in contract.operations().values():
        schema = operation.request.get("application/json")
        for field in properties(schema).values() if schema is not None else ():
            collect(field, found)
    return {name: list(found[name].values()) for name in sorted(found)}


def collect(schema: Schema, found: dict[str, dict[str, Schema]]) -> None:
    """Add the objects within a schema to those ``found`` by type and name."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    body = body_type(name)
    if body is not None:
        if name in found.setdefault(body, {}):
            return
        found[body][name] = resolve(schema)
    schema = resolve(schema)
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
        collect(part, found)
    for field in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
        collect(field, found)


def resolve(schema: Schema) -> Schema:
    while ref := schema.get("$ref"):
        schema = contract.schemas()[ref.rsplit("/", 1)[1]]
    return schema


def types(schema: Schema) -> set[str]:
    """Return the possible annotations of a schema's value."""
    if schema.get("$ref", "").endswith("/SnowflakeType"):
        return {"Id"}
    if body := body_type(schema.get("$ref", "").rsplit("/", 1)[-1]):
        return {body}
    schema = resolve(schema)
    found: set[str] = set()
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= types(part)
    if not found and "allOf" in schema and "type" not in schema:
        found |= types(schema["allOf"][0])
    if "enum" in schema and "type" not in schema:
        found |= {"None" if v is None else type(v).__name__ for v in schema["enum"]}
    kinds = schema.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        found.add(annotation_of(kind, schema))
    return found or {"Any"}


def annotation_of(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"Sequence[{union(types(schema.get('items', {})))}]"
    if kind == "string" and schema.get("contentEncoding") == "binary":
        return "FileLike"
    names = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}
    return names.get(kind, "Json")


def union(names: set[str]) -> str:
    if "Any" in names:
        return "Any"
    if "Id" in names:
        names = names - {"int", "str"}
    if "float" in names:
        names = names - {"int"}
    if any(name.endswith("Body") for name in names):
        names = names | {"HasToDict", "View"}
    return " | ".join(sorted(names - {"None"}) + (["None"] if "None" in names else []))


def properties(schema: Schema) -> dict[str, Schema]:
    """Merge the fields of an object with those of its alternatives and parts."""
    schema = resolve(schema)
    merged: dict[str, Schema] = {}
    for part in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        for name, value in properties(part).items():
            merged[name] = {"oneOf": [merged[name], value]} if name in merged else value
    merged.update(schema.get("properties", {}))
    return merged
