"""Import hook that loads the bot author's modules from their current source, never from a .pyc file.

Python trusts a .pyc whose recorded source size and modification time, in whole seconds, still match
(https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation): after two saves of equal
length within one second the bot would run the first. Compiled code is cached in state_dir instead, by the
digest of its source, so that a reload compiles only what has changed.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from contextlib import suppress
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

from nescord_core.process.state_dir import make_folder, read_bytes, replace_file
from nescord_core.reload.loading.own_code import is_own

__all__ = ["CodeCache", "SourceLoader", "install"]

DIGEST = 16


class CodeCache:
    """Cache of compiled code in ``directory``: one file per module, valid for one digest of its source.

    It only saves time: an entry that is unreadable, damaged or cannot be written counts as a cache miss.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._compiler = f"{MAGIC_NUMBER.hex()} {sys.flags.optimize}".encode()

    def load(self, path: str, source: bytes) -> CodeType | None:
        """Return the compiled code of this path if it was compiled from exactly this source."""
        try:
            entry = read_bytes(self._file(path))
            checksum, code = entry[: 2 * DIGEST], entry[2 * DIGEST :]
            if checksum != self._checksum(source, code):
                return None
            loaded = marshal.loads(code)  # noqa: S302 - in state_dir, as trusted as a .pyc, and checksummed
        except (OSError, ValueError, EOFError, TypeError):
            return None
        return loaded if isinstance(loaded, CodeType) else None

    def store(self, path: str, source: bytes, code: CodeType) -> None:
        """Write an entry atomically, for later processes."""
        data = marshal.dumps(code)
        with suppress(OSError):
            make_folder(self._directory)
            replace_file(self._file(path), self._checksum(source, data) + data)

    def _file(self, path: str) -> Path:
        return self._directory / _digest(os.fsencode(path)).hex()

    def _checksum(self, source: bytes, code: bytes) -> bytes:
        return _digest(self._compiler + source) + _digest(code)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


class SourceLoader(SourceFileLoader):
    """Loads a module from its current source."""

    cache: CodeCache | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the compiled source, from the cache where possible."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        if self.cache is None:
            return self._compiled(source, path)
        code = self.cache.load(path, source)
        if code is None:
            code = self._compiled(source, path)
            self.cache.store(path, source, code)
        return code

    def _compiled(self, source: bytes, path: str) -> CodeType:
        code: CodeType = self.source_to_code(source, path)
        return code


_installed: set[Path] = set()


def install(project: Path, cache: CodeCache | None = None) -> None:
    """Put ``project`` (absolute) first on the import path; load own modules from their current source.

    A second call for the same project changes nothing: a process forked in advance calls it again.
    """
    if project in _installed:
        return
    _installed.add(project)
    loader = type("SourceLoader", (SourceLoader,), {"cache": cache})
    new_finder = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (loader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> FileFinder:
        if not is_own(path or str(Path.cwd()), project):
            raise ImportError("not a directory of the bot's own code", path=path)
        finder: FileFinder = new_finder(path)  # type: ignore[assignment]
        return finder

    sys.path_hooks.insert(0, hook)
    # Finders of installed packages notice changes by themselves; recreating them takes longer than loading a
    # small project.
    for path in [path for path in sys.path_importer_cache if is_own(path, project)]:
        del sys.path_importer_cache[path]
    if str(project) in sys.path:
        sys.path.remove(str(project))
    sys.path.insert(0, str(project))
