"""Creates a world from a seed, with the same ids every time."""

from __future__ import annotations

from nescord_core.sandbox.seeds.reading import color_of, permissions_of
from nescord_core.sandbox.seeds.schema import BOT, PEOPLE, Seed, SeedChannel, SeedGuild, SeedMember
from nescord_core.sandbox.world.people.owners import CHANNEL_KINDS, SEED_MS
from nescord_core.sandbox.world.world import World

__all__ = ["plant"]


def plant(world: World, seed: Seed) -> None:
    """Create the seed's users and guilds in an empty world; announces nothing."""
    model = world.model
    details = {each.name: each for each in seed.users}
    with model.planned_ids((SEED_MS << 22) + 1):
        users = {BOT: model.application_id}
        for name in dict.fromkeys((*PEOPLE, *details)):
            given = details.get(name)
            made = model.make_user(
                name, global_name=given and given.global_name, bot=bool(given and given.bot)
            )
            users[name] = made.id
    for number, guild in enumerate(seed.guilds):
        first = (SEED_MS + 1 + number) << 22
        with model.planned_ids(first + 1), model.without_events():
            _plant_guild(world, guild, first, users)


def _plant_guild(world: World, seed: SeedGuild, guild_id: int, users: dict[str, int]) -> None:
    model = world.model
    guild = model.create_guild(seed.name, id=guild_id, owner_id=users[seed.owner])
    guild.description = seed.description
    world.allow_bot(guild)
    roles = {
        each.name: model.create_role(
            guild.id,
            each.name,
            permissions=permissions_of(each),
            color=color_of(each),
            hoist=each.hoist,
            mentionable=each.mentionable,
        ).id
        for each in seed.roles
    }
    for each in seed.members:
        member = each if isinstance(each, SeedMember) else SeedMember(each)
        user_id = users[member.user]
        if user_id not in guild.members:
            model.add_member(guild.id, user_id)
        guild.members[user_id].nick = member.nick
        for role in member.roles:
            model.add_member_role(guild.id, user_id, roles[role])
    channels: dict[str, int] = {}
    for channel in seed.channels:
        channels[channel.name] = _plant_channel(world, guild_id, channel, channels, users)


def _plant_channel(
    world: World, guild_id: int, seed: SeedChannel, channels: dict[str, int], users: dict[str, int]
) -> int:
    model = world.model
    channel = model.create_channel(
        guild_id,
        seed.name,
        type=CHANNEL_KINDS[seed.kind],
        topic=seed.topic,
        parent_id=None if seed.parent is None else channels[seed.parent],
    )
    channel.rate_limit_per_user = seed.slowmode
    for each in seed.messages:
        message = model.create_message(channel.id, users[each.author], each.content)
        message.pinned = each.pinned
        for emoji, names in each.reactions.items():
            for name in names:
                model.set_reaction(channel.id, message.id, emoji, users[name], True)
    return channel.id
