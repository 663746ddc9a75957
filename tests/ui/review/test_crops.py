"""Crops: the part of the picture that is meant, a little around it, never beyond its edge, and kept for the next time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.project import Project
from ui.review.crops import SIDES, Crop, CropLoader, cut_out, side_for


def test_a_part_is_cut_with_a_margin_and_inside_the_picture() -> None:
    pixels = np.arange(100 * 200 * 3, dtype=np.uint32).reshape(100, 200, 3).astype(np.uint8)
    assert np.array_equal(cut_out(pixels, (50, 20, 150, 70), 1.0), pixels[16:74, 42:158])
    assert np.array_equal(cut_out(pixels, (100, 40, 300, 140), 0.5), pixels[16:74, 42:158])
    assert cut_out(pixels, (-20, -20, 500, 400), 1.0).shape == (100, 200, 3)
    assert cut_out(pixels, (199.6, 99.7, 199.9, 99.9), 1.0).shape == (1, 1, 3)
    assert cut_out(pixels, (250, 150, 260, 160), 1.0).size > 0


@pytest.mark.parametrize(("pixels", "side"), [(56, SIDES[0]), (160, SIDES[0]), (161, SIDES[1]), (900, SIDES[-1])])
def test_crops_are_kept_in_few_sizes(pixels: float, side: int) -> None:
    assert side_for(pixels) == side


def test_crops_come_behind_and_a_lost_picture_is_told(qtbot: Any, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[40:80, 60:120] = (250, 10, 10)
    Pillow.fromarray(picture).save(folder / "a.png")
    Pillow.fromarray(picture).save(folder / "b.png")
    with Project.create(tmp_path / "p", folder, ["cat"]) as project:
        first, second = project.images.ids().tolist()
        (folder / "b.png").unlink()
        loader = CropLoader()
        loader.follow(project)
        part, lost = Crop(first, (64, 44, 116, 76)), Crop(second, (64, 44, 116, 76))
        assert loader.get(part) is None
        assert loader.get(lost) is None
        qtbot.waitUntil(lambda: loader.waiting == 0)
        image = loader.get(part)
        assert image is not None
        middle = image.pixelColor(image.width() // 2, image.height() // 2)
        assert middle.red() > 200 and middle.green() < 60
        assert loader.get(lost) is None
        assert loader.is_lost(lost) and not loader.is_lost(part)
        loader.close()
