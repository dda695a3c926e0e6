from __future__ import annotations

from nescord_core.sandbox.world.default_avatar import default_avatar
from nescord_core.sandbox.world.image_size import image_size


def test_there_are_six_different_pictures() -> None:
    found = [default_avatar(index) for index in range(6)]
    assert len(set(found)) == 6
    assert {image_size(each or b"") for each in found} == {(128, 128)}
    assert default_avatar(6) is None
