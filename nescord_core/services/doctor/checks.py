"""Runs the checks of `nescord doctor`: machine, configuration, services, the bot's code, and Discord."""

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
    """Run all checks; nothing keeps running afterwards.

    ``online`` calls Discord with the token (or the sandbox, if ``discord.api_url`` names one). ``code``
    imports the bot in a separate process to inspect its handlers.
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
        "Change to the project's directory, or create one: nescord init mybot",
    )


def _token(config: Config) -> Finding:
    if config.token is None:
        return warning(
            "token",
            "not set: `nescord dev` uses the sandbox, `nescord run` refuses to start",
            f"To use the real Discord, add DISCORD_BOT_TOKEN to {config.project / '.env'}.",
        )
    source = config.values["token"].source
    if not discord.looks_like_a_token(config.token):
        return warning(
            "token",
            f"set ({source}), but it does not look like a bot token",
            "Copy it from the Developer Portal (Bot, Reset Token). It has three parts separated by dots.",
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
        text += f" (privileged, enable in the Developer Portal: {names})"
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
            "Set main.entry (NESCORD_ENTRY) to your listener's module:attribute, or to the bot's file.",
        )
    if entry.endswith(".py"):
        return passed("main.entry", f"the file {entry}")
    if not attribute:
        return failed("main.entry", f"{entry!r} has no attribute", "Write it as module:attribute.")
    return passed("main.entry", f"{module}, attribute {attribute}")
