"""Calls nearly every operation of the sandbox's REST API, each after those that it depends on."""

from __future__ import annotations

from support.sandbox.running_rest import Rest
from support.sandbox.walkthrough import applications, channels, guilds, messages, voice_and_events
from support.sandbox.walkthrough.walk import Walk

__all__ = ["walk_through"]

PARTS = (
    applications.own_account,
    messages.messages,
    messages.reactions_and_pins,
    channels.channels,
    channels.threads,
    channels.webhooks,
    guilds.members,
    guilds.roles,
    guilds.settings,
    guilds.features,
    guilds.expressions,
    voice_and_events.sounds_and_voice,
    voice_and_events.events_and_automod,
    applications.commands,
    applications.interactions,
    applications.entitlements,
    channels.invites,
    guilds.leave,
)


async def walk_through(rest: Rest) -> None:
    walk = Walk(rest)
    for part in PARTS:
        await part(walk)
