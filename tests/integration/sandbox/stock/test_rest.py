"""Stock clients, unchanged but for the base URL, against the sandbox's REST half."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import discord
import hikari
import pytest
from hikari.impl import HTTPSettings, ProxySettings, RESTClientImpl

from nescord_core.settings import SANDBOX_TOKEN
from support.network import loopback
from support.sandbox.running_rest import Rest, sandbox


@pytest.fixture(autouse=True, scope="module")
def on_this_machine() -> None:
    loopback.install()


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


@pytest.fixture
async def dpy(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[discord.Client]:
    # A class attribute of a stock client, which has no other way to be told where Discord is.
    monkeypatch.setattr(discord.http.Route, "BASE", f"{rest.url}/api/v10")
    client = discord.Client(intents=discord.Intents.all())
    await client.login(SANDBOX_TOKEN)
    yield client
    await client.close()


@pytest.fixture
async def hikari_rest(rest: Rest) -> AsyncIterator[RESTClientImpl]:
    app = hikari.impl.RESTApp(
        url=f"{rest.url}/api/v10", http_settings=HTTPSettings(), proxy_settings=ProxySettings()
    )
    await app.start()
    async with app.acquire(SANDBOX_TOKEN, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


async def test_discord_py_reads_and_writes(rest: Rest, dpy: discord.Client) -> None:
    assert dpy.user is not None
    assert dpy.user.id == rest.world.application_id
    guild = await dpy.fetch_guild(rest.world.guild_ids()[0])
    assert guild.name == "Sandbox"
    channels = {each.name: each for each in await guild.fetch_channels()}
    general = channels["general"]
    assert isinstance(general, discord.TextChannel)
    embed = discord.Embed(title="T", description="D", colour=255)
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Go", custom_id="go"))
    file = discord.File(io.BytesIO(b"content"), "a b.txt", description="text")
    sent = await general.send("hello", embed=embed, file=file, view=view, nonce="7")
    assert sent.attachments[0].filename == "a b.txt"
    assert await sent.attachments[0].read() == b"content"
    assert sent.attachments[0].description == "text"
    edited = await sent.edit(
        content="bye", attachments=[discord.File(io.BytesIO(b"2"), "two.txt")], view=None
    )
    assert [each.filename for each in edited.attachments] == ["two.txt"]
    await sent.add_reaction("👍")
    await sent.pin()
    assert [each.id async for each in general.pins()] == [sent.id]
    rest.world.say("general", "alice", "hi there", reply_to=sent.id)
    history = [each async for each in general.history(limit=10)]
    assert history[0].author.name == "alice"
    assert history[0].reference is not None
    with pytest.raises(discord.NotFound) as missing:
        await general.fetch_message(1)
    assert missing.value.code == 10008
    with pytest.raises(discord.HTTPException, match="Must be 2000 or fewer in length"):
        await general.send("x" * 2001)


async def test_discord_py_moderates(rest: Rest, dpy: discord.Client) -> None:
    guild = await dpy.fetch_guild(rest.world.guild_ids()[0])
    bob = await guild.fetch_member(rest.world.find_user("bob").id)
    role = await guild.create_role(name="new", colour=discord.Colour.red(), reason="a reason")
    await bob.edit(nick="Bobby")
    thread_channel = await guild.create_text_channel("made", topic="a topic")
    await thread_channel.set_permissions(role, send_messages=True)
    thread = await thread_channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
    await thread.send("in the thread")
    hook = await thread_channel.create_webhook(name="hook")
    said = await hook.send("by hook", wait=True, username="Herald")
    assert said.author.name == "Herald"
    assert {each.user.name async for each in guild.bans()} == set()
    await bob.ban(reason="rude")
    assert [each.reason async for each in guild.bans()] == ["rude"]
    assert await guild.invites() == []
    assert (await dpy.application_info()).id == rest.world.application_id
    tree = discord.app_commands.CommandTree(dpy)

    @tree.command(name="ping", description="Pong")
    async def ping(interaction: discord.Interaction) -> None: ...

    assert [each.name for each in await tree.sync()] == ["ping"]


async def test_hikari_reads_and_writes(rest: Rest, hikari_rest: RESTClientImpl) -> None:
    """hikari insists on fields that discord.py does not read."""
    client = hikari_rest
    assert (await client.fetch_my_user()).id == rest.world.application_id
    info = await client.fetch_gateway_bot_info()
    assert info.session_start_limit.max_concurrency == 2
    guild = await client.fetch_guild(rest.world.guild_ids()[0])
    assert guild.name == "Sandbox"
    channels = {each.name: each for each in await client.fetch_guild_channels(guild.id)}
    general = channels["general"].id
    sent = await client.create_message(
        general,
        "hello",
        embed=hikari.Embed(title="T"),
        attachment=hikari.Bytes(b"content", "a.txt"),
        component=client.build_message_action_row().add_interactive_button(1, "go", label="Go"),
    )
    assert await sent.attachments[0].read() == b"content"
    await client.edit_message(general, sent.id, "bye")
    await client.add_reaction(general, sent.id, "👍")
    reply = rest.world.say("general", "alice", "hi", reply_to=sent.id)
    fetched = await client.fetch_message(general, int(reply["id"]))
    assert fetched.referenced_message is not None
    assert [each.username for each in await client.fetch_members(guild.id)]
    assert {each.name for each in await client.fetch_roles(guild.id)} >= {"moderator", "member"}
    command = client.slash_command_builder("ping", "Pong")
    made = await client.set_application_commands(rest.world.application_id, [command])
    assert made[0].name == "ping"
    await client.fetch_application()
    await client.create_dm_channel(rest.world.find_user("alice").id)
    hook = await client.create_webhook(general, "hook")
    assert hook.token is not None
    await client.execute_webhook(hook, hook.token, "by hook")
    invite = await client.create_invite(general)
    await client.fetch_invite(invite.code)
    with pytest.raises(hikari.NotFoundError):
        await client.fetch_message(general, 1)
    with pytest.raises(hikari.BadRequestError, match="2000 or fewer"):
        await client.create_message(general, "x" * 2001)
