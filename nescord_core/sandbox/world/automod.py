"""Auto moderation: matches a text against a rule. Pure.

https://discord.com/developers/docs/resources/auto-moderation
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ALERT", "BLOCK", "MAX_RULES", "TIMEOUT", "Match", "find_match"]

KEYWORD, SPAM, PRESET, MENTIONS, PROFILE = 1, 3, 4, 5, 6
BLOCK, ALERT, TIMEOUT = 1, 2, 3
MAX_RULES: Mapping[int, int] = {KEYWORD: 6, SPAM: 1, PRESET: 1, MENTIONS: 1, PROFILE: 1}
"""The number of rules of each trigger type that a guild may have."""

MENTION = re.compile(r"<@[!&]?\d+>")
PRESETS: Mapping[int, tuple[str, ...]] = {1: ("damn", "hell"), 2: ("sexy", "nude"), 3: ("slur",)}
"""A few words in place of Discord's lists (profanity, sexual content, slurs), which are not public."""
LETTER = r"[^\W_]"


@dataclass(frozen=True, slots=True)
class Match:
    """A match of a rule: the keyword or pattern (None for mentions), and the part of the text."""

    keyword: str | None
    content: str | None


def find_match(trigger_type: int, metadata: Mapping[str, Any], text: str) -> Match | None:
    """Return the match of a rule in a text, or None. Spam cannot be recognised by the text alone."""
    if trigger_type == MENTIONS:
        limit = metadata.get("mention_total_limit")
        caught = limit is not None and len(set(MENTION.findall(text))) > int(limit)
        return Match(None, None) if caught else None
    allowed = [each.lower() for each in metadata.get("allow_list") or ()]
    if trigger_type == PRESET:
        words = [word for each in metadata.get("presets") or () for word in PRESETS[each]]
        return _find_keyword(words, allowed, text)
    if trigger_type not in (KEYWORD, PROFILE):
        return None
    found = _find_keyword(metadata.get("keyword_filter") or (), allowed, text)
    return found or _find_pattern(metadata.get("regex_patterns") or (), text)


def _find_keyword(keywords: Iterable[str], allowed: list[str], text: str) -> Match | None:
    for keyword in keywords:
        for found in re.finditer(_keyword_pattern(keyword), text, re.IGNORECASE):
            if not any(_within(found.span(), each, text.lower()) for each in allowed):
                return Match(keyword, found[0])
    return None


def _keyword_pattern(keyword: str) -> str:
    """Return a keyword as a regular expression: a whole word, unless an end has an asterisk."""
    bare = keyword.strip("*")
    left = rf"{LETTER}*" if keyword.startswith("*") else rf"(?<!{LETTER})"
    right = rf"{LETTER}*" if keyword.endswith("*") else rf"(?!{LETTER})"
    return f"{left}{re.escape(bare)}{right}"


def _within(span: tuple[int, int], allowed: str, text: str) -> bool:
    """Return whether a match is within an allowed phrase."""
    pattern = _keyword_pattern(allowed)
    return any(each.start() <= span[0] and span[1] <= each.end() for each in re.finditer(pattern, text))


def _find_pattern(patterns: Iterable[str], text: str) -> Match | None:
    for pattern in patterns:
        try:
            found = re.search(pattern, text, re.IGNORECASE)
        except re.error:
            continue  # Discord uses Rust's syntax: a pattern that Python cannot compile matches nothing
        if found:
            return Match(pattern, found[0])
    return None
