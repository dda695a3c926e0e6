"""Members suggest something in a form; moderators accept or decline it with a button.

No state is kept in memory: buttons and forms are found by their custom_id, and the rest
is in the message. So they all keep working after a reload or a restart.
"""

import discord
from discord import Interaction, app_commands, ui
from discord.ext import commands

from bot_main.forms import show_form, submitted

FORM = "suggestions:form"
SUMMARY = "suggestions:summary"
DETAILS = "suggestions:details"


class SuggestionForm(ui.Modal, title="Suggestion"):
    """The form; `Suggestions.on_interaction` receives what is submitted."""

    def __init__(self) -> None:
        super().__init__(custom_id=FORM)
        summary = ui.TextInput[ui.Modal](custom_id=SUMMARY, max_length=100)
        details = ui.TextInput[ui.Modal](
            custom_id=DETAILS,
            style=discord.TextStyle.long,
            max_length=1500,
            required=False,
        )
        self.add_item(ui.Label(text="In a few words", component=summary))
        self.add_item(ui.Label(text="Details", component=details))


class Panel(ui.View):
    """The button that opens the form."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.button(label="Suggest something", custom_id="suggestions:open")
    async def suggest(self, interaction: Interaction, _: ui.Button[ui.View]) -> None:
        await show_form(interaction, SuggestionForm())


class Review(ui.View):
    """The buttons below a suggestion."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    async def interaction_check(self, interaction: Interaction) -> bool:
        if interaction.permissions.manage_messages:
            return True
        text = "Only members who can manage messages decide on suggestions."
        await interaction.response.send_message(text, ephemeral=True)
        return False

    @ui.button(label="Accept", custom_id="suggestions:accept")
    async def accept(self, interaction: Interaction, _: ui.Button[ui.View]) -> None:
        await self.decide(interaction, "Accepted")

    @ui.button(label="Decline", custom_id="suggestions:decline")
    async def decline(self, interaction: Interaction, _: ui.Button[ui.View]) -> None:
        await self.decide(interaction, "Declined")

    async def decide(self, interaction: Interaction, verdict: str) -> None:
        """Add the verdict to the suggestion and remove the buttons."""
        assert interaction.message is not None  # the one with the button
        before, by = interaction.message.content, interaction.user.mention
        text = f"{before}\n\n{verdict} by {by}."
        await interaction.response.edit_message(content=text, view=None)


class Suggestions(commands.Cog):
    """Suggestions from members, and decisions on them."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def cog_load(self) -> None:
        """Listen to the buttons of all messages, including those sent before a restart."""
        self.bot.add_view(Panel())
        self.bot.add_view(Review())

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.checks.has_permissions(manage_guild=True)
    async def suggestions(self, interaction: Interaction) -> None:
        """Ask the members of this channel for suggestions."""
        text = "What should we change on this server?"
        await interaction.response.send_message(text, view=Panel())

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Post the suggestion when the form is submitted."""
        fields = submitted(interaction, FORM)
        if fields is None:
            return
        if not fields[SUMMARY]:
            text = "Please sum up your suggestion in a few words."
            await interaction.response.send_message(text, ephemeral=True)
            return
        by = interaction.user.mention
        text = f"{by} suggests: **{fields[SUMMARY]}**\n{fields[DETAILS]}".strip()
        await interaction.response.send_message(text, view=Review())


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(Suggestions(bot))
