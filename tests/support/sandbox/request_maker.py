"""Makes requests from the API's schemas, in a world that has what they name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from nescord_core.discord_api.contract import Operation
from nescord_core.discord_api.schema import Shape, shape_of
from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.world.oauth_scopes import KNOWN_SCOPES, SCOPES
from nescord_core.sandbox.world.unmodelled_state import Grant, Lobby
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings

__all__ = ["Facts", "Maker"]

FORMATTED = {"date-time": "2030-01-01T00:00:00+00:00", "uri": "https://example.org/"}


class Facts:
    url = "ws://127.0.0.1:1/gateway"
    shards = 1
    world_name = "0a1b2c3d"

    def session_start_limit(self) -> dict[str, int]:
        return {"total": 1, "remaining": 1, "reset_after": 1, "max_concurrency": 1}


class Maker:
    """Makes requests at random, but for their ids, which are real ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = world = World(SandboxSettings())
        world.seed()
        for kind in ("forum", "stage", "announcement", "category"):
            world.create_channel(kind, kind=kind)
        general = world.find_channel("general").id
        self.hook = world.model.create_webhook(general, "hook", world.application_id)
        world.voice_join("Lounge", "alice")
        self.message = world.say("general", "alice", "x")["id"]
        world.create_sku("Gold")
        self.subscription = world.buy("alice", "Gold")["subscription"]["id"]
        self.lobby = world.model.snowflake()
        alice = world.find_user("alice").id
        member = {"id": str(alice), "metadata": {}, "flags": 1}
        world.extra_state.lobbies[self.lobby] = Lobby(self.lobby, {}, members={alice: member})
        self.invite = world.model.create_invite(general, alice).code
        self.event = world.model.create_scheduled_event(
            world.guild_ids()[0],
            name="e",
            entity_type=3,
            scheduled_start_time="2030-01-01T00:00:00+00:00",
        )
        vars(self.event)["kept"] = {"recurrence_rule": {"start": "2030-01-01T00:00:00+00:00"}}
        self.request = world.request_to_join("dave")["id"]
        self.grant = Grant(alice, KNOWN_SCOPES, "2100")
        self.channels = [each["id"] for each in world.channels()]
        self.users = [each["id"] for each in world.users()]
        self.roles = [str(each) for each in world.find_guild().roles]

    def call(self, operation: Operation) -> Call:
        args = {
            each.name: self.argument(each.name) for each in operation.parameters if each.location == "path"
        }
        query = {
            each.name: str(self.value(shape_of(each.schema)))
            for each in operation.parameters
            if each.location == "query" and (each.required or self.random.random() < 0.3)
        }
        schema = next(iter(operation.request.values()), None)
        body = None if schema is None else self.value(shape_of(schema))
        user = operation.operation_id in SCOPES and self.random.random() < 0.5
        grant = self.grant if user else None
        return Call(self.world, operation, operation.path, args, query, body, (), None, Facts(), grant)

    def argument(self, name: str) -> str:
        known: dict[str, Sequence[str]] = {
            "guild_id": [str(self.world.guild_ids()[0])],
            "application_id": [str(self.world.application_id)],
            "webhook_id": [str(self.hook.id)],
            "webhook_token": [self.hook.token],
            "message_id": [self.message],
            "channel_id": self.channels,
            "user_id": self.users,
            "role_id": self.roles,
            "emoji_name": ["👍"],
            "lobby_id": [str(self.lobby)],
            "code": [self.invite],
            "guild_scheduled_event_id": [str(self.event.id)],
            "request_id": [self.request],
            "sku_id": [str(next(iter(self.world.model.skus)))],
            "subscription_id": [self.subscription],
        }
        return self.random.choice(known.get(name, ["1"]))

    def value(self, shape: Shape, depth: int = 0) -> Any:
        if shape.branches:
            return self.value(self.random.choice(shape.branches), depth)
        if shape.enum:
            return self.random.choice(shape.enum)
        if shape.rules.get("format") == "snowflake":
            return self.random.choice([*self.channels, *self.users, *self.roles])
        kind = self.random.choice(sorted(shape.kinds) or ["string"])
        return getattr(self, f"make_{kind}")(shape, depth)

    def make_object(self, shape: Shape, depth: int) -> dict[str, Any]:
        chance = 0.25 if depth < 4 else 0.0
        names = [each for each in shape.fields if each in shape.required or self.random.random() < chance]
        return {name: self.value(shape.fields[name], depth + 1) for name in names}

    def make_array(self, shape: Shape, depth: int) -> list[Any]:
        fewest = shape.rules.get("minItems", 0)
        count = self.random.randint(fewest, max(fewest, min(shape.rules.get("maxItems", 2), 2)))
        return [self.value(shape.items, depth + 1) for _ in range(count)]

    def make_integer(self, shape: Shape, _depth: int) -> int:
        lowest, highest = int(shape.rules.get("minimum", 0)), int(shape.rules.get("maximum", 100))
        return self.random.randint(lowest, max(lowest, min(highest, 1 << 31)))

    make_number = make_integer

    def make_boolean(self, _shape: Shape, _depth: int) -> bool:
        return self.random.random() < 0.5

    def make_null(self, _shape: Shape, _depth: int) -> None:
        return None

    def make_string(self, shape: Shape, _depth: int) -> str:
        return FORMATTED.get(shape.rules.get("format", ""), "a" * max(shape.rules.get("minLength") or 1, 1))
