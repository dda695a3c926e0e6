"""Polls: buttons that count until a time-out, and Discord's own polls."""

import collections
import datetime
import os

import discord
from discord import app_commands
from discord.ext import commands


class Vote(discord.ui.View):
    message: discord.Message

    def __init__(self, choices: list[str], timeout: float) -> None:
        super().__init__(timeout=timeout)
        self.votes: dict[int, str] = {}
        for choice in choices:
            button = discord.ui.Button(label=choice, custom_id=f"vote-{choice}")
            button.callback = self.counting(choice)
            self.add_item(button)

    def counting(self, choice: str):
        async def callback(interaction: discord.Interaction) -> None:
            self.votes[interaction.user.id] = choice
            await interaction.response.edit_message(content=self.result())

        return callback

    def result(self) -> str:
        counts = collections.Counter(self.votes.values())
        return "votes: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        if interaction.user.name == "olivia":
            await interaction.response.send_message("the owner does not vote", ephemeral=True)
            return False
        return True

    async def on_timeout(self) -> None:
        for item in self.children:
            item.disabled = True
        await self.message.edit(content=f"closed; {self.result()}", view=self)
        await self.message.reply("time is up", mention_author=False)


bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())


@bot.hybrid_command(description="Ask something")
@app_commands.describe(question="what to ask")
async def ask(ctx: commands.Context, question: str, *, choices: str = "yes no") -> None:
    view = Vote(choices.split(), timeout=60 if ctx.interaction else 3)
    view.message = await ctx.send(question, view=view)


@bot.command()
async def native(ctx: commands.Context) -> None:
    poll = discord.Poll(question="Tea?", duration=datetime.timedelta(hours=2), multiple=True)
    poll.add_answer(text="Green", emoji="🍵").add_answer(text="Black")
    sent = await ctx.send(poll=poll)
    bot.poll_message = sent


@bot.event
async def on_raw_poll_vote_add(payload: discord.RawPollVoteActionEvent) -> None:
    channel = bot.get_channel(payload.channel_id)
    await channel.send(f"{payload.answer_id} voted {payload.guild_id == channel.guild.id}")


@bot.event
async def on_poll_vote_remove(user: discord.Member, answer: discord.PollAnswer) -> None:
    await answer.poll.message.channel.send(f"{user.name} takes {answer.text} back")


@bot.command()
async def end(ctx: commands.Context) -> None:
    message = await ctx.channel.fetch_message(bot.poll_message.id)
    counts = [(answer.text, answer.vote_count) for answer in message.poll.answers]
    voters = [user.name async for user in message.poll.answers[0].voters()]
    await message.end_poll()
    message = await ctx.channel.fetch_message(message.id)
    await ctx.send(f"{counts} {voters} {message.poll.is_finalised()} {message.poll.total_votes}")


@bot.event
async def on_ready() -> None:
    synced = await bot.tree.sync()
    print("synced", [each.name for each in synced])


bot.run(os.environ["DISCORD_TOKEN"])
