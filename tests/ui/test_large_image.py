"""A TIFF of 20,000 x 20,000 pixels in the real window: it is shown in tiles, panned, zoomed and drawn on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.domain.geometry import Box
from annotator.project import Project
from tests.ui.conftest import LABELS, press
from ui.canvas.images import pixels_of
from ui.main_window import MainWindow

SIDE, TILE = 20_000, 256
ROW, COLUMN = 30, 41
"""Of the one tile that is not empty."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    across = -(-SIDE // TILE)

    def tiles() -> Iterator[Any]:
        for number in range(across * across):
            colour = (250, 120, 30) if number == ROW * across + COLUMN else (0, 0, 0)
            # The first tile tells the writer what to expect; the others may be left out.
            yield np.full((TILE, TILE, 3), colour, np.uint8) if any(colour) or not number else None

    tifffile.imwrite(
        folder / "large.tif",
        tiles(),
        shape=(SIDE, SIDE, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="rgb",
        compression="zlib",
        bigtiff=True,
    )
    return folder


@pytest.fixture
def project_path(photos: Path) -> Path:
    path = Project.folder_for(photos)
    Project.create(path, photos, LABELS, annotator="Ada").close()
    return path


def covered(window: MainWindow) -> bool:
    layer = window.canvas._picture
    return layer.tiles is not None and layer.tiles.covers(window.canvas.view, layer.image.rect())


def colour_at(window: MainWindow, x: float, y: float) -> tuple[int, ...]:
    """RGB of the picture's layer at an image point."""
    window.canvas.grab()
    sx, sy = window.canvas.view.to_screen(x, y)
    blue, green, red, _ = pixels_of(window.canvas._picture.image)[int(sy), int(sx)].tolist()
    return red, green, blue


def test_it_is_shown_in_tiles_drawn_on_in_full_resolution_and_let_go(
    window: MainWindow, qtbot: Any, photos: Path
) -> None:
    canvas = window.canvas
    qtbot.waitUntil(lambda: canvas.image_size == (SIDE, SIDE))
    qtbot.waitUntil(lambda: covered(window))
    middle = (COLUMN + 0.5) * TILE, (ROW + 0.5) * TILE
    bright = colour_at(window, *middle)
    assert bright[0] > 150 and bright[2] < 60
    assert max(colour_at(window, 300, 300)) == 0

    for _ in range(40):  # the wheel zooms in at the bright tile
        if canvas.view.scale >= 1:
            break
        at = QPointF(*canvas.view.to_screen(*middle))
        event = QWheelEvent(
            at,
            canvas.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)
        canvas.grab()
    press(window, "0")
    assert canvas.view.scale == 1.0
    qtbot.waitUntil(lambda: covered(window))
    edge_x, edge_y = COLUMN * TILE, ROW * TILE
    assert colour_at(window, *middle) == (250, 120, 30)

    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 300))
    QTest.mouseMove(canvas, QPoint(340, 325))
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier, QPoint(340, 325))
    qtbot.waitUntil(lambda: covered(window))
    assert colour_at(window, edge_x + 1, edge_y + 1) == (250, 120, 30)
    assert colour_at(window, edge_x - 1, edge_y - 1) == (0, 0, 0)

    press(window, "b")
    start, end = (
        QPoint(*map(round, canvas.view.to_screen(x, y))) for x, y in ((edge_x, edge_y), (edge_x + 100, edge_y + 60))
    )
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    assert window.session.page is not None
    (box,) = [a.geometry for a in window.session.page.annotations]
    assert isinstance(box, Box)
    assert np.allclose(box.bounds(), (edge_x, edge_y, edge_x + 100, edge_y + 60), atol=1)
    assert (photos.with_name("photos.annotator") / "cache" / "tiles").is_dir()

    cache, tiles = window.binding._frames._cache, window.binding._frames.tiles._cache
    assert cache is not None and not cache._pictures  # nothing was decoded as a whole
    assert tiles is not None and 0 < tiles._bytes < tiles.max_bytes
    window.session.close()
    qtbot.waitUntil(lambda: not any(thread.is_alive() for thread in tiles._threads))
    assert canvas._picture.tiles is None
