"""The link that adds the bot to a guild, and what has to be switched on for it. No I/O.

https://discord.com/developers/docs/topics/oauth2#bot-authorization-flow
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from urllib.parse import urlencode

from nescord_core.config import Config
from nescord_core.discord_api.tokens import application_id
from nescord_core.errors import ConfigError
from nescord_core.events import Intents
from nescord_core.payloads.flags import Permissions

__all__ = ["PORTAL", "Invitation", "invitation", "parsed_permissions", "permission_names"]

AUTHORIZE = "https://discord.com/oauth2/authorize"
PORTAL = "https://discord.com/developers/applications"
SCOPES = ("bot", "applications.commands")
USUAL = (
    Permissions.VIEW_CHANNEL
    | Permissions.SEND_MESSAGES
    | Permissions.SEND_MESSAGES_IN_THREADS
    | Permissions.EMBED_LINKS
    | Permissions.ATTACH_FILES
    | Permissions.READ_MESSAGE_HISTORY
    | Permissions.ADD_REACTIONS
    | Permissions.USE_EXTERNAL_EMOJIS
)
"""What a bot that talks needs, unless other permissions are asked for."""
_ID = (15, 20)
"""The shortest and the longest id of an application."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The link, its permissions, and the privileged intents that the configuration requests.

    ``source`` says where the application's id comes from.
    """

    application: int
    source: str
    permissions: Permissions
    privileged: tuple[str, ...]

    @property
    def link(self) -> str:
        """The address to open in a browser."""
        fields = {
            "client_id": self.application,
            "scope": " ".join(SCOPES),
            "permissions": int(self.permissions),
        }
        return f"{AUTHORIZE}?{urlencode(fields)}"

    @property
    def portal(self) -> str:
        """The page of the Developer Portal with the switches of the intents."""
        return f"{PORTAL}/{self.application}/bot"


def invitation(
    config: Config, *, application: str | None = None, permissions: str | None = None
) -> Invitation:
    """Return the invitation of the configured bot, or of another ``application`` (its id).

    ``permissions`` are names as in `parsed_permissions`; None for the usual ones.

    Raises:
        ConfigError: the id is unknown or no id, or a permission has no such name.

    """
    number, source = _application(config, application)
    wanted = USUAL if permissions is None else parsed_permissions(permissions)
    privileged = Intents(config["bot.intents"]) & Intents.privileged()
    return Invitation(number, source, wanted, tuple(name.lower() for name in privileged.names))


def _application(config: Config, given: str | None) -> tuple[int, str]:
    if given is not None:
        if not (given.isascii() and given.isdigit() and _ID[0] <= len(given) <= _ID[1]):
            raise ConfigError(
                f"{given!r} is not the id of an application.",
                where="--application",
                hint=f"Copy the Application ID from {PORTAL} (General Information).",
            )
        return int(given), "--application"
    token = config.token
    number = application_id(token) if token is not None else None
    if number is None:
        reason = "there is no token" if token is None else "the token does not contain it"
        raise ConfigError(
            f"the application's id is not known: {reason}.",
            where="nescord invite",
            hint="Set DISCORD_BOT_TOKEN in .env, or pass --application with the Application ID from"
            f" {PORTAL} (General Information).",
        )
    return number, f"token: {config.values['token'].source}"


def permission_names() -> list[str]:
    """Return the names of all permissions, in lower case."""
    return [str(each.name).lower() for each in Permissions]


def parsed_permissions(text: str) -> Permissions:
    """Parse ``send_messages,manage_roles``, ``none``, or a number as the Developer Portal shows it.

    Raises:
        ConfigError: there is no permission of that name; near ones are suggested.

    """
    wanted = Permissions(0)
    for word in (part.strip() for part in text.split(",")):
        if word.isascii() and word.isdigit():
            wanted |= Permissions(int(word))
        elif word.lower() not in ("", "none"):
            wanted |= _permission(word)
    unknown = int(wanted) & ~sum(Permissions)
    if unknown:
        raise ConfigError(
            f"{int(wanted)} has bits that are no permissions ({unknown}).",
            where="--permissions",
            hint="Use names, such as send_messages,manage_roles.",
        )
    return wanted


def _permission(word: str) -> Permissions:
    name = word.upper().replace(" ", "_").replace("-", "_")
    if name in Permissions.__members__:
        return Permissions[name]
    names = permission_names()
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.6)
    near = near or [each for each in names if name.lower() in each][:3]
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Use {', '.join(names)}."
    raise ConfigError(f"there is no permission {word!r}.", where="--permissions", hint=hint)
