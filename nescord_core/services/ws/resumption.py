"""Joins saved sessions with the spool: what precedes a session's resume point comes from disk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

import msgspec

from nescord_core.gateway.resume_point import replayable_events, still_replayable
from nescord_core.gateway.session_store import SavedSession, SessionStore
from nescord_core.plurals import counted

__all__ = ["Resume", "SpooledSessions"]

log = logging.getLogger("nescord.ws")


class Resume(Protocol):
    """Continues a session whose events up to ``seq`` were received by an earlier process."""

    def __call__(self, shard_id: int, session_id: str, *, seq: int, acknowledged: int) -> None: ...


class SpooledSessions:
    """Sessions, of which ``resume`` is called for each one loaded, before any of its events arrives."""

    def __init__(self, sessions: SessionStore, resume: Resume) -> None:
        self._sessions = sessions
        self._resume = resume

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session, to be resumed from where Discord can still replay the rest."""
        saved = await self._sessions.load(shard_id, shard_count=shard_count, intents=intents)
        if saved is None:
            return None
        seq = _resume_seq(saved)
        acknowledged = saved.seq if saved.acknowledged is None else saved.acknowledged
        if seq > saved.seq:
            log.error(
                "shard %d: up to %s lost: neither finished nor on disk when ws ended, and more than Discord"
                " replays",
                shard_id,
                counted(seq - saved.seq, "event"),
            )
        self._resume(shard_id, saved.session_id, seq=seq, acknowledged=acknowledged)
        return msgspec.structs.replace(saved, seq=seq, acknowledged=acknowledged)

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Keep sessions by shard id, all or none."""
        await self._sessions.save(sessions)


def _resume_seq(saved: SavedSession) -> int:
    if saved.received is None or saved.guilds is None:
        return saved.seq
    return still_replayable(saved.seq, received=saved.received, replayable=replayable_events(saved.guilds))
