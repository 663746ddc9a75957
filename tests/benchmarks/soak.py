"""``python -m tests.benchmarks --soak MINUTES``: the real window worked on for a long time, and what it leaves behind.

A person opens, labels, switches, undoes and lets the engine suggest and learn, over and over, faster than anybody could. After a
sixth of the time, and at the end, both times with the same project open and nothing running, memory and QObjects are counted. No
warning may come from Qt or from a logger on the way.
"""

from __future__ import annotations

import gc
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, qInstallMessageHandler
from shiboken6 import isValid

from annotator.domain.geometry import Box
from annotator.domain.records import ImageFilter
from tests.benchmarks.apart import apart, resident_mb
from tests.benchmarks.desk import Desk, desk, pictures
from tests.benchmarks.row import Row

IMAGES = 600
LABELS = ("ant", "bee", "cow", "dog", "eel")
OFFSCREEN = "This plugin does not support propagateSizeHints()"
CONTROL = Qt.KeyboardModifier.ControlModifier


def rows_of(minutes: float) -> Iterator[Row]:
    """The soak's rows."""
    with tempfile.TemporaryDirectory() as name:
        found = apart("soak", "soak", place=str(Path(name) / "soak"), minutes=minutes)
    note = f"{found['steps']:,} steps, {found['first_mb']:.0f} MB, then {found['last_mb']:.0f} MB"
    yield Row(
        f"soak of {minutes:g} minutes: memory at the end", found["last_mb"] / found["first_mb"], 1.1, "x", note=note
    )
    note = f"{found['first_objects']:,}, then {found['last_objects']:,}: {found['more']}"
    more = found["last_objects"] - found["first_objects"]
    yield Row(f"soak of {minutes:g} minutes: QObjects more than before", more, 20, "objects", note=note)
    note = " | ".join(found["warnings"][:3])
    yield Row(f"soak of {minutes:g} minutes: warnings", len(found["warnings"]), 0, "warnings", note=note)


@dataclass
class Ears(logging.Handler):
    """Hears what Qt and the loggers complain of."""

    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.WARNING)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(f"{record.name}: {record.getMessage()}")

    def from_qt(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        """Qt's message handler."""
        if text != OFFSCREEN and kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
            self.heard.append(f"Qt: {text}")


class Person:
    """Does one of the usual things after the other, by chance but the same each time."""

    def __init__(self, at: Desk) -> None:
        self._at = at
        self._pick = random.Random(11)
        self.steps = 0

    def work(self, seconds: float) -> None:
        """Work for some time."""
        deeds = (self._next, self._next, self._next, self._draw, self._draw, self._relabel, self._undo, self._redo)
        deeds += (self._filter, self._scroll, self._tag, self._accept)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._pick.choice(deeds)()
            self._at.rest(0.01 + 0.05 * self._pick.random())
            self.steps += 1

    def _key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self._at.press(key, modifier)

    def _next(self) -> None:
        if not self._at.window.session.step(1):
            self._at.window.session.go_to(int(self._at.window.session.order.ids[0]))

    def _draw(self) -> None:
        x, y = self._pick.uniform(0, 200), self._pick.uniform(0, 150)
        self._at.window.canvas.drawn.emit(Box(x, y, x + self._pick.uniform(5, 90), y + self._pick.uniform(5, 80)))

    def _relabel(self) -> None:
        self._key(Qt.Key(Qt.Key.Key_1.value + self._pick.randrange(len(LABELS))))

    def _undo(self) -> None:
        self._key(Qt.Key.Key_Z, CONTROL)

    def _redo(self) -> None:
        self._key(Qt.Key.Key_Y, CONTROL)

    def _tag(self) -> None:
        self._at.window.session.select(())
        self._at.window.binding.set_tool("tag")
        self._relabel()

    def _accept(self) -> None:
        self._key(Qt.Key.Key_Return)

    def _filter(self) -> None:
        panel = self._at.window.queue
        panel._show(ImageFilter(text=str(self._pick.randrange(10))))
        self._at.rest(0.02)
        panel.clear_filter()

    def _scroll(self) -> None:
        bar = self._at.window.queue.grid.verticalScrollBar()
        bar.setValue(self._pick.randint(0, max(1, bar.maximum())))


def soak(place: str, minutes: float) -> dict[str, Any]:
    """Two projects in turns; the figures are taken with the first one open."""
    ears = Ears()
    logging.getLogger().addHandler(ears)
    qInstallMessageHandler(ears.from_qt)
    with desk(Path(place)) as at:
        at.window.settings.update(annotator="Ada")
        folders = [pictures(Path(place) / name, IMAGES) for name in ("one", "two")]
        person = Person(at)
        began, levels = time.monotonic(), []
        for end in (minutes * 10, minutes * 60):
            while time.monotonic() - began < end:
                for folder in folders:
                    _one_sitting(at, person, folder, min(60.0, minutes * 5))
            levels.append(_level(at, person, folders[0]))
        at.window.projects.leave()
    qInstallMessageHandler(None)
    (first_mb, first), (last_mb, last) = levels
    return {
        "first_mb": first_mb,
        "last_mb": last_mb,
        "first_objects": first.total(),
        "last_objects": last.total(),
        "more": dict((last - first).most_common(5)),
        "steps": person.steps,
        "warnings": ears.heard,
    }


def _one_sitting(at: Desk, person: Person, folder: Path, seconds: float) -> None:
    at.open(folder)
    if not at.window.session.labels:
        at.window.label_edits.create_from_text(",".join(LABELS))
    person.work(seconds)
    if not at.window.jobs.running:
        at.window.loop.train_now(quiet=True)
    person.work(seconds / 4)


def _level(at: Desk, person: Person, folder: Path) -> tuple[float, Counter[str]]:
    """Memory in MB and the number of QObjects of each class, at rest."""
    at.open(folder)
    person.work(5)
    at.window.settings.update(auto_train=False)
    at.until_idle()
    at.window.settings.update(auto_train=True)
    gc.unfreeze()
    gc.collect()
    kinds = Counter(each.metaObject().className() for each in at.window.findChildren(QObject))
    alone = [each for each in gc.get_objects() if isinstance(each, QObject) and isValid(each) and each.parent() is None]
    kinds.update(f"{type(each).__name__} without a parent" for each in alone)
    return resident_mb(), kinds
