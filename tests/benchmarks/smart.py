"""The smart tool on a picture of 12 megapixels: what a click and keeping cost the engine, and what an answer costs the window.

Processor time of the thread that does it, so that other programs do not disturb the figures.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from annotator.domain.prompt import Prompt, click
from annotator.jobs.prompting.answers import Answers
from annotator.jobs.prompting.messages import Ask, Keep, PictureFile
from annotator.jobs.prompting.pictures import Pictures
from tests.benchmarks.row import Row

WIDTH, HEIGHT = 4000, 3000
CANVAS = (1200, 900)
SCALE = 0.3


def rows(quick: bool) -> Iterator[Row]:
    repeat = 5 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        file = picture_file(Path(folder))
        yield from engine_rows(file, repeat)
    yield from window_rows(repeat)


def picture_file(folder: Path) -> PictureFile:
    """A ragged disc with some texture on a textured ground."""
    random = np.random.default_rng(0)
    ground = random.normal(110, 14, (HEIGHT // 8, WIDTH // 8, 3))
    y, x = np.mgrid[: HEIGHT // 8, : WIDTH // 8]
    ragged = 60 + 8 * np.sin(5 * np.arctan2(y - 180, x - 250))
    ground[np.hypot(x - 250, y - 180) < ragged] += (70, -20, -40)
    pixels = cv2.resize(ground.clip(0, 255).astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    path = folder / "picture.jpg"
    cv2.imwrite(str(path), pixels)
    return PictureFile(1, str(path), WIDTH, HEIGHT)


class Stopwatch:
    """Calls the model and remembers how long it took."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self.seconds = 0.0

    def __call__(self, *arguments: object, **named: object) -> object:
        start = time.thread_time()
        try:
            return self._function(*arguments, **named)
        finally:
            self.seconds += time.thread_time() - start


def engine_rows(file: PictureFile, repeat: int) -> Iterator[Row]:
    """A further click on the same thing, and keeping it as a mask, with the model that ships."""
    from annotator.models import catalogue

    model = catalogue.load("embedded-segmenter", device="cpu")
    segment, refine = Stopwatch(model.segment), Stopwatch(model.refine)
    model.segment, model.refine = segment, refine
    answers = Answers(Pictures(model))
    prompt = Prompt((click(2000, 1440),))
    answers.ask(Ask(1, file, prompt.to_json(), SCALE))
    clicks, beyond = [], []
    for number in range(2, repeat + 3):
        prompt = prompt.with_step(click(2000 + 25 * (number % 5), 1440 + 20 * (number % 3)))
        ask = Ask(number, file, prompt.to_json(), SCALE, (number - 1, 0))
        before, start = segment.seconds, time.thread_time()
        answers.ask(ask)
        took = time.thread_time() - start
        clicks.append(took)
        beyond.append(took - (segment.seconds - before))
    name = "smart tool, 12 megapixels: "
    yield Row(name + "the next click", ms(clicks[1:]), 60.0, "ms", note="the model that ships, one thread")
    yield Row(name + "a click beyond the model", ms(beyond[1:]), 10.0, "ms", note="at display resolution")
    kept = []
    for number in range(repeat):
        keep = Keep(-1 - number, file, prompt.to_json(), "mask", 1.5, SCALE, repeat + 2, 0)
        before, start = refine.seconds, time.thread_time()
        answers.keep(keep)
        kept.append(time.thread_time() - start - (refine.seconds - before))
    yield Row(name + "keeping a mask beyond the model", ms(kept[1:]), 100.0, "ms", note="at full resolution")


def window_rows(repeat: int) -> Iterator[Row]:
    """Three candidates arrive and the canvas paints the first, as a mask and as a polygon."""
    from PySide6.QtWidgets import QApplication

    from annotator.domain.geometry import GeometryKind
    from annotator.jobs.prompting.events import Candidate
    from ui.canvas import Canvas
    from ui.canvas.tools.smart import NUMBERS, SmartTool, Turn
    from ui.canvas.tools.smart_talk import Reply

    app = QApplication.instance() or QApplication([])
    canvas = Canvas()
    canvas.resize(*CANVAS)
    canvas.image_size = (WIDTH, HEIGHT)
    canvas.show()
    canvas.fit()
    tool = SmartTool()
    canvas.set_tool(tool)
    y, x = np.mgrid[:1200, :1600]
    masks = [np.hypot(x - 800, y - 600) < r + 20 * np.sin(9 * np.arctan2(y - 600, x - 800)) for r in (300, 400, 550)]
    for form in (GeometryKind.MASK, GeometryKind.POLYGON):
        canvas.smart.form = form
        times = []
        for _ in range(repeat + 1):
            turn = Turn(next(NUMBERS), Prompt((click(2000, 1500),)))
            tool.turns = [turn]
            reply = Reply(turn.number, tuple(Candidate(m.copy(), 0, 0, 0.9) for m in masks), (0.5, 0.5))
            start = time.thread_time()
            tool.answer(reply)
            canvas.grab()
            times.append(time.thread_time() - start)
        yield Row(f"window: an answer of the smart tool on screen, as a {form.value}", ms(times[1:]), 50.0, "ms")
    canvas.close()
    app.processEvents()


def ms(seconds: list[float]) -> float:
    """The median in milliseconds."""
    return 1000 * statistics.median(seconds)
