"""Configuration: defaults, then nescord.toml, .env, the environment and flags; later wins.

Every key is declared in ``keys``. Services do not read configuration: each gets a frozen settings object of
its own (`nescord_core.settings`).
"""

from __future__ import annotations

from nescord_core.config.config import Config, without_token
from nescord_core.config.effective import Effective
from nescord_core.config.loading import find_project, from_text, load
from nescord_core.config.sources import FILE

__all__ = ["FILE", "Config", "Effective", "find_project", "from_text", "load", "without_token"]
