"""What a changed file means: code is reloaded, changed configuration is said to need a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nescord_core import config
from nescord_core.errors import ConfigError
from nescord_core.reload.watching.affected_services import Effect, effect_of, services_of

__all__ = ["FileChanges"]

log = logging.getLogger("nescord.main")


class FileChanges:
    """Tells changed code from changed configuration, and knows the configuration as it was before."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._before = self._values() or {}

    def code(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the files that call for a reload."""
        return tuple(sorted(path for path in paths if effect_of(path) is Effect.CODE))

    def restarts(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the services that changed configuration concerns, and say so."""
        files = sorted(path for path in paths if effect_of(path) is Effect.CONFIGURATION)
        if not files or (after := self._values()) is None:
            return ()
        keys = [key for key, value in after.items() if self._before.get(key) != value]
        self._before = after
        # No key of nescord's: the file holds variables of the bot's own.
        services = services_of(keys) if keys else ("main",)
        log.info(
            "%s changed; it concerns %s",
            ", ".join(files),
            " and ".join(services),
            extra={"restart": list(services)},
        )
        return services

    def _values(self) -> Mapping[str, Any] | None:
        """What the files say, without the environment, which may hold the values of an earlier start."""
        try:
            loaded = config.load(self._project, environ={})
        except ConfigError as error:
            log.error("%s", error)
            return None
        return {name: effective.value for name, effective in loaded.values.items()}
