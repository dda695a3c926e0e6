"""Configuration: defaults, nescord.toml, .env, environment, flags; later sources win.

Every key is declared in ``keys``. Services do not read the configuration: each receives its own frozen
settings object (`nescord_core.settings`).
"""

from __future__ import annotations

from nescord_core.config.config import Config, without_token
from nescord_core.config.effective import Effective
from nescord_core.config.loading import find_project, from_text, load, unread_files
from nescord_core.config.sources import FILE

__all__ = ["FILE", "Config", "Effective", "find_project", "from_text", "load", "unread_files"]
__all__ += ["without_token"]
