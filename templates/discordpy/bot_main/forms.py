"""Forms (modals) that outlive the process that showed them.

discord.py hands a submitted form to the very Modal object that was shown, which is
gone after a reload: people would lose what they are typing. The custom_ids stay the
same, so a cog can take the form by those, in `on_interaction`.
"""

from typing import Any

import discord
from discord import ui


async def show_form(interaction: discord.Interaction, form: ui.Modal) -> None:
    """Show a form that has a fixed custom_id, as have its fields."""
    await interaction.response.send_modal(form)
    form.stop()  # on_interaction takes it, so discord.py need not keep the object


def submitted(interaction: discord.Interaction, form_id: str) -> dict[str, str] | None:
    """Return the text of each field by custom_id; None for any other interaction."""
    data: Any = interaction.data
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    if data["custom_id"] != form_id:
        return None
    # Each field is in a Label.
    fields = [label["component"] for label in data["components"]]
    return {field["custom_id"]: field["value"].strip() for field in fields}
