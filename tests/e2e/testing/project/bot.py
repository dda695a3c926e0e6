"""A bot with something for every part of the test kit."""

import os

import discord
from discord import app_commands
from discord.ext import commands, tasks


class Panel(discord.ui.View):
    message: discord.Message

    def __init__(self) -> None:
        super().__init__(timeout=600)

    @discord.ui.button(label="Go")
    async def go(self, interaction: discord.Interaction, _button: object) -> None:
        await interaction.response.send_message("went", ephemeral=True)

    @discord.ui.select(options=[discord.SelectOption(label="tea"), discord.SelectOption(label="coffee")])
    async def drink(self, interaction: discord.Interaction, menu: discord.ui.Select) -> None:
        await interaction.response.send_message(f"{menu.values[0]} for {interaction.user.name}")

    async def on_timeout(self) -> None:
        await self.message.edit(content="closed", view=None)
        await self.message.channel.send("the panel is closed")


class Form(discord.ui.Modal, title="Form"):
    name = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"hi {self.name.value}")


class Bot(commands.Bot):
    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.all())
        self.place: discord.abc.Messageable | None = None
        self.ticks = 0

    async def setup_hook(self) -> None:
        self.tree.add_command(roll)
        self.tree.add_command(form)
        self.tree.add_command(quote)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        channel = self.get_channel(payload.channel_id)
        await channel.send(f"{payload.emoji} {payload.member.name}")

    @tasks.loop(minutes=5)
    async def tick(self) -> None:
        self.ticks += 1
        await self.place.send(f"tick {self.ticks}")


@app_commands.command(description="Rolls dice")
@app_commands.checks.cooldown(1, 60)
async def roll(interaction: discord.Interaction, sides: int, file: discord.Attachment | None = None) -> None:
    text = "" if file is None else (await file.read()).decode()
    await interaction.response.send_message(f"1 of {sides}{text}")


@roll.error
async def slow(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    await interaction.response.send_message("not so fast", ephemeral=True)


@app_commands.command(description="Opens a form")
async def form(interaction: discord.Interaction) -> None:
    await interaction.response.send_modal(Form())


@app_commands.context_menu(name="Quote")
async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"> {message.content}")


bot = Bot()


@bot.command()
async def ping(ctx: commands.Context) -> None:
    await ctx.send(f"Pong, {ctx.author.name}!")


@bot.command()
async def pin(ctx: commands.Context) -> None:
    await (await ctx.send("pinned")).pin()
    await ctx.send("that was all")


@bot.command()
async def panel(ctx: commands.Context) -> None:
    view = Panel()
    view.message = await ctx.send("panel", view=view)


@bot.command()
async def wait(ctx: commands.Context) -> None:
    await ctx.send("well?")
    try:
        answer = await bot.wait_for("message", check=lambda m: m.author == ctx.author, timeout=60)
    except TimeoutError:
        await ctx.send("too late")
    else:
        await ctx.send(f"you said {answer.content}")


@bot.command()
async def start(ctx: commands.Context) -> None:
    bot.place = ctx.channel
    bot.tick.start()


@bot.command()
async def fail(ctx: commands.Context) -> None:
    await ctx.send("before the error")
    raise ValueError("a fault of this test")


@bot.command()
async def upload(ctx: commands.Context) -> None:
    await ctx.send(f"{len(await ctx.message.attachments[0].read())} bytes")


@bot.command()
async def seen(ctx: commands.Context) -> None:
    await ctx.author.send(f"guilds: {len(bot.guilds)}")


bot.run(os.environ["DISCORD_TOKEN"])
