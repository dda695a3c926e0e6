"""The files of a stored world, in ``state_dir/sandbox``.

    world.json          everything but the following
    messages/ID.json    the messages of a channel
    files/HASH          attachments, emojis, icons

Each is replaced as a whole, so a killed process leaves the old one or the new one. A damaged file is renamed
and named in the log, as everywhere in state_dir: without ``world.json`` there is a new world, without another
file its content is missing.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.process.state_dir import make_folder, read_bytes, replace_file, set_aside
from nescord_core.sandbox.storage.stored_world import (
    DamagedWorld,
    StoredFile,
    decoded,
    encoded,
    encoded_messages,
    filled,
    filled_messages,
)
from nescord_core.sandbox.world.world import World

__all__ = ["FOLDER", "Save", "WorldFiles"]

FOLDER = "sandbox"
STORED_MB = 64
"""Files that are stored, the newest of them."""

log = logging.getLogger("nescord.sandbox")


@dataclass(frozen=True)
class Save:
    """What is to be written: channels without messages lose their file."""

    world: bytes
    messages: Mapping[int, bytes]
    files: Mapping[str, bytes]
    channel_ids: frozenset[int]
    names: frozenset[str] = field(default_factory=frozenset)
    """Names of all files that belong to the world."""


class WorldFiles:
    """Reads and writes a stored world."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / FOLDER
        self._written: set[str] = set()
        self._writing = threading.Lock()

    def load(self, world: World) -> str | None:
        """Fill the world with the stored one and return its name; None if there is none that can be used."""
        path = self.folder / "world.json"
        try:
            stored = decoded(read_bytes(path), world.public_url)
            filled(world, stored)
        except FileNotFoundError:
            return None
        except (DamagedWorld, OSError) as error:
            set_aside(path, str(error))
            return None
        for channel_id in world.model.channels:
            self._load_messages(world, channel_id)
        for each in stored.files:
            self._load_file(world, each)
        return stored.name

    def _load_messages(self, world: World, channel_id: int) -> None:
        path = self.folder / "messages" / f"{channel_id}.json"
        try:
            filled_messages(world, channel_id, read_bytes(path))
        except FileNotFoundError:
            return
        except (DamagedWorld, OSError) as error:
            set_aside(path, str(error))

    def _load_file(self, world: World, file: StoredFile) -> None:
        path = self.folder / "files" / _name(file)
        with suppress(OSError):
            data = read_bytes(path)
            if len(data) != file.size:
                set_aside(path, f"it has {len(data)} bytes, not {file.size}")
                return
            world.model.files.put(file.path, file.content_type, data)
            self._written.add(path.name)

    def prepared(self, world: World, name: str, channel_ids: Iterable[int]) -> Save:
        """Return what is to be written, with the messages of these channels; nothing is written yet."""
        contents = {}
        stored = []
        for path, (kind, data) in world.model.files.newest(STORED_MB << 20):
            file = StoredFile(path, kind, len(data))
            stored.append(file)
            if _name(file) not in self._written:
                contents[_name(file)] = data
        return Save(
            encoded(world, name, stored[::-1]),
            {each: encoded_messages(world, each) for each in channel_ids if each in world.model.channels},
            contents,
            frozenset(world.model.channels),
            frozenset(map(_name, stored)),
        )

    def write(self, save: Save) -> None:
        """Write it, and remove what belongs to the world no more. Raises OSError.

        A save that is under way in another thread is finished first: the later one is what stays.
        """
        with self._writing:
            self._write(save)

    def _write(self, save: Save) -> None:
        for folder in (self.folder, self.folder / "messages", self.folder / "files"):
            make_folder(folder)
        for name, data in save.files.items():
            replace_file(self.folder / "files" / name, data)
            self._written.add(name)
        replace_file(self.folder / "world.json", save.world)
        for channel_id, messages in save.messages.items():
            replace_file(self.folder / "messages" / f"{channel_id}.json", messages)
        for path in (self.folder / "messages").glob("*.json"):
            if not path.stem.isdecimal() or int(path.stem) not in save.channel_ids:
                path.unlink(missing_ok=True)
        for gone in self._written - save.names:
            (self.folder / "files" / gone).unlink(missing_ok=True)
        self._written &= save.names


def _name(file: StoredFile) -> str:
    return hashlib.sha256(f"{file.path} {file.size}".encode()).hexdigest()
