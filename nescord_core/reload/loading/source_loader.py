"""The project's modules are loaded as their source is now, never from a .pyc file beside it.

Python trusts a .pyc when the source's size and its time of change in whole seconds are as they were
(https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation): after two saves of equal
length within one second the bot would run the first. What was compiled is kept in state_dir instead, under
the digest of the source, so that a reload compiles what has changed alone.
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

__all__ = ["CodeCache", "SourceLoader", "install", "is_of_project"]

INSTALLED = frozenset({"site-packages", "dist-packages"})
DIGEST = 16


class CodeCache:
    """Compiled code in files of ``directory``, each under the digest of the source it was compiled from.

    It only ever saves time: what cannot be read, is damaged or cannot be written is compiled as if there were
    no cache.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._compiler = f"{MAGIC_NUMBER.hex()} {sys.flags.optimize}".encode()

    def load(self, path: str, source: bytes) -> CodeType | None:
        """Return the code of exactly this source at this path."""
        try:
            kept = self._file(path).read_bytes()
            seal, code = kept[: 2 * DIGEST], kept[2 * DIGEST :]
            if seal != self._seal(source, code):
                return None
            found = marshal.loads(code)  # noqa: S302 - in state_dir, as trusted as a .pyc, and sealed
        except (OSError, ValueError, EOFError, TypeError):
            return None
        return found if isinstance(found, CodeType) else None

    def keep(self, path: str, source: bytes, code: CodeType) -> None:
        """Write it down for the next process, in one step."""
        file, data = self._file(path), marshal.dumps(code)
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(self._seal(source, data) + data)
            fresh.replace(file)
        except OSError:
            with suppress(OSError):
                fresh.unlink()

    def _file(self, path: str) -> Path:
        return self._directory / _digest(os.fsencode(path)).hex()

    def _seal(self, source: bytes, code: bytes) -> bytes:
        return _digest(self._compiler + source) + _digest(code)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


class SourceLoader(SourceFileLoader):
    """Loads a module from its source as it is now."""

    cache: CodeCache | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        """Compile the source, unless the cache has it compiled already."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        if self.cache is None:
            return self._compiled(source, path)
        code = self.cache.load(path, source)
        if code is None:
            code = self._compiled(source, path)
            self.cache.keep(path, source, code)
        return code

    def _compiled(self, source: bytes, path: str) -> CodeType:
        code: CodeType = self.source_to_code(source, path)
        return code


def is_of_project(path: str, project: Path) -> bool:
    """Say whether a file or directory belongs to the project's own code, not to an environment inside it."""
    candidate = Path(path)
    return candidate.is_relative_to(project) and INSTALLED.isdisjoint(candidate.parts)


_installed: set[Path] = set()


def install(project: Path, cache: CodeCache | None = None) -> None:
    """Import from ``project`` (absolute) first, and its modules always as they are now.

    A second call for the same project, in a process that was forked ahead, changes nothing.
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
        if not is_of_project(path or str(Path.cwd()), project):
            raise ImportError("not a directory of the project", path=path)
        finder: FileFinder = new_finder(path)  # type: ignore[assignment]
        return finder

    sys.path_hooks.insert(0, hook)
    # The finders of other directories notice by themselves when those change; to make them anew takes longer
    # than to load a small project.
    below = [path for path in sys.path_importer_cache if path.startswith(str(project))]
    for path in [path for path in below if is_of_project(path, project)]:
        del sys.path_importer_cache[path]
    if str(project) in sys.path:
        sys.path.remove(str(project))
    sys.path.insert(0, str(project))
