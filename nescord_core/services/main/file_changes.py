"""Splits changed files into code to reload and configuration whose services need a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nescord_core import config
from nescord_core.config.sources import digest_of
from nescord_core.errors import ConfigError
from nescord_core.reload.watching.affected_services import ALL, Effect, effect_of, services_of

__all__ = ["FileChanges"]

log = logging.getLogger("nescord.main")


class FileChanges:
    """Classifies changed files; remembers the configuration, to find the keys that changed."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._digest = digest_of(project)
        self._before = self._values() or {}

    def since_start(self, digest: str) -> tuple[str, ...]:
        """Return the services to restart if the files have changed since they had this digest; log them."""
        if not digest or digest == self._digest:
            return ()
        log.info("the configuration was changed during the start; affected: %s", " and ".join(ALL))
        return ALL

    def code(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the files that cause a reload."""
        return tuple(sorted(path for path in paths if effect_of(path) is Effect.CODE))

    def restarts(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the services affected by changed configuration, and log them."""
        files = sorted(path for path in paths if effect_of(path) is Effect.CONFIGURATION)
        if not files or (after := self._values()) is None:
            return ()
        keys = [key for key, value in after.items() if self._before.get(key) != value]
        self._before = after
        # No key of nescord changed: the file also holds the bot's own variables.
        services = services_of(keys) if keys else ("main",)
        log.info(
            "%s changed; affected: %s",
            ", ".join(files),
            " and ".join(services),
            extra={"restart": list(services)},
        )
        return services

    def _values(self) -> Mapping[str, Any] | None:
        """Return the values in the files, without the environment, which may hold those of the last start."""
        try:
            loaded = config.load(self._project, environ={})
        except ConfigError as error:
            log.error("%s", error)
            return None
        return {name: effective.value for name, effective in loaded.values.items()}
