"""Labels of routes for metrics and logs: only the words of Discord's API, nothing else from the path.

A path may contain a token in an unexpected place: in a future route, or in a mistyped one.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["route_label"]

REMEMBERED = 1024
OTHER = ":other"
MOST_SEGMENTS = 12

WORDS = frozenset(
    """
    @me @original active activity-instances answers applications archived attachment audit-logs auth
    auto-moderation bans bot bulk bulk-ban bulk-delete callback channel-linking channels commands connections
    consume counts crosspost dms emojis entitlements exceptions expire followers gateway github guilds
    incident-actions integrations interactions invites job-status keys lobbies member member-counts members
    messages metadata moderation-metadata new-member-welcome nick oauth2 onboarding partner-sdk permissions
    pins polls preview private provisional-accounts prune public reactions recipients regions requests
    role-connection role-connections roles rules scheduled-events search send-soundboard-sound skus slack
    soundboard-default-sounds soundboard-sounds stage-instances sticker-packs stickers subscriptions
    target-users templates thread-members threads token typing unmerge userinfo users vanity-url voice
    voice-states voice-status webhooks welcome-screen widget widget.json widget.png
    :id :token :code :emoji :user
    """.split()  # noqa: SIM905 - a hundred quoted words would be harder to read
)


@lru_cache(maxsize=REMEMBERED)
def route_label(template: str) -> str:
    """Return a template in which everything but the words of Discord's API is replaced."""
    segments = template.split("/")[1 : MOST_SEGMENTS + 1]
    return "/" + "/".join(segment if segment in WORDS else OTHER for segment in segments)
