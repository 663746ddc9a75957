"""The frame cache: order, staleness, bytes and threads, with a loader whose every step the test decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.errors import ImageError
from annotator.media import Picture, decode
from annotator.media.frames import Frame, FrameCache
from annotator.media.precedence import ON_SCREEN
from annotator.media.thumbnails import ThumbnailCache

A, B, C, D = (Path(f"{name}.png") for name in "abcd")


def picture(side: int = 100, full: int = 100) -> Picture:
    return Picture(np.zeros((side, side, 3), np.uint8), full, full, side / full, 8, (0.0, 255.0))


class Loader:
    """Notes what is asked for, and holds the paths in ``held`` until they are released."""

    def __init__(self) -> None:
        self.calls: list[tuple[Path, int | None]] = []
        self.held: dict[Path, threading.Event] = {}

    def __call__(self, path: Path, max_side: int | None = None, window: object = None) -> Picture:
        self.calls.append((path, max_side))
        if path in self.held:
            assert self.held[path].wait(60)
        return picture(min(max_side or 100, 100))


def eventually(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def no_coarse_stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real" not in request.keywords:
        from annotator.media import ImageInfo

        monkeypatch.setattr("annotator.media.frames.probe", lambda path: ImageInfo(100, 100, 1, 8, 3, "png"))


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def cache(loader: Loader) -> Iterator[FrameCache]:
    before = threading.active_count()
    with FrameCache(loader=loader) as made:
        yield made
        for event in loader.held.values():
            event.set()
    assert threading.active_count() == before


def test_current_image_is_delivered_then_found_in_memory(cache: FrameCache, loader: Loader) -> None:
    frames: list[Frame] = []
    assert cache.get(A, 50, frames.append) is None
    eventually(lambda: frames)
    assert [(f.path, f.final, f.error) for f in frames] == [(A, True, None)]
    assert cache.get(A, 50) is frames[0].picture
    assert cache.get(A, 50, frames.append) is frames[0].picture
    assert cache.get(A, 20) is frames[0].picture
    time.sleep(0.02)
    assert loader.calls == [(A, 50)] and len(frames) == 1


def test_full_resolution_follows_display_scale(cache: FrameCache, loader: Loader) -> None:
    frames: list[Frame] = []
    cache.get(A, 50, frames.append, full=True)
    eventually(lambda: len(frames) == 2)
    assert [f.picture.scale for f in frames if f.picture] == [0.5, 1.0]
    assert [f.final for f in frames] == [False, True]
    found = cache.get(A, 50)
    assert found is not None and found.scale >= 0.5


def test_coarser_picture_is_returned_while_the_better_one_loads(cache: FrameCache, loader: Loader) -> None:
    frames: list[Frame] = []
    cache.get(A, 10, frames.append)
    eventually(lambda: frames)
    at_once = cache.get(A, 80, frames.append)
    assert at_once is frames[0].picture
    eventually(lambda: len(frames) == 2)
    assert frames[1].picture is not None and frames[1].picture.scale == 0.8


def test_replaced_request_is_never_delivered_and_stops(cache: FrameCache, loader: Loader) -> None:
    loader.held[A] = threading.Event()
    stale: list[Frame] = []
    frames: list[Frame] = []
    cache.get(A, 50, stale.append, full=True)
    eventually(lambda: loader.calls)
    cache.get(B, 50, frames.append)
    eventually(lambda: frames)
    loader.held[A].set()
    eventually(lambda: cache.get(A, 50) is not None)
    time.sleep(0.02)
    assert stale == []
    assert loader.calls == [(A, 50), (B, 50)]  # the full resolution of A was never begun


def test_current_image_does_not_wait_for_prefetching(cache: FrameCache, loader: Loader) -> None:
    loader.held[B] = threading.Event()
    cache.prefetch([B, C], 50)
    eventually(lambda: loader.calls == [(B, 50)])
    frames: list[Frame] = []
    cache.get(D, 50, frames.append)
    eventually(lambda: frames)
    assert loader.calls == [(B, 50), (D, 50)]
    loader.held[B].set()
    eventually(lambda: cache.get(C, 50) is not None)


def test_nothing_is_prefetched_and_no_thumbnail_made_until_the_current_image_is_there(
    cache: FrameCache, loader: Loader, tmp_path: Path
) -> None:
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((30, 40, 3), np.uint8))
    loader.held[A] = threading.Event()
    frames: list[Frame] = []
    made: list[np.ndarray] = []
    cache.get(A, 50, frames.append, full=True)
    cache.prefetch([B, C], 50)
    eventually(lambda: loader.calls)
    thumbnail = threading.Thread(target=lambda: made.append(ThumbnailCache(tmp_path / "t").make(small)))
    thumbnail.start()
    time.sleep(0.05)
    assert loader.calls == [(A, 50)] and not made
    loader.held[A].set()
    eventually(lambda: made and cache.get(C, 50) is not None)
    thumbnail.join()
    assert loader.calls == [(A, 50), (A, None), (B, 50), (C, 50)]
    loader.held[D] = threading.Event()
    cache.get(D, 50, frames.append)
    cache.cancel()  # whoever gave way to D need not wait for it now
    began = time.monotonic()
    ON_SCREEN.give_way(120)
    assert time.monotonic() - began < 60
    loader.held[D].set()


def test_prefetch_in_order_and_a_new_list_replaces_the_old(cache: FrameCache, loader: Loader) -> None:
    loader.held[A] = threading.Event()
    cache.prefetch([A, B, C], 50)
    eventually(lambda: loader.calls)
    cache.prefetch([D], 50)
    loader.held[A].set()
    eventually(lambda: cache.get(D, 50) is not None)
    assert loader.calls == [(A, 50), (D, 50)]


def test_an_image_that_is_being_prefetched_is_not_decoded_twice(cache: FrameCache, loader: Loader) -> None:
    loader.held[A] = threading.Event()
    cache.prefetch([A], 50)
    eventually(lambda: loader.calls)
    frames: list[Frame] = []
    cache.get(A, 50, frames.append)
    time.sleep(0.02)
    loader.held[A].set()
    eventually(lambda: frames)
    assert loader.calls == [(A, 50)]


def test_bytes_are_limited_and_the_current_image_stays(loader: Loader) -> None:
    one = picture(50).nbytes
    with FrameCache(3 * one, loader=loader) as cache:
        frames: list[Frame] = []
        cache.get(A, 50, frames.append)
        eventually(lambda: frames)
        others = [Path(f"{n}.png") for n in range(6)]
        cache.prefetch(others, 50)
        eventually(lambda: len(loader.calls) == 7 and cache.get(others[-1], 50))
        assert cache.nbytes == 3 * one
        assert cache.get(A, 50) is not None
        assert [p.name for p in others if cache.get(p, 50)] == ["4.png", "5.png"]
        cache.forget(A)
        assert cache.get(A, 50) is None and cache.nbytes == 2 * one


def test_picture_larger_than_the_cache_is_shown_but_not_kept(loader: Loader) -> None:
    with FrameCache(100, loader=loader) as cache:
        frames: list[Frame] = []
        cache.get(A, 50, frames.append)
        eventually(lambda: frames)
        assert frames[0].picture is not None and cache.nbytes == 0


def test_errors_reach_the_one_who_asks(tmp_path: Path) -> None:
    def fail(path: Path, **wish: object) -> Picture:
        raise ImageError(f"{path} is cut off.") if path == A else ZeroDivisionError("a bug")

    with FrameCache(loader=fail) as cache:
        cache.prefetch([A], 50)
        for path, kind in ((A, ImageError), (B, ZeroDivisionError)):
            frames: list[Frame] = []
            cache.get(path, 50, frames.append)
            eventually(lambda frames=frames: frames)
            assert isinstance(frames[0].error, kind) and frames[0].final and frames[0].picture is None


def test_cancel_close_and_callbacks_that_ask_again(loader: Loader) -> None:
    cache = FrameCache(loader=loader)
    frames: list[Frame] = []

    def ask_again(frame: Frame) -> None:
        frames.append(frame)
        cache.get(B, 50, frames.append)

    cache.get(A, 50, ask_again)
    eventually(lambda: len(frames) == 2)
    assert [f.path for f in frames] == [A, B]
    loader.held[C] = threading.Event()
    cache.get(C, 50, frames.append)
    eventually(lambda: (C, 50) in loader.calls)
    cache.cancel()
    loader.held[C].set()
    cache.close()
    cache.close()
    assert len(frames) == 2 and cache.nbytes == 0 and cache.get(A) is None
    assert not [t for t in threading.enumerate() if t.name.startswith("frames-")]
    with pytest.raises(ValueError, match="thread"):
        FrameCache(threads=1)


def test_large_photograph_comes_coarse_then_sharp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotator.media import probe

    monkeypatch.setattr("annotator.media.frames.probe", probe)
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), np.zeros((2000, 3000, 3), np.uint8))
    with FrameCache(loader=decode) as cache:
        frames: list[Frame] = []
        cache.get(path, 1600, frames.append)
        eventually(lambda: len(frames) == 2)
    sides = [f.picture.pixels.shape[1] for f in frames if f.picture]
    assert sides == [375, 1600] and [f.final for f in frames] == [False, True]
