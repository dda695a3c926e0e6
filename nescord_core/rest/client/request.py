"""The request of a call, built once and sent again for every retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from nescord_core.rest.client.parameters import UNSET, given, query_pairs
from nescord_core.rest.files import Part, form_parts, message_parts

__all__ = ["Request", "build"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


def to_json(value: Any) -> bytes:
    """Encode a body; payload views are sent as the raw JSON they were read from.

    Objects that know their JSON form are sent as that: those with ``to_dict()``, such as discord.Embed, and
    with ``to_components()``, such as a discord.ui.View.
    """
    return msgspec.json.encode(value, enc_hook=_json_of)


def _json_of(value: Any) -> Any:
    raw = getattr(value, "raw", None)
    if raw is not None:
        return raw
    for name in ("to_components", "to_dict"):
        convert = getattr(value, name, None)
        if callable(convert):
            return convert()
    raise TypeError(f"{type(value).__name__} is not JSON serializable.")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be sent repeatedly: sending consumes no part of it.

    ``repeatable`` is true if sending it twice cannot take effect twice: GET, PUT and DELETE, or a message
    whose nonce Discord enforces (https://discord.com/developers/docs/resources/message#create-message).
    ``timeout`` is in seconds over all attempts, None for a default by size.
    """

    method: str
    path: str
    body: bytes | None = None
    parts: Sequence[Part] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    enforced_nonce: bool = False
    timeout: float | None = None

    def with_call(self, *, timeout: float | None = None, priority: str = "") -> Request:
        """Return a copy with this time-out and priority."""
        headers = {**self.headers, "X-Nescord-Priority": priority} if priority else self.headers
        return replace(self, headers=headers, timeout=timeout)

    @property
    def repeatable(self) -> bool:
        return self.method in SAFE_METHODS or self.enforced_nonce

    @property
    def json(self) -> bytes:
        """The JSON that is sent, alone or with files; empty if there is none."""
        if self.body is not None:
            return self.body
        return next((part.data for part in self.parts if part.name == "payload_json"), b"")

    @property
    def size(self) -> int:
        """The body's size in bytes, without the headers of its parts."""
        return len(self.body or b"") + sum(len(part.data) for part in self.parts)


def build(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    json: Any = UNSET,
    form: Mapping[str, Any] | None = None,
    files: Sequence[Any] = (),
    reason: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build a request.

    Raises:
        ValueError: the reason is empty or longer than 512 characters.

    """
    pairs = query_pairs(query or {})
    target = f"{path}?{urlencode(pairs)}" if pairs else path
    all_headers = {**(headers or {}), **_audit_reason(reason)}
    if form is not None:
        return Request(method, target, parts=form_parts(given(form)), headers=all_headers)
    if json is UNSET and not files:
        return Request(method, target, headers=all_headers)
    enforced = isinstance(json, Mapping) and bool(json.get("enforce_nonce") and json.get("nonce"))
    if files:
        parts = message_parts({} if json is UNSET else json, files, to_json)
        return Request(method, target, parts=parts, headers=all_headers, enforced_nonce=enforced)
    all_headers["Content-Type"] = "application/json"
    return Request(method, target, body=to_json(json), headers=all_headers, enforced_nonce=enforced)


def _audit_reason(reason: str | None) -> dict[str, str]:
    """https://discord.com/developers/docs/resources/audit-log: 1 to 512 characters, URL-encoded."""
    if reason is None:
        return {}
    if not 1 <= len(reason) <= 512:
        raise ValueError(f"An audit log reason has 1 to 512 characters; this one has {len(reason)}.")
    return {"X-Audit-Log-Reason": quote(reason, safe=" ")}
