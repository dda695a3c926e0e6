"""Imports every cause, so that the registry has it."""

from __future__ import annotations

from support.sandbox.error_causes import guilds, limits, messages, threads, unknown_objects, voice_and_files

__all__ = ["guilds", "limits", "messages", "threads", "unknown_objects", "voice_and_files"]
