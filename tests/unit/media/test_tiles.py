"""The cache of tiles: what is wanted comes, in order, within its memory; built levels come as they grow; errors are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from annotator.errors import ImageError
from annotator.media import pyramid, tiles
from annotator.media.tiles import Arrived, Failed, Grown, Opened, TileCache

RNG = np.random.default_rng(4)


class Listener:
    """Keeps the events of a cache."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._changed = threading.Condition()

    def __call__(self, event: Any) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 20), self.events

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "TILE", 64)
    monkeypatch.setattr(pyramid, "COARSEST_SIDE", 32)
    monkeypatch.setattr(pyramid, "SLAB_ROWS", 32)


@pytest.fixture
def heard() -> Listener:
    return Listener()


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return RNG.integers(0, 256, (512, 640, 3), dtype=np.uint8)


@pytest.fixture
def path(tmp_path: Path, pixels: NDArray[np.uint8]) -> Path:
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(64, 64), photometric="rgb", compression="zlib")
    return tmp_path / "a.tif"


@pytest.fixture
def cache(path: Path, heard: Listener) -> Iterator[TileCache[Any]]:
    made: TileCache[Any] = TileCache(path, None, lambda tile: tile, heard)
    heard.until(lambda: bool(heard.of(Opened)))
    yield made
    made.close()


def test_wanted_tiles_come_in_their_order(cache: TileCache[Any], heard: Listener, pixels: NDArray[np.uint8]) -> None:
    keys = [(0, 2, 3), (0, 0, 0), (0, 1, 1)]
    assert cache.get(keys[0]) is None
    cache.want(keys)
    heard.until(lambda: len(heard.of(Arrived)) == 3)
    assert sorted(e.key for e in heard.of(Arrived)) == sorted(keys)
    assert np.array_equal(cache.get((0, 2, 3)), pixels[128:192, 192:256])
    cache.want(keys)
    time.sleep(0.05)
    assert len(heard.of(Arrived)) == 3  # what is there is not loaded again


def test_memory_is_limited_and_the_tiles_used_last_stay(path: Path, heard: Listener) -> None:
    tile_bytes = 64 * 64 * 4
    with_limit: TileCache[Any] = TileCache(path, None, lambda tile: tile, heard, max_bytes=4 * tile_bytes)
    try:
        heard.until(lambda: bool(heard.of(Opened)))
        for column in range(8):
            with_limit.want([(0, 0, column)])
            heard.until(lambda column=column: len(heard.of(Arrived)) == column + 1)
            with_limit.get((0, 0, 0))
        there = [column for column in range(8) if with_limit.get((0, 0, column)) is not None]
        assert there == [0, 5, 6, 7]
    finally:
        with_limit.close()


def test_a_new_wish_replaces_the_old_one(path: Path, heard: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "THREADS", 1)
    gate = threading.Event()

    def slowly(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        assert gate.wait(60)
        return tile

    cache: TileCache[Any] = TileCache(path, None, slowly, heard)
    try:
        heard.until(lambda: bool(heard.of(Opened)))
        cache.want([(0, 0, column) for column in range(8)])
        while not cache._loading:
            time.sleep(0.001)
        cache.want([(0, 7, 7)])
        gate.set()
        heard.until(lambda: (0, 7, 7) in [e.key for e in heard.of(Arrived)])
        assert [e.key for e in heard.of(Arrived)] == [(0, 0, 0), (0, 7, 7)]
    finally:
        gate.set()
        cache.close()


def test_built_levels_are_told_of_and_whole_in_the_end(cache: TileCache[Any], heard: Listener) -> None:
    heard.until(lambda: any(e.area == (0, 0, 640, 512) for e in heard.of(Grown)))
    cache.want([(4, 0, 0)])
    heard.until(lambda: (4, 0, 0) in [e.key for e in heard.of(Arrived)])
    assert cache.get((4, 0, 0)).shape == (32, 40, 3)


def test_a_tile_made_too_early_is_made_again(path: Path, heard: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, real = threading.Event(), TileCache._give_way

    def wait_after_some(self: TileCache[Any]) -> bool:
        if heard.of(Grown):
            gate.wait(60)
        return real(self)

    monkeypatch.setattr(TileCache, "_give_way", wait_after_some)
    cache: TileCache[Any] = TileCache(path, None, lambda tile: tile, heard)
    try:
        heard.until(lambda: bool(heard.of(Grown)))
        cache.want([(3, 0, 0)])
        heard.until(lambda: len(heard.of(Arrived)) == 1)
        assert not cache.get((3, 0, 0))[-1].any()
        gate.set()
        heard.until(lambda: any(e.area == (0, 0, 640, 512) for e in heard.of(Grown)))
        cache.want([(3, 0, 0)])
        heard.until(lambda: len(heard.of(Arrived)) == 2)
        assert cache.get((3, 0, 0))[-1].any()
    finally:
        gate.set()
        cache.close()


def test_another_window_makes_all_tiles_anew(tmp_path: Path, heard: Listener) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((200, 200), 1500, np.uint16), tile=(64, 64))
    cache: TileCache[Any] = TileCache(tmp_path / "a.tif", None, lambda tile: tile, heard, window=(1000.0, 2000.0))
    try:
        heard.until(lambda: bool(heard.of(Opened)))
        cache.want([(0, 0, 0)])
        heard.until(lambda: len(heard.of(Arrived)) == 1)
        assert cache.get((0, 0, 0))[0, 0, 0] == 128
        cache.set_window((1500.0, 2000.0))
        assert cache.get((0, 0, 0)) is None
        cache.want([(0, 0, 0)])
        heard.until(lambda: len(heard.of(Arrived)) == 2)
        assert cache.get((0, 0, 0))[0, 0, 0] == 0
    finally:
        cache.close()


def test_errors_are_told_and_the_rest_goes_on(path: Path, tmp_path: Path, heard: Listener) -> None:
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[1]
    data = bytearray(path.read_bytes())
    data[at + 4 : at + 60] = bytes(56)
    path.write_bytes(data)
    cache: TileCache[Any] = TileCache(path, None, lambda tile: tile, heard)
    heard.until(lambda: bool(heard.of(Opened)))
    cache.want([(0, 0, 1), (0, 0, 2)])
    heard.until(lambda: bool(heard.of(Arrived)))
    heard.until(lambda: bool(heard.of(Failed)))
    assert heard.of(Arrived)[0].key == (0, 0, 2)
    assert isinstance(heard.of(Failed)[0].error, ImageError)
    cache.close()
    gone = Listener()
    TileCache(tmp_path / "none.tif", None, lambda tile: tile, gone).close()
    other: TileCache[Any] = TileCache(tmp_path / "none.tif", None, lambda tile: tile, heard)
    heard.until(lambda: "missing" in str(heard.events[-1].error) if isinstance(heard.events[-1], Failed) else False)
    other.close()


def test_nothing_is_told_after_the_end(path: Path, heard: Listener) -> None:
    cache: TileCache[Any] = TileCache(path, None, lambda tile: tile, heard)
    heard.until(lambda: bool(heard.of(Opened)))
    cache.want([(0, row, column) for row in range(8) for column in range(10)])
    cache.close()
    told = len(heard.events)
    cache.want([(0, 0, 0)])
    time.sleep(0.05)
    assert len(heard.events) == told
    assert not [t for t in threading.enumerate() if t.name.startswith("tiles")]
