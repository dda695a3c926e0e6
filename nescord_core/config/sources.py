"""Reads configuration from its sources: nescord.toml, .env, environment variables and flags."""

from __future__ import annotations

import hashlib
import io
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from nescord_core.config.effective import Effective, parsed
from nescord_core.config.keys import BY_NAME, KEYS, Key
from nescord_core.errors import ConfigError
from nescord_core.process.safe_text import printable

__all__ = [
    "ENV_FILE",
    "FILE",
    "digest_of",
    "dotenv",
    "from_document",
    "from_flags",
    "from_toml",
    "from_variables",
]

FILE = "nescord.toml"
ENV_FILE = ".env"


def digest_of(project: Path) -> str:
    """Return a digest of the contents of a project's configuration files."""
    digest = hashlib.blake2b(digest_size=16)
    for path in (project / FILE, project / ENV_FILE):
        with suppress(OSError):
            content = path.read_bytes() if path.is_file() else b""
            digest.update(b"%d %s" % (len(content), content))
        digest.update(b"/")
    return digest.hexdigest()


def dotenv(path: Path) -> Mapping[str, str]:
    """Read the variables of a .env file; none if there is no such file.

    Raises:
        ConfigError: a line is not NAME=VALUE. Without that token `nescord dev` would use the sandbox.

    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise _unparsable(path, binding.original.line, binding.original.string)
    return {
        name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None
    }


def _unparsable(path: Path, number: int, original: str) -> ConfigError:
    """Return the error for a line of .env; its value is not shown, because it may be a secret."""
    number += original[: len(original) - len(original.lstrip())].count("\n")
    name, equals, _ = original.strip().partition("=")
    shown = f"{name.rstrip()}=..." if equals else f"{name.split()[0]} ..." if name.split()[1:] else name
    return ConfigError(
        f"this is not NAME=VALUE: {printable(shown, 80)}",
        where=f"{path}, line {number}",
        hint="Check its quotes and its =.",
    )


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> ConfigError:
    if isinstance(error, OSError):
        return ConfigError(
            f"cannot read this file: {error.strerror}.", where=str(path), hint="Check its permissions."
        )
    return ConfigError(
        f"this is not UTF-8: {error.reason} at byte {error.start}.",
        where=str(path),
        hint="Save the file as UTF-8.",
    )


def from_toml(path: Path) -> Iterator[Effective]:
    """Read nescord.toml; yields nothing if there is no such file."""
    if not path.is_file():
        return
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte order mark
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"this is not valid TOML: {error}.", where=str(path), hint="Fix that line."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand nested arrays
        raise ConfigError(f"this cannot be read: {error}.", where=str(path), hint="Fix that value.") from None
    yield from from_document(document, path)


def from_document(document: Mapping[str, Any], path: Path) -> Iterator[Effective]:
    """Read the keys of a parsed nescord.toml; rejects secrets and unknown keys."""
    for name, value in _flatten(document):
        key = BY_NAME.get(name)
        if key is None:
            raise _unknown_key(name, path)
        if key.secret:
            raise _secret(key, path, name)
        yield Effective(key, parsed(key, value, f"{path}, {name}"), FILE)


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping) and f"{prefix}{name}" not in BY_NAME:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _secret(key: Key, path: Path, name: str) -> ConfigError:
    return ConfigError(
        "secrets do not belong in a file that is committed.",
        where=f"{path}, {name}",
        hint=f"Set {key.env} in .env or the environment, and remove the key from {FILE}.",
    )


def _meant(name: str) -> Key | None:
    """Return the key that an unknown name stands for: its variable, or the token wherever it is written."""
    last = name.rpartition(".")[2].upper()
    if last == "TOKEN" or last.endswith("_TOKEN"):
        return BY_NAME["token"]
    return next((key for key in KEYS if key.env == last), None)


def _unknown_key(name: str, path: Path) -> ConfigError:
    meant = _meant(name)
    if meant is not None and meant.secret:
        return _secret(meant, path, name)
    if meant is not None:
        return ConfigError(
            f"{meant.env} is a variable.",
            where=f"{path}, {name}",
            hint=f"Set it in .env or the environment, or write {meant.name} in {FILE}.",
        )
    near = get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
    section = name.partition(".")[0]
    known = ", ".join(k.removeprefix(f"{section}.") for k in BY_NAME if k.startswith(f"{section}."))
    hint = f"Did you mean {near[0]}?" if near else ""
    if known:
        hint = f"{hint} The keys of [{section}] are {known}.".strip()
    if not hint:
        sections = sorted({k.partition(".")[0] for k in BY_NAME if "." in k})
        hint = f"The sections are {', '.join(sections)}; `nescord doctor` lists every key."
    return ConfigError("unknown key.", where=f"{path}, {name}", hint=hint)


def from_variables(variables: Mapping[str, str], suffix: str) -> Iterator[Effective]:
    """Read the keys set by variables; ``suffix`` names their source, such as " in .env"."""
    for key in KEYS:
        text = variables.get(key.env, "")
        if text.strip():
            yield Effective(key, parsed(key, text.strip(), f"{key.env}{suffix}"), f"{key.env}{suffix}")


def from_flags(flags: Mapping[str, Any]) -> Iterator[Effective]:
    """Read the keys set on the command line; None means not set."""
    for name, value in flags.items():
        if value is not None:
            key = BY_NAME[name]
            spelled = name.rpartition(".")[2].replace("_", "-")
            yield Effective(key, parsed(key, value, f"--{spelled} ({name})"), "flag")
