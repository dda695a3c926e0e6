"""Second names of the operations that bots use most.

Discord's operationIds are complete and consistent, but few people guess that `delete_guild_member` kicks. The
usual names are what libraries and Discord's client call these actions; documentation, limits, logs and
metrics keep to the operationIds.
"""

from __future__ import annotations

from nescord_core.rest.client.operations import Operations

__all__ = ["UsualNames"]


class UsualNames(Operations):
    """Each name stands for the operation that it is assigned, with the same arguments."""

    send_message = Operations.create_message
    edit_message = Operations.update_message
    fetch_message = Operations.get_message
    fetch_messages = Operations.list_messages
    publish_message = Operations.crosspost_message
    pin_message = Operations.create_pin
    unpin_message = Operations.delete_pin
    fetch_pins = Operations.list_pins
    send_typing = Operations.trigger_typing_indicator

    react = Operations.add_my_message_reaction
    unreact = Operations.delete_my_message_reaction
    remove_reaction = Operations.delete_user_message_reaction
    clear_reactions = Operations.delete_all_message_reactions
    fetch_reactions = Operations.list_message_reactions_by_emoji

    kick = Operations.delete_guild_member
    ban = Operations.ban_user_from_guild
    unban = Operations.unban_user_from_guild
    edit_member = Operations.update_guild_member
    fetch_member = Operations.get_guild_member
    add_role = Operations.add_guild_member_role
    remove_role = Operations.delete_guild_member_role
    create_role = Operations.create_guild_role
    edit_role = Operations.update_guild_role
    delete_role = Operations.delete_guild_role

    create_channel = Operations.create_guild_channel
    edit_channel = Operations.update_channel
    fetch_channel = Operations.get_channel
    create_invite = Operations.create_channel_invite
    fetch_guild = Operations.get_guild
    fetch_user = Operations.get_user

    set_commands = Operations.bulk_set_application_commands
    set_guild_commands = Operations.bulk_set_guild_application_commands
    send_webhook = Operations.execute_webhook
    edit_response = Operations.update_original_webhook_message
    delete_response = Operations.delete_original_webhook_message
