"""JSON values that no field of a request expects, or not in that place."""

from __future__ import annotations

from typing import Any

__all__ = ["ODD_VALUES"]

ODD_VALUES: list[Any] = [
    *(0, -1, 1e308, 10**30, True, None),
    *("", "x", "\0", "null", "9" * 400, "9" * 5000, "٣", "²", "0x1", "x" * 5000, "data:image/png;base64,AA"),
    *([], {}, [[]], [{}], [None], [1], ["1"], {"id": "x"}, {"x": [1]}),
]
