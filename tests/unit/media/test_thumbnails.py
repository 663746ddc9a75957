"""Thumbnails on disk, their keys, and what happens when the disk is not kind."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.errors import ImageError
from annotator.media.thumbnails import ThumbnailCache, ThumbnailKey


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.zeros((300, 600, 3), np.uint8)
    pixels[:, 300:] = (200, 60, 20)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def test_made_once_and_then_read(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    key = cache.key_for(photo)
    assert cache.get(key) is None and cache.pixels(key) is None
    made = cache.make(photo)
    assert made.shape == (80, 160, 3)
    monkeypatch.setattr("annotator.media.thumbnails.decode", None)  # would fail if it were called
    again = cache.make(photo)
    assert np.abs(again.astype(int) - made).mean() < 2
    assert np.abs(again[40, 150].astype(int) - (200, 60, 20)).max() < 12
    entries = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert entries == [cache.path_of(key)] and entries[0].parent.name != "cache"
    assert cache.get(key) == entries[0].read_bytes()


def test_changed_file_gets_a_new_entry(tmp_path: Path, photo: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    cache.make(photo)
    Image.fromarray(np.full((50, 40, 3), 255, np.uint8)).save(photo)
    assert cache.make(photo).shape == (50, 40, 3)
    keys = [ThumbnailKey(u, m, s) for u in ("a", "b", "\udce9") for m in (1, 2) for s in (1, 12)]
    assert len({cache.path_of(k) for k in keys}) == len(keys)
    assert ThumbnailCache(tmp_path / "cache", side=80).path_of(keys[0]) != cache.path_of(keys[0])


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8 cut", b"\xff\xd8 not a jpeg at all \xff\xd9"])
def test_damaged_entries_are_made_again(tmp_path: Path, photo: Path, damage: bytes) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    first, key = cache.make(photo), cache.key_for(photo)
    cache.path_of(key).write_bytes(damage)
    assert cache.pixels(key) is None
    assert not cache.path_of(key).exists()
    assert np.array_equal(cache.make(photo), first)
    assert cache.pixels(key) is not None


def test_transparency_is_shown_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 40, 4), np.uint8)).save(path)
    assert (ThumbnailCache(tmp_path / "c").make(path) == 255).all()


def test_disk_that_takes_nothing_costs_only_the_entry(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = ThumbnailCache(tmp_path / "cache")
    monkeypatch.setattr(Path, "write_bytes", full)
    with caplog.at_level(logging.WARNING):
        assert cache.make(photo).shape == (80, 160, 3)
    assert "No space left on device" in caplog.text
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_failed_move_leaves_no_half_entry(
    tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", refuse)
    ThumbnailCache(tmp_path / "cache").make(photo)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert "Input/output error" in caplog.text


def test_unreadable_image_says_so_and_leaves_no_entry(tmp_path: Path, photo: Path) -> None:
    cache = ThumbnailCache(tmp_path / "cache")
    photo.write_bytes(photo.read_bytes()[:100])
    with pytest.raises(ImageError, match="cut off"):
        cache.make(photo)
    photo.unlink()
    with pytest.raises(ImageError, match="missing"):
        cache.make(photo)
    assert not list(tmp_path.iterdir())
