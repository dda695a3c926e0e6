"""`nescord invite`: the link that adds the bot to a guild."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nescord_cli import completion
from nescord_cli.terminal import ProjectOption

if TYPE_CHECKING:
    from nescord_core.services.project.invitation import Invitation

__all__ = ["EXAMPLES", "invite"]

EXAMPLES = """Examples:

nescord invite

nescord invite --permissions send_messages,manage_roles

nescord invite --admin --application 1191168914227200000"""
WIDEST = 100


def invite(
    application: Annotated[
        str | None,
        typer.Option(
            "--application", "-a", help="The application's id (default: from the token).", show_default=False
        ),
    ] = None,
    permissions: Annotated[
        str | None,
        typer.Option(
            "--permissions",
            "-p",
            help="Names, comma-separated, or a number (default: to read and write messages).",
            show_default=False,
            autocompletion=completion.permission_names,
        ),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Ask for the permission administrator.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    project: ProjectOption = None,
) -> None:
    """Print the link that adds the bot to a Discord server, and what to switch on for it.

    Works offline, and never prints the token. On the sandbox the bot is a member already.
    """
    from nescord_core import config
    from nescord_core.errors import ConfigError
    from nescord_core.services.project.invitation import invitation

    if admin and permissions is not None:
        raise ConfigError(
            "administrator includes all permissions.",
            where="--admin with --permissions",
            hint="Use one of them.",
        )
    configuration = config.load(project)
    if configuration.token is None and application is None and not json:
        _tell_without_token()
        return
    wanted = "administrator" if admin else permissions
    found = invitation(configuration, application=application, permissions=wanted)
    if json:
        typer.echo(json_format.dumps(_fields(found), indent=2))
    else:
        _tell(found)


def _tell_without_token() -> None:
    from nescord_core.services.project.invitation import PORTAL

    _say(
        "There is no token, so `nescord dev` uses the sandbox. There, the bot is a member already: no"
        " invitation is needed."
    )
    _say(
        f"For Discord, create an application at {PORTAL} and put its token into .env as DISCORD_BOT_TOKEN, or"
        " pass --application with its id."
    )


def _tell(found: Invitation) -> None:
    names = _names(found)
    _say(f"Open this link to add application {found.application} ({found.source}) to a server:")
    _show_link(found.link)
    _say(f"Permissions: {', '.join(names) or 'none'}")
    if "administrator" in names:
        _say("An administrator passes every check of the server; ask for less if you can.", "yellow")
    if found.privileged:
        _say(
            f"The configuration requests privileged intents: {', '.join(found.privileged)}. Discord closes"
            " the connection (4014) unless they are switched on, under Privileged Gateway Intents at:"
        )
        _show_link(found.portal)
        _say("`nescord doctor` checks that they are.")


def _say(text: str, styles: str = "") -> None:
    from nescord_core.terminal.detection import look_of
    from nescord_core.terminal.look import paint
    from nescord_core.terminal.wrapping import wrapped

    look = look_of(sys.stdout)
    typer.echo("\n".join(paint(line, styles, look) for line in wrapped(text, min(look.width, WIDEST))))


def _show_link(address: str) -> None:
    from nescord_core.terminal.detection import look_of
    from nescord_core.terminal.look import link, paint

    look = look_of(sys.stdout)
    typer.echo(f"\n  {link(paint(address, 'bold underline', look), address, look)}\n")


def _names(found: Invitation) -> list[str]:
    return [str(each.name).lower() for each in type(found.permissions) if each & found.permissions]


def _fields(found: Invitation) -> dict[str, object]:
    return {
        "link": found.link,
        "application": str(found.application),
        "permissions": str(int(found.permissions)),
        "permission_names": _names(found),
        "privileged_intents": list(found.privileged),
        "portal": found.portal,
    }
