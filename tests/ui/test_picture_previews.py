"""The pictures of an import's preview: the geometry is where the dataset says, whatever its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.domain.geometry import Box, Geometry, Keypoints, Mask, Point, Polygon, PolygonPart, RotatedBox, Tag
from annotator.formats.dataset import DatasetAnnotation
from annotator.job_context import QUIET
from annotator.usecases.import_preview import PicturePreview
from ui.dialogs.picture_previews import SIDE, draw_pictures

HOLE = np.ones((40, 60), bool)
HOLE[10:20, 10:30] = False
MASK = Mask.from_array(HOLE, 100, 80)


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """A grey picture of twice the side of a preview."""
    path = tmp_path / "grey.png"
    Pillow.new("RGB", (2 * SIDE, SIDE), (90, 90, 90)).save(path)
    return path


@pytest.mark.parametrize(
    ("geometry", "painted", "clean"),
    [
        (Box(100, 80, 300, 200), (100, 140), (500, 60)),
        (RotatedBox(200, 150, 100, 60, 90), (170, 150), (500, 60)),
        (Polygon((PolygonPart(((100, 80), (300, 80), (200, 200))),)), (200, 80), (500, 60)),
        (MASK, (101, 100), (300, 60)),
        (Point(200, 100), (200, 100), (260, 100)),
        (Keypoints(((200, 100, 2), (260, 100, 0))), (200, 100), (260, 100)),
        (Tag(), (20, 30), (500, 60)),
    ],
)
def test_each_kind_is_drawn_in_its_place(
    geometry: Geometry, painted: tuple[int, int], clean: tuple[int, int], grey: Path, qapp: Any
) -> None:
    preview = PicturePreview("grey.png", grey, 2 * SIDE, SIDE, (DatasetAnnotation("cat", geometry),))
    (drawn,) = draw_pictures([preview], {"cat": "#FF0000"}, QUIET)
    assert drawn.image is not None
    assert (drawn.image.width(), drawn.image.height()) == (SIDE, SIDE // 2)
    found = {at: drawn.image.pixelColor(at[0] // 2, at[1] // 2).getRgb()[:3] for at in (painted, clean)}
    assert found[painted] != (90, 90, 90)
    assert found[clean] == (90, 90, 90)


def test_a_picture_that_cannot_be_read_keeps_its_name(tmp_path: Path, qapp: Any) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    previews = [PicturePreview(name, path, 9, 9, ()) for name, path in (("broken.png", broken), ("gone.png", None))]
    assert [(each.name, each.image) for each in draw_pictures(previews, {}, QUIET)] == [
        ("broken.png", None),
        ("gone.png", None),
    ]
