"""App commands: options of every type, checks, errors, a translator, installs, nested groups."""

import enum
import os
import typing

import discord
from discord import app_commands
from discord.ext import commands


class Translator(app_commands.Translator):
    async def translate(self, string, locale, context):
        if locale is discord.Locale.german and string.message == "everything":
            return "alles"
        return None


class Tree(app_commands.CommandTree):
    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        if interaction.user.name == "bob" and interaction.type is discord.InteractionType.application_command:
            await interaction.response.send_message("not you", ephemeral=True)
            return False
        return True

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        text = f"{type(error).__name__}: {str(error)[:120]}".split(" Try again in")[0]
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)


class Mood(enum.Enum):
    good = "g"
    bad = "b"


class Upper(app_commands.Transformer):
    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.string

    async def transform(self, interaction: discord.Interaction, value: str) -> str:
        if value == "fail":
            raise ValueError("cannot")
        return value.upper()

    async def autocomplete(self, interaction: discord.Interaction, current: str):
        return [app_commands.Choice(name=word, value=word) for word in ("alpha", "beta") if current in word]


bot = commands.Bot(commands.when_mentioned_or("!"), intents=discord.Intents.default(), tree_cls=Tree)


@bot.tree.command(name="all", description=app_commands.locale_str("everything"))
@app_commands.rename(truth="is_true")
@app_commands.choices(
    level=[app_commands.Choice(name="Low", value=1), app_commands.Choice(name="High", value=2)]
)
async def everything(  # noqa: PLR0917 - options of a command
    interaction: discord.Interaction,
    text: app_commands.Range[str, 2, 10],
    number: app_commands.Range[float, 0.5, 2.5],
    level: app_commands.Choice[int],
    mood: Mood,
    truth: bool,
    kind: typing.Literal["a", "b"] = "a",
    member: discord.Member | None = None,
    role: discord.Role | None = None,
    channel: discord.TextChannel | None = None,
    anyone: discord.Member | discord.Role | None = None,
    shout: app_commands.Transform[str, Upper] = "none",
) -> None:
    shown = [text, number, level.name, mood.name, truth, kind, member, role, channel, anyone, shout]
    await interaction.response.send_message(" ".join(map(str, shown)))


@bot.tree.command(description="owners")
@app_commands.checks.has_permissions(administrator=True)
@app_commands.default_permissions(manage_guild=True)
async def admin(interaction: discord.Interaction) -> None:
    await interaction.response.send_message(f"hello {interaction.permissions.administrator}")


@bot.tree.command(description="rarely")
@app_commands.checks.cooldown(1, 100)
@app_commands.check(lambda interaction: interaction.user.name != "olivia")
async def rarely(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("once")


@bot.tree.command(description="with a role")
@app_commands.checks.has_any_role("moderator", "boss")
@app_commands.guild_only()
async def moderate(interaction: discord.Interaction) -> None:
    await interaction.response.send_message(f"{[role.name for role in interaction.user.roles]}")


@bot.tree.command(description="anywhere", nsfw=False)
@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def anywhere(interaction: discord.Interaction) -> None:
    await interaction.response.send_message(
        f"{interaction.is_guild_integration()} {interaction.is_user_integration()}"
        f" {interaction.context.guild}"
    )


@bot.tree.command(description="fails")
async def fails(interaction: discord.Interaction) -> None:
    await interaction.response.defer()
    raise ZeroDivisionError("by nothing")


outer = app_commands.Group(name="outer", description="outer", guild_only=True)
inner = app_commands.Group(name="inner", description="inner", parent=outer)


@inner.command(name="leaf", description="leaf", extras={"key": 1})
async def leaf(interaction: discord.Interaction, word: str = "empty") -> None:
    await interaction.response.send_message(
        f"{interaction.command.qualified_name} {word} {interaction.command.extras}"
    )


@leaf.autocomplete("word")
async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{current}{number}", value=f"{current}{number}") for number in range(3)]


@leaf.error
async def leaf_error(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    await interaction.response.send_message("never")


bot.tree.add_command(outer)


@bot.command()
async def sync(ctx: commands.Context, where: typing.Literal["here", "copy", "clear", "everywhere"]) -> None:
    if where == "copy":
        bot.tree.copy_global_to(guild=ctx.guild)
    if where == "clear":
        bot.tree.clear_commands(guild=ctx.guild)
    synced = await bot.tree.sync(guild=None if where == "everywhere" else ctx.guild)
    fetched = await bot.tree.fetch_commands(guild=None if where == "everywhere" else ctx.guild)
    await ctx.send(f"{sorted(each.name for each in synced)} {len(fetched)}")


@bot.event
async def on_app_command_completion(interaction: discord.Interaction, command: app_commands.Command) -> None:
    if command.name == "leaf":
        await interaction.followup.send(f"completed {command.name}")


async def setup_hook() -> None:
    await bot.tree.set_translator(Translator())


bot.setup_hook = setup_hook


@bot.event
async def on_ready() -> None:
    synced = await bot.tree.sync()
    print("synced", len(synced))


bot.run(os.environ["DISCORD_TOKEN"])
