"""The checks of `nescord doctor`: the machine, the configuration, what runs, the bot's code, and Discord."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nescord_core.config import FILE, Config
from nescord_core.errors import ConfigError
from nescord_core.events import Intents
from nescord_core.services.doctor import bot, discord, machine, services
from nescord_core.services.doctor.findings import Finding, Verdict, failed, passed, warning

__all__ = ["Finding", "Verdict", "as_json", "examine"]


async def examine(config: Config, *, online: bool = True, code: bool = True) -> list[Finding]:
    """Look at everything; nothing is started that stays.

    ``online`` asks Discord about the token (or the sandbox, where ``discord.api_url`` names it); ``code``
    imports the bot, in a process of its own, to see what it listens for.
    """
    findings = [
        *machine.versions(),
        *machine.limits(config.project),
        _project(config),
        _token(config),
        *_sections(config),
        _intents(config),
    ]
    findings += [_entry(config), *(await bot.examine(config) if code else ())]
    findings += [*await services.examine(config), machine.disk(config.state_dir)]
    if online and config.token is not None:
        findings += await discord.examine(config)
    return findings


def as_json(config: Config, findings: Sequence[Finding]) -> Mapping[str, Any]:
    """Return the report as one object: ``project``, ``values``, ``checks``."""
    return {
        "project": str(config.project),
        "values": {name: {"value": e.shown, "source": e.source} for name, e in config.values.items()},
        "checks": [
            {"subject": f.subject, "verdict": f.verdict.value, "text": f.text, "fix": f.fix} for f in findings
        ],
    }


def _project(config: Config) -> Finding:
    if (config.project / FILE).is_file():
        return passed("project", f"{config.project / FILE}")
    return warning(
        "project",
        f"there is no {FILE} in {config.project} or above it",
        "Go to the project's directory, or make one: nescord init mybot",
    )


def _token(config: Config) -> Finding:
    if config.token is None:
        return warning(
            "token",
            "none: `nescord dev` uses the sandbox, `nescord run` refuses",
            f"For the real Discord, put DISCORD_BOT_TOKEN into {config.project / '.env'}.",
        )
    source = config.values["token"].source
    if not discord.looks_like_a_token(config.token):
        return warning(
            "token",
            f"set ({source}), but it does not look like a bot's token",
            "Copy it from the Developer Portal, under Bot, Reset Token: three parts with dots between.",
        )
    return passed("token", f"set ({source})")


def _sections(config: Config) -> Iterator[Finding]:
    for name in ("ws", "rest", "main", "sandbox"):
        try:
            getattr(config, name)
        except ConfigError as error:
            if config.token is not None or "token" not in error.message:
                where = f"{error.where}: " if error.where else ""
                yield failed(name, f"{where}{error.message}", error.hint)


def _intents(config: Config) -> Finding:
    wanted = Intents(config["bot.intents"])
    privileged = (wanted & Intents.privileged()).names
    text = ", ".join(name.lower() for name in wanted.names) or "none"
    if privileged:
        names = ", ".join(name.lower() for name in privileged)
        text += f" (privileged, to be switched on in the Developer Portal: {names})"
    return passed("intents", text)


def _entry(config: Config) -> Finding:
    entry = config["main.entry"]
    module, _, attribute = entry.partition(":")
    wanted = entry if entry.endswith(".py") else f"{module.replace('.', '/')}.py"
    package = config.project / Path(*module.split(".")) / "__init__.py"
    if not (config.project / wanted).is_file() and not package.is_file():
        return warning(
            "main.entry",
            f"there is no {wanted} in {config.project}",
            "Set main.entry (NESCORD_ENTRY) to module:attribute of your listener, or to the bot's file.",
        )
    if entry.endswith(".py"):
        return passed("main.entry", f"the file {entry}")
    if not attribute:
        return failed("main.entry", f"{entry!r} names no attribute", "Write module:attribute.")
    return passed("main.entry", f"{module}, attribute {attribute}")
