"""The state that the parts of the walkthrough share."""

from __future__ import annotations

import aiohttp

from support.sandbox.running_rest import Rest


def form(payload: str | None, *files: tuple[str, str, bytes], **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    if payload is not None:
        data.add_field("payload_json", payload, content_type="application/json")
    for name, value in fields.items():
        data.add_field(name, value)
    for name, filename, content in files:
        data.add_field(name, content, filename=filename, content_type="image/png")
    return data


class Walk:
    """The state of one walkthrough; each part uses objects that earlier parts created."""

    message: int
    buttons: int
    dm: int

    def __init__(self, rest: Rest) -> None:
        self.rest = rest
        self.ok = rest.ok
        world = rest.world
        self.world = world
        self.app = world.application_id
        self.guild = world.guild_ids()[0]
        self.channel = world.find_channel("general").id
        self.voice = world.find_channel("Lounge").id
        self.alice = world.find_user("alice").id
        self.bob = world.find_user("bob").id
