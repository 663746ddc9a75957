"""The Review wall over a hundred thousand suggestions: a frame while scrolling, a jump, a key, what its reading costs the window.

CPU time of the GUI thread, on the real window without a screen; crops are cut by loader threads beside it.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.apart import apart
from tests.benchmarks.row import Row

FRAME_PX = 60


def rows(quick: bool) -> Iterator[Row]:
    """60 frames a second leave 16 ms for each."""
    count = 20_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        found = apart("wall", "measure", place=str(Path(name) / "wall"), count=count)
    shown = f"{found['on_screen']} crops on screen"
    yield Row(f"wall of {count:,} crops: a frame while scrolling", found["scroll_ms"], 16, "CPU ms", note=shown)
    yield Row(f"wall of {count:,} crops: the slowest of 20 frames", found["scroll_p95_ms"], 16, "CPU ms")
    yield Row(f"wall of {count:,} crops: a jump", found["jump_ms"], 50, "CPU ms")
    yield Row(f"wall of {count:,} crops: mark one by its key", found["mark_ms"], 16, "CPU ms")
    yield Row(f"wall of {count:,} crops: shown when it has been read", found["show_ms"], 50, "CPU ms")
    yield Row(f"wall of {count:,} crops: larger crops", found["zoom_ms"], 50, "CPU ms")
    for what, (gap, busy, beats) in found["stalls"].items():
        note = f"{gap:.0f} ms of the clock, {beats:,} beats"
        yield Row(f"wall of {count:,} crops: busiest gap while {what}", busy, 50, "CPU ms", note=note)


def measure(place: str, count: int) -> dict[str, Any]:
    """In a process of its own."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from tests.benchmarks.desk import desk, pictures, project_of
    from tests.benchmarks.window import _cancel_engine, gui_ms
    from ui.actions import Screen

    images = 2_000
    project = project_of(pictures(Path(place) / "photos", images), images, ("cat", "dog"))
    suggestions(project, images, count)
    _cancel_engine()
    with desk(Path(place)) as at:
        at.open(project)
        at.until_idle()
        at.window.screens.show(Screen.REVIEW)
        screen = at.window.screens.review
        assert screen is not None
        at.until(lambda: len(screen.wall.wall.rows) == count)
        wall = screen.wall.wall
        wall.set_zoom(1)
        at.until(lambda: screen.crops.waiting == 0)
        bar = wall.verticalScrollBar()
        steady = [gui_ms(lambda step=step: (bar.setValue(step * FRAME_PX), at.flush())) for step in range(1, 200)]
        last = bar.maximum()
        jumps = [gui_ms(lambda part=part: (bar.setValue(last * part // 23), at.flush())) for part in range(1, 22)]
        at.until(lambda: screen.crops.waiting == 0)
        wall.setFocus()
        marks = [
            gui_ms(lambda: (QTest.keyClick(wall, Qt.Key.Key_Right), screen.wall.toggle_wrong(), at.flush()))
            for _ in range(15)
        ]
        pile, choice = screen.wall.pile, screen.wall.choice
        assert pile is not None
        assert choice is not None
        shows = [gui_ms(lambda: (screen.wall.show_pile(choice, pile), at.flush())) for _ in range(7)]
        zooms = [gui_ms(lambda step=step: (wall.set_zoom(step), at.flush())) for step in (0, 1, 2, 1, 0, 1)]
        on_screen = len(wall.cells())
        stalls = judged(at, screen, count)
    shutil.rmtree(place)
    return {
        "on_screen": on_screen,
        "scroll_ms": statistics.median(steady),
        "scroll_p95_ms": sorted(steady)[-len(steady) // 20],
        "jump_ms": statistics.median(jumps),
        "mark_ms": statistics.median(marks),
        "show_ms": statistics.median(shows),
        "zoom_ms": statistics.median(zooms),
        "stalls": stalls,
    }


def judged(at: Any, screen: Any, count: int) -> dict[str, tuple[float, float, int]]:
    """Half of the pile is accepted, then taken back: the longest gap and the most CPU time between two beats, in milliseconds.

    The pile is read again each time; what the window does with half of it is in there.
    """
    from tests.benchmarks.stall import Heartbeat

    heart, history = Heartbeat(), at.project.history
    screen.wall.header.range.set_ends(0.5, 1.0)
    screen.wall._range_changed(0.5, 1.0)
    half = len(screen.wall.wall.rows)
    found = {}

    def measure(name: str, action: Any, left: int) -> None:
        heart.start()
        action()
        at.until(lambda: not at.window.jobs.running and not history.saving and len(screen.wall.pile) == left)
        at.rest(1)
        heart.stop()
        found[name] = (heart.gap * 1e3, heart.busy * 1e3, heart.beats)

    measure("half of it is accepted", screen.wall.accept, count - half)
    measure("that is undone", at.window.session.undo, count)
    return found


def suggestions(project: Path, images: int, count: int) -> None:
    """Boxes of one label, ``count`` in all, spread over the images."""
    from annotator.domain.geometry import Box
    from annotator.domain.kinds import Task
    from annotator.domain.records import Suggestion, new_id
    from annotator.project import Project

    random = np.random.default_rng(0)
    sure = random.random(count)
    corners = random.integers(0, 200, (count, 2))
    sides = random.integers(30, 100, (count, 2))
    with Project.open(project) as opened:
        ids = opened.images.ids()
        label = opened.labels.all()[0].id
        for first in range(0, count, 20_000):
            with opened._parts.db.write("engine") as writer:
                if not first:
                    run = writer.runs.start(Task.BOXES, "test", "1")
                made = []
                for at in range(first, min(count, first + 20_000)):
                    x, y = (float(v) for v in corners[at])
                    shape = Box(x, y, x + float(sides[at, 0]), y + float(sides[at, 1]))
                    p = float(sure[at])
                    image = int(ids[at % images])
                    made.append(Suggestion(new_id(), run, image, shape, ((label, p),), p, p, task=Task.BOXES))
                writer.suggestions.add_many(made)
