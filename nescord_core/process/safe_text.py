"""Makes untrusted text safe for logs and terminals. Pure."""

from __future__ import annotations

import re

__all__ = ["for_terminal", "printable"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_CONTROL_BUT_BREAKS = re.compile(rf"(?![\t\n]){_CONTROL.pattern}")
_FORGED = re.compile(r"\n(?=\d\d:\d\d:\d\d )")


def printable(text: str, most: int = 200) -> str:
    """Return at most ``most`` characters of a text on one line, with control characters escaped.

    A close reason, a URL or a name that a peer sends could otherwise forge log lines or steer a terminal.
    """
    if len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    return _CONTROL.sub(_escaped, text)


def for_terminal(text: str) -> str:
    """Return a log record with control characters escaped, apart from tabs and its own line breaks.

    A line that begins as a record does is indented: text from elsewhere cannot forge one.
    """
    return _FORGED.sub("\n    ", _CONTROL_BUT_BREAKS.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode()
