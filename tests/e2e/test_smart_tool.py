"""The smart tool end to end: the real window, the real interactive engine, the model that ships, and Segment Anything."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PySide6.QtWidgets import QFileDialog

from annotator.domain.geometry import Box, Geometry, GeometryKind, Mask, Polygon
from annotator.domain.overlap import iou
from annotator.domain.prompt import PROMPT
from annotator.project import Project
from tests.e2e.hands import CTRL, SHIFT, Hands, Key
from tests.sam_checkpoint import write_checkpoint
from ui.canvas.tools.smart import SmartTool
from ui.dialogs.models_dialog import ModelsDialog

SIZE = (320, 240)
BALL = Box(60, 50, 160, 150)
BLOCK = Box(200, 90, 290, 200)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two pictures of a red ball and a blue block on grass."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        random = np.random.default_rng(number)
        grass = random.integers(-12, 12, (SIZE[1], SIZE[0], 3)) + np.array((70, 130, 60))
        picture = Image.fromarray(grass.clip(0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(picture)
        draw.ellipse(BALL.bounds(), fill=(205, 50, 45))
        draw.rectangle(BLOCK.bounds(), fill=(40, 60, 190))
        picture.save(folder / f"{number}.png")
    path = Project.folder_for(folder)
    Project.create(path, folder, ("ball", "block"), annotator="Ada").close()
    return path


@pytest.fixture
def hands(project: Path, open_window: Callable[[], Hands]) -> Hands:
    """The window on the first picture, the smart tool in hand."""
    worker = open_window()
    window = worker.window
    window.settings.update(auto_train=False)
    window.open_path(project)
    worker.until(lambda: window.session.page is not None and window.canvas.hasFocus())
    worker.until_picture()
    worker.key("s")
    assert isinstance(window.canvas.tool, SmartTool)
    return worker


def answered(hands: Hands) -> None:
    """Wait for the answer to the last step."""
    tool = hands.window.smart.tool()
    assert tool is not None
    hands.until(lambda: bool(tool.turns) and tool.turns[-1].answered)


def keep(hands: Hands) -> Geometry:
    """Enter, and the annotation that comes of it."""
    before = len(hands.page.annotations)
    hands.key(Key.Key_Return)
    hands.until(lambda: len(hands.page.annotations) == before + 1)
    return hands.last.geometry


def ball() -> Mask:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    mask = Mask.from_array(np.hypot(x - 110, y - 100) <= 50)
    assert mask is not None
    return mask


def best_of_three(hands: Hands, truth: Geometry) -> None:
    """Walk the candidates with Tab, and stop at the one nearest to the truth, as a person does."""
    tool = hands.window.smart.tool()
    assert tool is not None
    assert tool.shown is not None
    shapes = []
    for _ in tool.shown.views:
        view = tool.shown.view
        assert view is not None
        shapes.append(iou(view.polygon(0.5) or BLOCK, truth))
        hands.key(Key.Key_Tab)
    for _ in range(int(np.argmax(shapes))):
        hands.key(Key.Key_Tab)
    assert max(shapes) > 0.7


def test_things_become_a_mask_a_polygon_and_a_box(hands: Hands) -> None:
    window = hands.window
    hands.drag([(55, 45), (100, 100), (165, 155)])
    answered(hands)
    best_of_three(hands, ball())
    mask = keep(hands)
    assert isinstance(mask, Mask)
    assert iou(mask, ball()) > 0.8
    facts = hands.last.extra[PROMPT]
    assert (facts["model"], facts["kept_as"]) == ("embedded-segmenter", "mask")
    assert hands.label_of(hands.last) == "ball"

    hands.push(window.smart_bar.forms[GeometryKind.POLYGON])
    hands.key("2")
    hands.key("z")
    hands.drag([(195, 85), (240, 150), (295, 205)])
    answered(hands)
    best_of_three(hands, BLOCK)
    polygon = keep(hands)
    assert isinstance(polygon, Polygon)
    assert iou(polygon, BLOCK) > 0.8
    assert sum(len(part.outer) for part in polygon.parts) < 60

    hands.key("f")
    hands.push(window.smart_bar.forms[GeometryKind.BOX])
    hands.key(Key.Key_Escape)
    hands.click(110, 100)
    answered(hands)
    hands.click(205, 60, SHIFT)
    answered(hands)
    hands.key(Key.Key_Backspace)
    assert isinstance(keep(hands), Box)

    hands.until_saved()
    kinds = [a.kind for a in hands.page.annotations]
    assert sorted(kinds) == [GeometryKind.BOX, GeometryKind.MASK, GeometryKind.POLYGON]
    hands.key(Key.Key_Z, CTRL)
    assert len(hands.page.annotations) == 2


def test_a_box_becomes_a_mask_by_one_key(hands: Hands) -> None:
    hands.key("b")
    hands.drag([(58, 48), (100, 100), (162, 152)])
    hands.key("S", SHIFT)
    hands.until(lambda: isinstance(hands.last.geometry, Mask))
    assert iou(hands.last.geometry, ball()) > 0.75


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_segment_anything_from_a_file_read_ahead_killed_and_going_on(hands: Hands, tmp_path: Path) -> None:
    """A checkpoint of random weights: what it draws means nothing, but everything around it must work."""
    pytest.importorskip("segment_anything")
    window = hands.window
    weights = write_checkpoint(tmp_path, grid=16, width=96, depth=3)
    hands.push(window.smart_bar.model)
    dialog: Any = hands.dialog(ModelsDialog)
    row = next(y for y, model in enumerate(dialog.models) if model.id == "sam-vit-b")
    dialog.table.setCurrentCell(row, 0)
    hands.push(dialog.file)
    chooser = hands.dialog(QFileDialog)
    chooser.fileSelected.emit(str(weights))
    chooser.close()
    hands.until(lambda: "SHA-256 of tiny_sam.pth" in dialog.facts.text())
    dialog.close()
    hands.back()
    window.binding.focus()
    assert window.session.project.settings.get("smart.weights") == str(weights)

    said: list[str] = []
    window.smart.status_changed.connect(lambda text, waits: said.append(text))
    hands.until(lambda: window.smart.ready is not None and window.smart.ready.model == "sam-vit-b")
    pid = window.smart.pid
    assert pid is not None
    hands.click(110, 100)
    os.kill(pid, signal.SIGKILL)
    hands.until(lambda: any("signal 9" in text for text in window.toasts.texts))
    answered(hands)
    assert window.smart.pid not in (None, pid)
    tool = window.smart.tool()
    assert tool is not None
    assert any("reading the picture" in text for text in said)
    assert tool.turns[-1].answered
    hands.key("d")
    hands.until(lambda: window.session.image.id in window.smart._read)
    hands.click(110, 100)
    answered(hands)
    if tool.shown is not None:  # random weights may draw nothing
        keep(hands)
        assert hands.last.extra[PROMPT]["model"] == "sam-vit-b"
