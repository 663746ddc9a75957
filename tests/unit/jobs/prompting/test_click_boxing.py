"""Clicks to boxes as the interactive engine finds them: drawn like the examples, which are looked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import pytest

from annotator.domain.geometry import Box
from annotator.domain.overlap import iou
from annotator.errors import ImageError, ModelError
from annotator.jobs.prompting import click_boxing, events
from annotator.jobs.prompting.click_boxing import ClickBoxing
from annotator.jobs.prompting.client import PromptingEngine
from annotator.jobs.prompting.messages import Boxed, FindBox, PictureFile
from tests.unit.jobs.prompting.test_client import LOADER, Heard
from tests.unit.learning.test_click_boxes import drawn


def picture(folder: Path, seed: int) -> Boxed:
    """Two disks on a picture, and boxes as somebody draws them who leaves a wide margin on top."""
    pixels, boxes = drawn(seed)
    path = folder / f"{seed}.png"
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return Boxed(PictureFile(seed, str(path), pixels.shape[1], pixels.shape[0]), tuple(box.bounds() for box in boxes))


def on(boxed: Boxed, examples: tuple[Boxed, ...] = (), request: int = 1) -> tuple[FindBox, Box]:
    """A click on the first disk, and its box."""
    box = Box(*boxed.boxes[0])
    return FindBox(request, boxed.picture, (box.x1 + box.x2) / 2, box.y2 - 20, examples), box


def test_a_box_is_drawn_as_the_examples_are(tmp_path: Path) -> None:
    boxing, examples = ClickBoxing(), tuple(picture(tmp_path, seed) for seed in range(3))
    shown = picture(tmp_path, 4)
    alone, box = on(shown)
    taught, _ = on(shown, examples)
    assert iou(boxing.find(taught), box) > iou(boxing.find(alone), box) + 0.1


def test_one_more_example_is_the_only_one_that_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Box] = []
    real = click_boxing.lesson_of

    def counting(scene: Any, box: Box) -> Any:
        looked.append(box)
        return real(scene, box)

    monkeypatch.setattr(click_boxing, "lesson_of", counting)
    boxing, first, second = ClickBoxing(), picture(tmp_path, 0), picture(tmp_path, 1)
    boxing.find(on(second, (first,))[0])
    assert len(looked) == 2
    boxing.find(on(second, (first,))[0])
    one_more = Boxed(second.picture, second.boxes[:1])
    boxing.find(on(second, (first, one_more))[0])
    assert [box.bounds() for box in looked] == [*first.boxes, second.boxes[0]]


def test_a_missing_example_teaches_nothing_and_a_missing_picture_is_said(tmp_path: Path) -> None:
    gone = Boxed(PictureFile(9, str(tmp_path / "gone.png"), 240, 160), ((10, 10, 20, 20),))
    shown = picture(tmp_path, 4)
    asked, box = on(shown, (gone,))
    assert iou(ClickBoxing().find(asked), box) > 0.2
    with pytest.raises(ImageError):
        ClickBoxing().find(on(gone)[0])
    with pytest.raises(ModelError, match="outside"):
        ClickBoxing().find(FindBox(1, shown.picture, 500, 5))


def test_the_engine_answers_whatever_model_serves_the_smart_tool(tmp_path: Path) -> None:
    heard = Heard()
    engine = PromptingEngine(heard, log_path=tmp_path / "smart.log", loader=LOADER)
    try:
        shown = picture(tmp_path, 4)
        engine.use("absent")
        asked, box = on(shown, request=-1)
        engine.keep(asked)
        found = heard.wait_for(events.GeometryKept)
        assert heard.of(events.ModelRefused)
        assert found.request == -1
        assert isinstance(found.geometry, Box)
        assert found.geometry.x1 == pytest.approx(box.x1, abs=6)
        assert found.geometry.x2 == pytest.approx(box.x2, abs=6)
    finally:
        engine.close()
