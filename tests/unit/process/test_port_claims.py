"""Claims on ports between processes of one user."""

from __future__ import annotations

from pathlib import Path

from nescord_core.process.port_claims import PortClaims


def test_of_two_the_second_gets_none_of_the_ports(tmp_path: Path) -> None:
    first, second, third = (PortClaims(tmp_path / "claims") for _ in range(3))
    assert first.take([7401, 7402])
    assert first.take([7402]), "it has it already"
    assert not second.take([7400, 7401])
    assert third.take([7400]), "the second has given it back"
    first.close()
    assert second.take([7401])


def test_without_a_place_for_claims_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("not a directory")
    assert PortClaims(tmp_path / "claims").take([7400])
    assert PortClaims(tmp_path / "absent" / "claims").take([7400])


def test_files_of_others_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "7400.lock").symlink_to(target)
    assert PortClaims(tmp_path / "claims").take([7400])
    assert not target.exists()
