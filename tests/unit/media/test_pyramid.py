"""A pyramid's tiles, put together, are the plainly decoded image, halved as often as the level says."""

from __future__ import annotations

import io
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from annotator.domain.orientation import ORIENTATIONS, orient_pixels
from annotator.errors import ImageError
from annotator.media import decode, level_store, pyramid
from annotator.media.level_store import halved, prune
from annotator.media.pyramid import Pyramid

RNG = np.random.default_rng(11)


def noise(height: int, width: int, channels: int = 3, dtype: Any = np.uint8) -> NDArray[Any]:
    shape = (height, width) if channels == 1 else (height, width, channels)
    top = 256 if dtype == np.uint8 else 60_000
    return RNG.integers(0, top, shape).astype(dtype)


def build(made: Pyramid) -> list[tuple[int, int, int, int]]:
    told: list[tuple[int, int, int, int]] = []
    if made.needs_build:
        assert made.build(lambda: False, told.append)
    return told


def assembled(made: Pyramid, level: int) -> NDArray[np.uint8]:
    about = made.level(level)
    rows = []
    for row in range(about.rows):
        tiles = [made.tile(level, row, column) for column in range(about.columns)]
        assert all(tile is not None for tile in tiles)
        rows.append(np.concatenate([t for t in tiles if t is not None], axis=1))
    whole = np.concatenate(rows)
    assert whole.shape[:2] == (about.height, about.width)
    return whole


def expected(pixels: NDArray[Any], level: int, orientation: int = 1) -> NDArray[Any]:
    for _ in range(level):
        pixels = halved(pixels)
    return orient_pixels(pixels if pixels.ndim == 3 else np.dstack([pixels] * 3), orientation)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "TILE", 64)
    monkeypatch.setattr(pyramid, "COARSEST_SIDE", 32)
    monkeypatch.setattr(pyramid, "SLAB_ROWS", 32)


KINDS: dict[str, dict[str, Any]] = {
    "tiles": {"tile": (48, 80)},
    "deflate tiles": {"tile": (64, 64), "compression": "zlib", "predictor": True},
    "one strip": {},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "big tiff": {"tile": (64, 64), "bigtiff": True},
    "big endian": {"tile": (64, 64), "byteorder": ">"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_level_of_a_tiff_is_the_plain_image_halved(tmp_path: Path, kind: str, channels: int) -> None:
    pixels = noise(333, 517, channels)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb" if channels == 3 else "minisblack", **KINDS[kind])
    assert np.array_equal(decode(path).pixels, expected(pixels, 0))
    made = Pyramid.open(path, tmp_path / "tiles")
    assert (made.width, made.height, len(made.levels)) == (517, 333, 6)
    told = build(made)
    assert told[0][:3] == (0, 0, 517) and told[-1][3] == 333
    for level in range(6):
        assert np.array_equal(assembled(made, level), expected(pixels, level)), level
    made.close()
    again = Pyramid.open(path, tmp_path / "tiles")
    assert not again.needs_build
    assert np.array_equal(assembled(again, 5), expected(pixels, 5))
    again.close()


@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from(ORIENTATIONS),
    st.sampled_from([{"tile": (16, 32)}, {"rowsperstrip": 5}, {"tile": (32, 16), "compression": "zlib"}]),
)
@settings(max_examples=60, deadline=None)
def test_tiles_put_together_equal_the_plain_decode(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, orientation: int, layout: dict[str, Any]
) -> None:
    pixels = noise(height, width)
    path = tmp_path_factory.getbasetemp() / "oriented.tif"
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(path, pixels, photometric="rgb", extratags=[tag], **layout)
    made = Pyramid.open(path, None)
    try:
        build(made)
        assert np.array_equal(assembled(made, 0), decode(path).pixels)
        last = made.levels[-1]
        assert np.array_equal(assembled(made, last.number), expected(pixels, last.number, orientation))
        for level in made.levels:  # the level covers the image, and begins less than one of its pixels before it
            assert -level.scale < level.left <= 0 and -level.scale < level.top <= 0
            assert level.left + level.width * level.scale >= made.width
            assert level.top + level.height * level.scale >= made.height
    finally:
        made.close()


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK"])
def test_compressions_of_others(tmp_path: Path, compression: str, mode: str) -> None:
    if (compression, mode) == ("jpeg", "P"):
        pytest.skip("a palette cannot be stored as JPEG")
    image = Image.fromarray(cv2.resize(noise(20, 30), (300, 200))).convert(mode)
    image.save(tmp_path / "a.tif", compression=compression, strip_size=300 * 40)
    made = Pyramid.open(tmp_path / "a.tif", None)
    found, plain = assembled(made, 0), decode(tmp_path / "a.tif").pixels
    made.close()
    assert np.array_equal(found, plain) if compression != "jpeg" else np.abs(found.astype(int) - plain).max() <= 2


def test_planes_alpha_and_inverted_grey(tmp_path: Path) -> None:
    planes = noise(3, 90, 120).reshape(3, 90, 120)
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate", tile=(32, 32))
    tifffile.imwrite(
        tmp_path / "a.tif", noise(90, 120, 4), photometric="rgb", extrasamples=["unassalpha"], tile=(32, 32)
    )
    tifffile.imwrite(tmp_path / "w.tif", noise(90, 120, 1), photometric="miniswhite", tile=(32, 32), compression="zlib")
    for name in ("p.tif", "a.tif", "w.tif"):
        made = Pyramid.open(tmp_path / name, None)
        assert np.array_equal(assembled(made, 0), decode(tmp_path / name).pixels), name
        assert made.has_alpha == (name == "a.tif")
        made.close()


def test_tiles_that_the_writer_left_out_are_empty(tmp_path: Path) -> None:
    path = sparse_tiff(tmp_path / "s.tif", 200, 300)
    made = Pyramid.open(path, None)
    whole = assembled(made, 0)
    made.close()
    assert (whole[:64, :64] == 200).all() and not whole[:, 64:].any() and not whole[64:].any()


def sparse_tiff(path: Path, height: int, width: int, side: int = 64) -> Path:
    """A grey BigTIFF whose first tile is 200 and whose others are not there."""

    def tiles() -> Any:
        for number in range(-(-height // side) * -(-width // side)):
            yield np.full((side, side), 200, np.uint8) if number == 0 else None

    tifffile.imwrite(
        path, tiles(), shape=(height, width), dtype=np.uint8, tile=(side, side), compression="zlib", bigtiff=True
    )
    return path


def test_smaller_pages_in_the_file_are_used(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(noise(512, 768), tile=(64, 64), photometric="rgb", subifds=2)
        for side in (4, 16):
            small = np.full((512 // side, 768 // side, 3), 16 * side - 1, np.uint8)
            writer.write(small, tile=(64, 64), photometric="rgb", subfiletype=1)
    made = Pyramid.open(path, tmp_path / "tiles")
    assert not made.needs_build
    assert (assembled(made, 2) == 63).all() and (assembled(made, 3) == 63).all()
    assert (assembled(made, 4) == 255).all() and (assembled(made, 5) == 255).all()
    assert len(np.unique(assembled(made, 1))) > 50
    made.close()
    assert not (tmp_path / "tiles").exists()


def test_sixteen_bits_have_a_window_from_samples(tmp_path: Path) -> None:
    pixels = noise(300, 400, 1, np.uint16) // 4 + 1000
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(64, 64))
    made = Pyramid.open(tmp_path / "a.tif", None)
    build(made)
    low, high = made.default_window
    assert 1000 <= low < 1500 and 15_000 < high <= 16_000
    found = made.tile(0, 0, 0, (1000.0, 2000.0))
    made.close()
    assert found is not None
    shown = (np.clip(pixels[:64, :64].astype(np.float64), 1000, 2000) - 1000) / 1000 * 255
    assert np.abs(found[..., 0] - shown.reshape(found.shape[:2])).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_other_formats_are_built_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    data = io.BytesIO()
    Image.fromarray(cv2.resize(noise(20, 30), (300, 200))).save(data, "PNG" if suffix == ".png" else "JPEG")
    path.write_bytes(data.getvalue())
    plain = decode(path).pixels
    made = Pyramid.open(path, tmp_path / "tiles")
    assert made.needs_build and made.tile(0, 0, 0) is None
    sharp: list[NDArray[np.uint8] | None] = []

    def told(area: tuple[int, int, int, int]) -> None:
        if not any(area):  # it has been decoded: tiles need not wait for the levels
            sharp.append(made.tile(0, 3, 4))
            assert made.can_make(2) and not made.can_make(3)

    assert made.build(lambda: False, told)
    assert sharp[0] is not None and np.array_equal(sharp[0], plain[192:, 256:])
    for level in (0, 2, 4):
        assert np.array_equal(assembled(made, level), expected(plain, level))
    made.close()


def test_a_deep_png_looks_the_same_when_it_is_opened_again(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), noise(300, 400, 4, np.uint16) // 3 + 500)
    first = Pyramid.open(tmp_path / "a.png", tmp_path / "tiles")
    build(first)
    again = Pyramid.open(tmp_path / "a.png", tmp_path / "tiles")
    assert first.has_alpha and again.has_alpha and not again.needs_build
    assert first.default_window == again.default_window != (0.0, 255.0)
    assert np.array_equal(assembled(first, 0), assembled(again, 0))
    first.close()
    again.close()


def test_a_jpeg_beyond_memory_begins_at_a_coarser_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pictures", "pyramid"):
        monkeypatch.setattr(f"annotator.media.{module}.MAX_PIXELS", 20_000)
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), cv2.resize(noise(20, 30), (301, 201)))
    made = Pyramid.open(path, None)
    build(made)
    assert [level.number for level in made.levels] == [1, 2, 3, 4]
    assert np.array_equal(assembled(made, 1), decode(path).pixels)
    assert made.best_level(8.0) == 1 and made.best_level(0.5) == 1 and made.best_level(0.01) == 4
    made.close()


def test_while_it_is_built_what_is_done_can_be_seen(tmp_path: Path) -> None:
    pixels = noise(512, 512)
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(64, 64), photometric="rgb")
    made = Pyramid.open(tmp_path / "a.tif", tmp_path / "tiles")
    assert made.tile(3, 0, 0) is None
    seen: list[tuple[int, int, int, int]] = []
    assert not made.build(lambda: len(seen) == 2, seen.append)
    assert seen == [(0, 0, 512, 64), (0, 64, 512, 128)]
    part = made.tile(3, 0, 0)
    assert part is not None and part.shape == (64, 64, 4)
    assert np.array_equal(part[:16, :, :3], expected(pixels, 3)[:16]) and (part[:16, :, 3] == 255).all()
    assert not part[16:].any()
    made.close()
    again = Pyramid.open(tmp_path / "a.tif", tmp_path / "tiles")
    assert again.needs_build
    again.close()


def test_a_changed_file_a_damaged_cache_and_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, tiles = tmp_path / "a.tif", tmp_path / "tiles"
    pixels = noise(400, 300)
    tifffile.imwrite(path, pixels, tile=(64, 64), photometric="rgb")
    made = Pyramid.open(path, tiles)
    build(made)
    made.close()
    (entry,) = tiles.iterdir()
    (entry / "3.raw").write_bytes(b"short")
    made = Pyramid.open(path, tiles)
    assert made.needs_build
    build(made)
    made.close()
    shutil.rmtree(tiles)
    tiles.write_text("a file where the folder should be")
    made = Pyramid.open(path, tiles)
    build(made)
    assert np.array_equal(assembled(made, 4), expected(pixels, 4))
    made.close()


def test_the_cache_keeps_below_its_size(tmp_path: Path) -> None:
    for number in range(3):
        entry = tmp_path / str(number)
        entry.mkdir()
        (entry / "3.raw").write_bytes(bytes(1000))
        marker = entry / level_store._MARKER
        marker.write_text("{}")
        os.utime(marker, (number + 1, number + 1))
    prune(tmp_path, 2100, keep=tmp_path / "0")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["0", "2"]


def test_absurd_sizes_are_refused_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(64, 64, 1), tile=(64, 64), compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for code in (256, 257):
            tag = file.pages[0].tags[code]
            struct.pack_into("<" + {3: "H", 4: "I"}[int(tag.dtype)], data, tag.valueoffset, 60_000)
    path.write_bytes(data)
    with pytest.raises(
        ImageError, match=r"^a\.tif is damaged \(60000 × 60000 pixels would need 879,844 parts"
    ) as caught:
        Pyramid.open(path, None)
    assert "\n" not in str(caught.value)
    tifffile.imwrite(path, noise(400, 500, 1), rowsperstrip=400, compression="zlib")
    monkeypatch.setattr(pyramid, "MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="declares 500 × 400 pixels, more than"):
        Pyramid.open(path, None)


def test_a_damaged_tile_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(200, 200), tile=(64, 64), compression="zlib", photometric="rgb")
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].dataoffsets[5]
    data = bytearray(path.read_bytes())
    data[at + 4 : at + 60] = bytes(56)
    path.write_bytes(data)
    made = Pyramid.open(path, None)
    assert made.tile(0, 0, 0) is not None
    with pytest.raises(ImageError, match=r"^a\.tif is damaged"):
        made.tile(0, 1, 1)
    made.close()


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["u1", "u2", "i4", "f4"]))
def test_halving_is_the_mean_of_four(width: int, height: int, kind: str) -> None:
    pixels = noise(height, width, 1).astype(kind)
    found = halved(pixels).astype(float)
    padded = np.pad(pixels.astype(float), ((0, height % 2), (0, width % 2)), mode="edge")
    mean = padded.reshape(-(-height // 2), 2, -(-width // 2), 2).mean(axis=(1, 3))
    assert found.shape == mean.shape and np.abs(found - mean).max() <= 1
