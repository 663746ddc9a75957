"""The interactive engine as the window uses it: real processes, small models."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotator.domain.geometry import Box, Mask, Polygon
from annotator.domain.overlap import iou
from annotator.domain.prompt import Prompt, around, click
from annotator.jobs.prompting import events
from annotator.jobs.prompting.client import PromptingEngine
from annotator.jobs.prompting.messages import Ask, Keep, PictureFile
from tests.unit.jobs.prompting.models import RADIUS

WIDTH, HEIGHT = 128, 96
HERE = Prompt((click(60, 50),))
LOADER = "tests.unit.jobs.prompting.models:load"


class Heard:
    """What the engine said, in order."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._arrived = threading.Condition()

    def __call__(self, event: Any) -> None:
        with self._arrived:
            self.events.append(event)
            self._arrived.notify_all()

    def of(self, kind: type[Any]) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]

    def wait_for(self, kind: type[Any], number: int = 1, seconds: float = 60.0) -> Any:
        with self._arrived:
            met = self._arrived.wait_for(lambda: len(self.of(kind)) >= number, seconds)
        assert met, f"waited for {number} {kind.__name__}, heard {self.events}"
        return self.of(kind)[number - 1]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def engine(heard: Heard, tmp_path: Path) -> Iterator[PromptingEngine]:
    made = PromptingEngine(heard, log_path=tmp_path / "smart.log", loader=LOADER)
    yield made
    made.close()


def picture(tmp_path: Path, number: int = 1, color: tuple[int, int, int] = (90, 120, 150)) -> PictureFile:
    path = tmp_path / f"{number}.png"
    Image.new("RGB", (WIDTH, HEIGHT), color).save(path)
    return PictureFile(number, str(path), WIDTH, HEIGHT)


def full(candidate: events.Candidate) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    height, width = candidate.mask.shape
    mask[candidate.y : candidate.y + height, candidate.x : candidate.x + width] = candidate.mask
    return mask


def disk(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.hypot(columns - x, rows - y) <= radius


def test_a_click_becomes_candidates_and_those_become_geometries(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("disks")
    engine.look([shown])
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    answer = heard.wait_for(events.PromptAnswered)
    assert heard.of(events.ModelReady) == [events.ModelReady("disks", "1", "cpu", True)]
    assert [round(c.score, 1) for c in answer.candidates] == [0.9, 0.6, 0.3]
    assert answer.scale == (1.0, 1.0)
    for n, candidate in enumerate(answer.candidates, 1):
        assert (full(candidate) == disk(60, 50, RADIUS * n)).all()

    for request, form in enumerate(("mask", "polygon", "box"), 2):
        engine.keep(Keep(request, shown, HERE.to_json(), form, 0.5, 1.0, 1, 1))
    heard.wait_for(events.GeometryKept, 3)
    mask, polygon, box = (kept.geometry for kept in heard.of(events.GeometryKept))
    assert isinstance(mask, Mask)
    assert (mask.to_full_array(HEIGHT, WIDTH) == disk(60, 50, 2 * RADIUS)).all()
    assert isinstance(polygon, Polygon)
    assert iou(mask, polygon) > 0.95
    assert box == Box(*mask.bounds())
    assert [kept.score for kept in heard.of(events.GeometryKept)] == pytest.approx([0.6] * 3)


def test_a_further_click_refines_the_candidate_that_was_chosen(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("disks")
    engine.look([shown])
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    heard.wait_for(events.PromptAnswered)
    engine.ask(Ask(2, shown, Prompt((click(60, 50), click(80, 50))).to_json(), 1.0, (1, 0)))
    second = heard.wait_for(events.PromptAnswered, 2)
    assert (full(second.candidates[0]) == disk((60 + 80 + 60) / 3, 50, RADIUS)).all()


def test_of_many_prompts_only_the_newest_is_answered(engine: PromptingEngine, heard: Heard, tmp_path: Path) -> None:
    shown = picture(tmp_path)
    engine.use("slow")
    engine.look([shown])
    for request in range(1, 6):
        engine.ask(Ask(request, shown, HERE.to_json(), 1.0))
    answer = heard.wait_for(events.PromptAnswered)
    assert answer.request == 5
    engine.ask(Ask(6, shown, HERE.to_json(), 1.0))
    heard.wait_for(events.PromptAnswered, 2)
    assert [a.request for a in heard.of(events.PromptAnswered)] == [5, 6]


def test_the_current_picture_is_read_before_the_next_and_none_else(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    first, second, third = (picture(tmp_path, n) for n in (1, 2, 3))
    engine.use("slow")
    engine.look([second, third])
    heard.wait_for(events.PictureRead, 2)
    engine.look([third, first])
    heard.wait_for(events.PictureRead, 3)
    engine.look([second])
    heard.wait_for(events.PictureRead, 4)
    assert [e.image_id for e in heard.of(events.PictureReading)] == [2, 3, 1, 2]
    assert [e.image_id for e in heard.of(events.PictureRead)] == [2, 3, 1, 2]
    assert heard.of(events.PictureRead)[0].seconds >= 0.3


def test_a_picture_that_one_moves_on_from_is_left_off_for_the_current_one(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    """The green one takes a minute: whoever had to wait for it would fail here."""
    endless, first, second = picture(tmp_path, 1, (0, 255, 0)), picture(tmp_path, 2), picture(tmp_path, 3)
    engine.use("interruptible")
    engine.look([endless, first])
    assert heard.wait_for(events.PictureReading).image_id == 1
    engine.look([first, second])
    heard.wait_for(events.PictureRead, 2, seconds=50)
    engine.look([second, endless])
    assert heard.wait_for(events.PictureReading, 4).image_id == 1
    engine.look([first, endless])  # still wanted, but later
    heard.wait_for(events.PictureRead, 3, seconds=50)
    assert [e.image_id for e in heard.of(events.PictureRead)] == [2, 3, 2]
    assert heard.wait_for(events.PictureReading, 6).image_id == 1
    assert [e.image_id for e in heard.of(events.PictureReading)] == [1, 2, 3, 1, 2, 1]


def test_killed_while_reading_it_says_so_reads_again_and_answers_the_click(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("slow")
    engine.look([shown])
    heard.wait_for(events.PictureReading)
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    before = engine.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    answer = heard.wait_for(events.PromptAnswered)
    assert answer.request == 1
    assert [e.reason for e in heard.of(events.PromptingRestarted)] == ["signal 9"]
    assert [e.image_id for e in heard.of(events.PictureReading)] == [1, 1]
    assert engine.pid not in (None, before)


def test_killed_between_two_clicks_the_next_one_works_and_an_old_candidate_can_be_kept(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("disks")
    engine.look([shown])
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    heard.wait_for(events.PromptAnswered)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    heard.wait_for(events.PromptingRestarted)
    engine.ask(Ask(2, shown, HERE.to_json(), 1.0, (1, 0)))
    engine.keep(Keep(3, shown, HERE.to_json(), "box", 1.0, 1.0, 1, 0))
    assert heard.wait_for(events.PromptAnswered, 2).request == 2
    assert heard.wait_for(events.GeometryKept).geometry == Box(50, 40, 70, 60)


def test_a_picture_that_kills_it_twice_is_left_alone_and_the_others_go_on(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    deadly, good = picture(tmp_path, 1, (255, 0, 0)), picture(tmp_path, 2)
    engine.use("slow")
    engine.look([deadly, good])
    engine.ask(Ask(1, deadly, HERE.to_json(), 1.0))
    assert heard.wait_for(events.PictureUnread).image_id == 1
    assert "1.png" in heard.of(events.PictureUnread)[0].what
    assert heard.wait_for(events.RequestFailed).request == 1
    engine.look([good])
    engine.ask(Ask(2, good, HERE.to_json(), 1.0))
    assert heard.wait_for(events.PromptAnswered).request == 2
    engine.look([deadly, good])
    assert heard.wait_for(events.PictureUnread, 2).image_id == 1


def test_a_prompt_that_kills_it_twice_fails(engine: PromptingEngine, heard: Heard, tmp_path: Path) -> None:
    shown = picture(tmp_path)
    engine.use("deadly")
    engine.look([shown])
    heard.wait_for(events.PictureRead)
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    assert heard.wait_for(events.RequestFailed).request == 1
    assert len(heard.of(events.PromptingRestarted)) == 2


def test_a_prompt_that_kills_it_while_the_picture_is_being_read_fails_and_the_picture_is_not_blamed(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("deadly while reading")
    engine.look([shown])
    heard.wait_for(events.PictureReading)
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    assert heard.wait_for(events.RequestFailed).request == 1
    heard.wait_for(events.PromptingRestarted, 2)
    assert not heard.of(events.PictureUnread)


def test_a_model_that_kills_it_at_once_is_given_up(engine: PromptingEngine, heard: Heard, tmp_path: Path) -> None:
    engine.use("stillborn")
    engine.look([picture(tmp_path)])
    gone = heard.wait_for(events.PromptingGone)
    assert "exit status 3" in gone.what
    engine.use("disks")
    assert heard.wait_for(events.ModelReady).model == "disks"


def test_a_model_that_is_not_there_says_what_to_do_and_another_can_be_taken(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("absent")
    engine.look([shown])
    assert heard.wait_for(events.ModelRefused).cure == "Run: annotator models pull absent"
    engine.use("disks")
    engine.ask(Ask(1, shown, HERE.to_json(), 1.0))
    assert heard.wait_for(events.PromptAnswered).request == 1


def test_errors_are_answers(engine: PromptingEngine, heard: Heard, tmp_path: Path) -> None:
    shown, missing = picture(tmp_path), PictureFile(2, str(tmp_path / "gone.png"), 10, 10)
    engine.use("disks")
    engine.look([shown, missing])
    assert heard.wait_for(events.PictureUnread).image_id == 2
    engine.ask(Ask(1, shown, Prompt((click(5, 5, positive=False),)).to_json(), 1.0))
    assert "Nothing says yet" in heard.wait_for(events.RequestFailed).what
    engine.use("buggy")
    engine.ask(Ask(2, shown, HERE.to_json(), 1.0))
    assert "ZeroDivisionError" in heard.wait_for(events.RequestFailed, 2).what


def test_a_slow_model_draws_at_the_screens_size_and_keeps_at_the_pictures(
    engine: PromptingEngine, heard: Heard, tmp_path: Path
) -> None:
    shown = picture(tmp_path)
    engine.use("slow")
    engine.look([shown])
    engine.ask(Ask(1, shown, HERE.to_json(), 0.5))
    assert heard.wait_for(events.PromptAnswered).scale == (0.5, 0.5)
    engine.keep(Keep(2, shown, around(Box(30, 30, 50, 50)).to_json(), "mask", 1.0))
    kept = heard.wait_for(events.GeometryKept).geometry
    assert isinstance(kept, Mask)
    assert iou(kept, Mask.from_array(disk(40, 40, RADIUS * 2))) > 0.2  # a disk of the smaller raster, twice as large


def test_it_ends_when_its_window_is_gone(engine: PromptingEngine, heard: Heard, tmp_path: Path) -> None:
    engine.use("slow")
    engine.look([picture(tmp_path)])
    heard.wait_for(events.PictureReading)
    pid = engine.pid
    assert pid is not None
    engine.close()
    assert engine.pid is None
    assert subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode != 0
    assert list(Path("/dev/shm").glob("annotator-planes-*")) == []
