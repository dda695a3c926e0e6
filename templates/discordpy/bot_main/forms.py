"""Forms (modals) that can be submitted after a reload.

discord.py passes a submitted form to the Modal object that was shown. That object is
gone after a reload, and what a member was typing would be lost. The custom_ids remain,
so a cog recognises the form by them in `on_interaction`.
"""

from typing import Any

import discord
from discord import ui


async def show_form(interaction: discord.Interaction, form: ui.Modal) -> None:
    """Show a form; the form and its fields need fixed custom_ids."""
    await interaction.response.send_modal(form)
    form.stop()  # on_interaction handles it; discord.py need not keep the object


def submitted(interaction: discord.Interaction, form_id: str) -> dict[str, str] | None:
    """Return the text of each field by custom_id, or None for another interaction."""
    data: Any = interaction.data
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    if data["custom_id"] != form_id:
        return None
    fields = [label["component"] for label in data["components"]]  # one in each Label
    return {field["custom_id"]: field["value"].strip() for field in fields}
