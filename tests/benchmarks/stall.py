"""The longest time for which the window does not answer while jobs run, on the real window with the real engine.

A timer on the GUI thread beats every millisecond. A gap between two beats is a stall of the window; the time for which the thread
was ready to run while others had the processors is taken off, because on an idle machine there is none. The same is measured
with no job at all, in the same run: what stands there is Qt and the garbage collection.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer

from tests.benchmarks.apart import apart
from tests.benchmarks.desk import Desk, desk, pictures, waiting_s
from tests.benchmarks.row import Row

LABELS = ("ant", "bee", "cow", "dog")


def rows(quick: bool) -> Iterator[Row]:
    """A row per job and what it leaves of the GUI thread."""
    count = 1_000 if quick else 4_000
    with tempfile.TemporaryDirectory() as name:
        found = apart("stall", "jobs", place=str(Path(name) / "stall"), count=count)
    for what, (gap, busy, beats) in found.items():
        note = f"{busy:.0f} CPU ms in the busiest gap, {beats:,} beats"
        yield Row(f"window without an answer, {count:,} images: {what}", gap, 50, "ms", note=note)


class Heartbeat(QObject):
    """Beats on the GUI thread and keeps the longest gap, in seconds: of the clock without waiting, and of CPU time."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._beat)
        self.beats = 0
        self.gap = self.busy = 0.0
        self._last = (0.0, 0.0, 0.0)

    def start(self) -> None:
        """Forget what was, and beat."""
        self.beats, self.gap, self.busy = 0, 0.0, 0.0
        self._last = _moments()
        self._timer.start()

    def stop(self) -> None:
        """Beat no more."""
        self._beat()
        self._timer.stop()

    def _beat(self) -> None:
        now = _moments()
        clock, waited, busy = (after - before for after, before in zip(now, self._last, strict=True))
        self.gap = max(self.gap, clock - waited)
        self.busy = max(self.busy, busy)
        self._last = _moments()
        self.beats += 1


def _moments() -> tuple[float, float, float]:
    return time.perf_counter(), waiting_s(), time.thread_time()


def jobs(place: str, count: int) -> dict[str, tuple[float, float, int]]:
    """The longest gap and the most CPU time between two beats, in milliseconds, for each job."""
    folder = pictures(Path(place) / "photos", count)
    found: dict[str, tuple[float, float, int]] = {}
    with desk(Path(place)) as at:
        heart = Heartbeat()

        def measure(name: str, action: Callable[[], Any]) -> None:
            heart.start()
            action()
            heart.stop()
            found[name] = (heart.gap * 1e3, heart.busy * 1e3, heart.beats)

        at.window.settings.update(auto_train=False)
        at.open(folder)
        measure("scan of a new folder", at.until_idle)
        measure("no job", lambda: at.rest(5))
        at.window.label_edits.create_from_text(",".join(LABELS))
        measure("suggest", lambda: _suggest(at))
        dataset = _dataset(at, Path(place) / "tags.json")
        measure("import", lambda: _run(at, "import", path=str(dataset), format="coco"))
        measure("train", lambda: _run(at, "train", task="tags"))
        measure("export", lambda: _run(at, "export", path=str(Path(place) / "out"), format="coco"))
        measure("comparing the folder", lambda: _run(at, "scan"))
    shutil.rmtree(place)
    return found


def _suggest(at: Desk) -> None:
    """New labels start it by themselves."""
    if not at.window.jobs.running:
        at.window.loop.suggest_now()
    at.until_idle()


def _run(at: Desk, name: str, **parameters: Any) -> None:
    view = at.window.jobs.submit(name, quiet=True, **parameters)
    at.until_idle()
    if view.state.value != "done":
        raise RuntimeError(f"{name}: {view.state.value}: {view.what} {view.cure}")


def _dataset(at: Desk, path: Path) -> Path:
    """Boxes for all images, and a tag for half of them, as COCO."""
    import orjson

    ids = at.project.images.ids().tolist()
    names = {image.id: image.uri for image in at.project.images.many(ids)}
    annotations = []
    for image_id in ids:
        for part in range(4):
            box = [10 * part, 5, 30, 40]
            record = {"id": len(annotations) + 1, "image_id": image_id, "category_id": part + 1, "bbox": box}
            annotations.append({**record, "area": 1200, "iscrowd": 0})
        if image_id % 2:
            record = {"id": len(annotations) + 1, "image_id": image_id, "category_id": 1 + image_id % len(LABELS)}
            annotations.append(record)
    content = {
        "images": [{"id": i, "file_name": names[i], "width": 320, "height": 240} for i in ids],
        "categories": [{"id": at_ + 1, "name": name} for at_, name in enumerate(LABELS)],
        "annotations": annotations,
    }
    path.write_bytes(orjson.dumps(content))
    return path
