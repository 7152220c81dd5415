"""Pictures: what is drawn can be measured, and what is not whole is noticed."""

from pathlib import Path

import pytest
from photos.pictures import BadPicture, draw, measure


def test_a_picture_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(draw(3, 64, 48))
    assert measure(path) == (64, 48)


def test_each_number_is_another_picture() -> None:
    assert len({draw(number, 32, 24) for number in range(60)}) == 60


@pytest.mark.parametrize("kept_bytes", [0, 20, 200])
def test_a_picture_that_is_cut_off_is_noticed(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(draw(3, 64, 48)[:kept_bytes])
    with pytest.raises(BadPicture):
        measure(path)


def test_a_picture_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(BadPicture):
        measure(tmp_path / "nothing.png")
