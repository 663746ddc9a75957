"""A picture of a gigapixel on the canvas: panned and zoomed while its tiles come from a file, levels from the cache.

The file is a BigTIFF of 32,768 x 32,768 RGB pixels (half the side with ``quick``) in deflated tiles or strips. It holds a few
dozen distinct ones, to which all others refer, so that it is small on disk and no smaller to decode. A gap of the event loop is
the clock's, less the time for which the GUI thread was ready but had no processor; a frame is the GUI thread's CPU time, and
seconds until something is sharp are the CPU time of all threads, most of it one loader's.
"""

from __future__ import annotations

import statistics
import struct
import tempfile
import time
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.benchmarks.apart import apart
from tests.benchmarks.row import Row

SIDE = 32_768
TILE = 512
STRIP_ROWS = 16
DISTINCT = 24


def rows(quick: bool) -> Iterator[Row]:
    side = SIDE // 2 if quick else SIDE
    for layout in ("tiles", "strips"):
        with tempfile.TemporaryDirectory() as name:
            found = apart("gigapixel", "look", place=name, layout=layout, side=side)
        what = f"TIFF of {side:,} x {side:,} in {layout}"
        patience = 1.0 if layout == "tiles" else 2.0  # a strip is 32,768 pixels wide, of which a screen shows few
        yield Row(f"{what}: opened, sharp at 1:1", found["first_s"], patience, "CPU s")
        yield Row(f"{what}: all levels made, once", found["build_cpu_s"], 120, "CPU s")
        yield Row(f"{what}: opened again, fitted view sharp", found["again_s"], 1.0, "CPU s")
        yield Row(f"{what}: pan, frame", found["pan_ms"], 16, "CPU ms")
        yield Row(f"{what}: pan, longest gap of the event loop", found["gap_ms"], 50, "ms")
        yield Row(f"{what}: pan, sharp after it stops", found["sharp_s"], patience, "CPU s")
        yield Row(f"{what}: zoom, first frame", found["zoom_ms"], 60, "CPU ms")
        yield Row(f"{what}: memory", found["memory_mb"], 900, "MB")


def gigapixel(path: Path, side: int, *, tiled: bool) -> Path:
    """An RGB BigTIFF of ``side`` x ``side`` pixels."""
    rng = np.random.default_rng(0)
    height, width = (TILE, TILE) if tiled else (STRIP_ROWS, side)
    parts = []
    for _ in range(DISTINCT):
        forms = rng.integers(0, 256, (max(height // 64, 1), max(width // 64, 1), 3), dtype=np.uint8)
        smooth = cv2.resize(forms, (width, height), interpolation=cv2.INTER_CUBIC)
        parts.append(zlib.compress(cv2.add(smooth, rng.integers(0, 6, smooth.shape, dtype=np.uint8)).tobytes(), 1))
    count = (side // TILE) ** 2 if tiled else side // STRIP_ROWS
    at, places = 16, []
    for part in parts:
        places.append(at)
        at += len(part)
    chosen = rng.integers(0, DISTINCT, count)
    offsets = struct.pack(f"<{count}Q", *(places[i] for i in chosen))
    sizes = struct.pack(f"<{count}Q", *(len(parts[i]) for i in chosen))
    shape = [(322, 4, TILE), (323, 4, TILE)] if tiled else [(278, 4, STRIP_ROWS)]
    plain = [(256, 4, side), (257, 4, side), (259, 3, 8), (262, 3, 2), (277, 3, 3), (284, 3, 1), *shape]
    entries = [struct.pack("<HHQQ", code, kind, 1, value) for code, kind, value in plain]
    entries.append(struct.pack("<HHQHHHxx", 258, 3, 3, 8, 8, 8))
    entries.append(struct.pack("<HHQQ", 324 if tiled else 273, 16, count, at))
    entries.append(struct.pack("<HHQQ", 325 if tiled else 279, 16, count, at + len(offsets)))
    entries.sort(key=lambda entry: int.from_bytes(entry[:2], "little"))
    directory = struct.pack("<Q", len(entries)) + b"".join(entries) + struct.pack("<Q", 0)
    head = b"II" + struct.pack("<HHHQ", 43, 8, 0, at + len(offsets) + len(sizes))
    path.write_bytes(head + b"".join(parts) + offsets + sizes + directory)
    return path


def look(place: str, layout: str, side: int) -> dict[str, Any]:
    """One person's look at the picture, in a process of its own."""
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from tests.benchmarks.apart import peak_mb
    from tests.benchmarks.desk import waiting_s
    from ui.canvas import Canvas, ViewState
    from ui.tiled_images import TiledImages

    application = QApplication.instance() or QApplication([])
    path = gigapixel(Path(place) / "large.tif", side, tiled=layout == "tiles")
    canvas = Canvas()
    canvas.resize(1400, 1000)
    canvas.show()
    tiles = TiledImages(canvas)
    tiles.arrived.connect(canvas.tile_arrived)
    tiles.grew.connect(canvas.tiles_grew)
    tiles.opened.connect(canvas.set_tiles)

    def until(condition: Any, seconds: float = 300.0) -> float:
        began, spent = time.perf_counter(), time.process_time()
        while not condition():
            application.processEvents()
            time.sleep(0.001)
            if time.perf_counter() - began > seconds:
                raise TimeoutError("the tiles did not come")
        return time.process_time() - spent

    def sharp() -> bool:
        layer = canvas._picture
        return layer.tiles is not None and layer.tiles.covers(canvas.view, layer.image.rect())

    def frame() -> float:
        began = time.thread_time()
        canvas.render(target)
        return (time.thread_time() - began) * 1e3

    target = QImage(1400, 1000, QImage.Format.Format_ARGB32_Premultiplied)
    closeup = ViewState(side / 2, side / 2, 1.0)
    spent = time.process_time()
    tiles.show(path, Path(place) / "tiles")
    until(lambda: canvas.image_size[0] == side)
    canvas.set_view_state(closeup)
    until(sharp)
    first = time.process_time() - spent
    until(lambda: not tiles._cache._pyramid.needs_build)  # type: ignore[union-attr]
    built = time.process_time() - spent
    tiles.close()
    canvas.set_tiles(None)
    canvas.set_picture(None)
    tiles.show(path, Path(place) / "tiles")
    canvas.fit()
    again = until(lambda: canvas.image_size[0] == side and sharp())
    canvas.set_view_state(closeup)
    until(sharp)
    beats: list[tuple[float, float]] = []
    beat = QTimer(canvas)
    beat.setInterval(1)
    beat.timeout.connect(lambda: beats.append((time.perf_counter(), waiting_s())))
    beat.start()
    frames = []
    for number in range(120):  # a fast pan: 60 px a frame, 17 ms for each
        canvas.pan_by(-60 if number % 80 < 40 else 60, -35)
        frames.append(frame())
        end = time.perf_counter() + 0.017
        while time.perf_counter() < end:
            application.processEvents()
            time.sleep(0.001)
    settled = until(sharp)
    zooms = []
    for factor in (0.5, 0.5, 0.5, 2.0, 2.0, 0.7, 0.7, 4.0):
        canvas.zoom_by(factor)
        zooms.append(frame())
        until(sharp)
    beat.stop()
    tiles.close()
    return {
        "first_s": first,
        "build_cpu_s": built,
        "again_s": again,
        "pan_ms": statistics.median(frames),
        "gap_ms": max(b[0] - a[0] - b[1] + a[1] for a, b in pairwise(beats)) * 1e3,
        "sharp_s": settled,
        "zoom_ms": statistics.median(zooms),
        "memory_mb": peak_mb(),
    }
