"""Configuration: defaults, then nescord.toml, .env, the environment and flags; later wins.

Every key is declared in ``keys``. Services do not read configuration: each gets a frozen settings object of
its own (`nescord_core.settings`).
"""

from __future__ import annotations

from nescord_core.config.loading import FILE, Config, Effective, find_project, from_text, load

__all__ = ["FILE", "Config", "Effective", "find_project", "from_text", "load"]
