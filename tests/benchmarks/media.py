"""Photographs to the screen and folders to a list: the media room's rows."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from annotator.media import FrameCache, decode, probe, scan
from annotator.media.frames import Frame
from annotator.media.generate import build_demo_folder
from tests.benchmarks.guard import Timed
from tests.benchmarks.row import Row, median_ms

DISPLAY_SIDE = 1600


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = twelve_megapixels(folder / "photo.jpg")
        yield from photograph_rows(photo, "12-megapixel", 5 if quick else 15)
        if not quick:
            large = photograph(Path(name) / "large.jpg", 8000, 6000)
            yield from photograph_rows(large, "48-megapixel", 7, slack=4)
        yield from scan_rows(folder / "many", 10_000 if quick else 100_000)
        began = time.perf_counter()
        build_demo_folder(folder / "demo", 1)
        yield Row("demo pictures: 90 made", time.perf_counter() - began, 5, "s")


def guarded() -> Iterator[Timed]:
    """What the guard measures: a photograph on the way to the screen and to the list, and a folder's first look."""
    with tempfile.TemporaryDirectory() as name:
        photo = twelve_megapixels(Path(name) / "photo.jpg")
        yield Timed("12-megapixel JPEG at display scale", lambda: decode(photo, max_side=DISPLAY_SIDE), rounds=6)
        yield Timed("thumbnail of a 12-megapixel JPEG", lambda: decode(photo, max_side=160), rounds=6)
        many = Path(name) / "many"
        many.mkdir()
        for number in range(2_000):
            (many / f"IMG_{number}.jpg").touch()
        yield Timed("scan of 2,000 files in one folder", lambda: list(scan([many])), rounds=6)


def twelve_megapixels(path: Path) -> Path:
    """A 4000 x 3000 JPEG of about 1.4 MB."""
    return photograph(path, 4000, 3000)


def photograph(path: Path, width: int, height: int) -> Path:
    """A JPEG of large forms and sensor noise, as a camera leaves them."""
    rng = np.random.default_rng(0)
    forms = cv2.resize(
        rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    noisy = cv2.add(forms, rng.integers(0, 10, forms.shape, dtype=np.uint8))
    path.write_bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    return path


def photograph_rows(photo: Path, what: str, repeat: int, slack: float = 1.0) -> Iterator[Row]:
    """Cold: not prefetched. Warm: out of the cache. Budgets of larger pictures are those of 12 megapixels times ``slack``."""
    first, sharp = [], []
    for _ in range(repeat):
        coarse_ms, sharp_ms = frame_times(photo)
        first.append(coarse_ms)
        sharp.append(sharp_ms)
    yield Row(f"{what} JPEG, not prefetched: first frame", float(np.median(first)), 30 * slack, "ms")
    yield Row(f"{what} JPEG, not prefetched: sharp", float(np.median(sharp)), 80 * slack, "ms")
    with FrameCache() as cache:
        cache.prefetch([photo], DISPLAY_SIDE)
        while cache.get(photo, DISPLAY_SIDE) is None:
            time.sleep(0.005)
        found = median_ms(lambda: cache.get(photo, DISPLAY_SIDE), repeat)
    yield Row(f"{what} JPEG, prefetched: out of the cache", found, 1, "ms", note="of 16 ms for the next image")
    thumbnail = median_ms(lambda: decode(photo, max_side=160), repeat)
    yield Row(f"thumbnail of a {what} JPEG", thumbnail, 40 * slack, "ms")
    yield Row(f"probe of a {what} JPEG", median_ms(lambda: probe(photo), repeat), 1, "ms")


def frame_times(photo: Path) -> tuple[float, float]:
    """Milliseconds from the request to the first and to the final frame, threads started included."""
    times: list[float] = []
    done = threading.Event()

    def on_frame(frame: Frame) -> None:
        times.append((time.perf_counter() - began) * 1e3)
        if frame.final:
            done.set()

    with FrameCache() as cache:
        began = time.perf_counter()
        cache.get(photo, DISPLAY_SIDE, on_frame)
        if not done.wait(30):
            raise TimeoutError(f"no final frame of {photo} within 30 s")
    return times[0], times[-1]


def scan_rows(folder: Path, count: int) -> Iterator[Row]:
    folder.mkdir()
    for number in range(count):
        (folder / f"IMG_{number}.jpg").touch()
    began = time.perf_counter()
    images = scan([folder])
    next(images)
    first = time.perf_counter() - began
    found = 1 + sum(1 for _ in images)
    if found != count:
        raise ValueError(f"{found} of {count} images found")
    yield Row(f"scan of {count:,} images in one folder: first image", first, 0.8, "s", note="of 1 s to the screen")
    yield Row(f"scan of {count:,} images in one folder: all", time.perf_counter() - began, 5, "s")
