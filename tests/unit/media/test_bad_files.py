"""Files that cannot be read: each gets one short, concrete reason, from probe where the header tells and from decode always."""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.errors import ImageError
from annotator.media import decode, hash_file, probe, read_raw
from annotator.media.problems import from_os_error, size_text

RNG = np.random.default_rng(3)


def encoded(kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (120, 160, 3), dtype=np.uint8)).save(data, kind, **options)
    return data.getvalue()


def reason(path: Path, read: Any = decode) -> str:
    with pytest.raises(ImageError) as caught:
        read(path)
    error = caught.value
    assert error.path == path and error.what.startswith(path.name) and error.reason in error.what
    assert error.cure
    assert "\n" not in str(error)
    return error.reason


WHOLE = {
    "jpeg": encoded("JPEG", quality=90),
    "progressive": encoded("JPEG", quality=90, progressive=True),
    "png": encoded("PNG"),
    "webp": encoded("WEBP", lossless=True),
    "bmp": encoded("BMP"),
    "tiff": encoded("TIFF"),
    "lzw": encoded("TIFF", compression="tiff_lzw"),
}
FUZZED = WHOLE | {"gif": encoded("GIF")}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.98])
def test_cut_off_files_are_reported_by_both_doors(tmp_path: Path, kind: str, kept: float) -> None:
    data = WHOLE[kind]
    path = tmp_path / "photo.jpg"  # the name does not matter
    path.write_bytes(data[: int(len(data) * kept)])
    size = size_text(int(len(data) * kept))
    assert reason(path) == reason(path, probe) == f"is cut off after {size}"


@pytest.mark.parametrize("kept", [12, 0.02, 0.5, 0.95])
def test_cut_off_gif(tmp_path: Path, kept: float) -> None:
    """A GIF has no length to check: the pixels themselves must be missing."""
    data = FUZZED["gif"]
    path = tmp_path / "a.gif"
    path.write_bytes(data[: int(kept if kept > 1 else len(data) * kept)])
    assert "cut off" in reason(path)


def test_cut_off_in_the_words_of_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(WHOLE["jpeg"][:13_500])
    with pytest.raises(ImageError, match=r"^photo\.jpg is cut off after 13 KB\. Copy it again"):
        decode(path)


def test_half_downloaded_jpeg_of_the_right_size_and_a_thumbnail_with_its_own_end(tmp_path: Path) -> None:
    data = WHOLE["jpeg"]
    path = tmp_path / "a.jpg"
    path.write_bytes(data[:9000] + bytes(len(data) - 9000))
    assert reason(path, probe) == "is cut off after 9 KB" or reason(path, probe) == "is cut off after 8 KB"
    small = encoded("JPEG", quality=50)
    with_thumbnail = data[:2] + b"\xff\xe1" + struct.pack(">H", len(small) + 8) + b"Exif\0\0" + small + data[2:]
    path.write_bytes(with_thumbnail)
    assert decode(path).full_width == 160
    path.write_bytes(with_thumbnail[:-3000])
    assert reason(path).startswith("is cut off after")


@given(st.integers(0, 40_000))
@settings(max_examples=60, deadline=None)
def test_no_cut_of_a_jpeg_passes(tmp_path_factory: pytest.TempPathFactory, kept: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.jpg"
    data = WHOLE["jpeg"]
    path.write_bytes(data[: min(kept, len(data) - 2)])
    for read in (decode, probe):
        with pytest.raises(ImageError):
            read(path)


@given(st.sampled_from(sorted(FUZZED)), st.integers(0, 10_000), st.binary(min_size=1, max_size=40))
@settings(max_examples=150, deadline=None)
def test_overwritten_bytes_give_a_picture_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: int, junk: bytes
) -> None:
    """Fuzz: nothing but ImageError may come out, and what comes out whole has the size that it says."""
    data = FUZZED[kind]
    at %= len(data)
    path = tmp_path_factory.getbasetemp() / "fuzz.bin"
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])
    try:
        picture = decode(path)
    except ImageError as error:
        assert error.reason
    else:
        sides = (picture.full_height, picture.full_width)
        assert picture.pixels.shape[:2] == tuple(max(1, math.ceil(side * picture.scale - 0.5)) for side in sides)


def test_a_frame_of_a_gif_that_leaves_its_screen_is_cut_to_it(tmp_path: Path) -> None:
    data = bytearray(FUZZED["gif"])
    frame = data.index(b",\0\0\0\0")
    data[frame + 1] = 1  # one column to the right
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    picture, info = decode(path), probe(path)
    assert picture.pixels.shape[:2] == (info.height, info.width) and picture.scale == 1.0


def test_empty_missing_folder_and_zeros(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    assert reason(path) == reason(path, probe) == "is empty (0 bytes)"
    path.write_bytes(bytes(5000))
    assert reason(path) == reason(path, probe) == "holds only zeros"
    path.unlink()
    assert reason(path) == reason(path, probe) == reason(path, hash_file) == reason(path, read_raw) == "is missing"
    path.mkdir()
    assert reason(path) == reason(path, probe) == "is a folder, not an image"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(WHOLE["jpeg"])
    path.chmod(0)
    assert reason(path) == reason(path, probe) == "may not be read (no permission)"


def test_what_the_system_says(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert from_os_error(path, PermissionError(13, "x")).reason == "may not be read (no permission)"
    assert from_os_error(path, OSError(5, "Input/output error")).reason == "cannot be read (Input/output error)"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"hello, this is not an image at all", "is not an image"),
        (b"<!DOCTYPE html><html>404</html>", "is a text file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is a text file"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is an HEIC picture"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "is an AVIF picture"),
        (b"\0\0\0\x1cftypisom\0\0\0\0isommp42", "is a video"),
        (b"%PDF-1.7 ...............", "is a PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer, not the picture itself"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, data: bytes, expected: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert reason(path) == reason(path, probe) == expected


def png_header(width: int, height: int, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def test_decompression_bombs_are_refused_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(16_000, 16_000, RNG.bytes(1_000_000)))
    expected = "declares 16000 × 16000 pixels, more than the 250 million that fit in memory"
    assert reason(path) == reason(path, probe) == expected
    path.write_bytes(png_header(10_000, 10_000, bytes(1000)))
    assert (
        reason(path)
        == reason(path, probe)
        == f"is damaged (10000 × 10000 pixels cannot be in {size_text(path.stat().st_size)})"
    )
    path.write_bytes(b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0;")
    assert "65535 × 65535" in reason(path)


def test_a_jpeg_that_lies_about_its_size(tmp_path: Path) -> None:
    data = bytearray(WHOLE["progressive"])
    at = data.index(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    path = tmp_path / "bomb.jpg"
    path.write_bytes(data)
    assert (
        reason(path) == reason(path, probe) == f"is damaged (60000 × 60000 pixels cannot be in {size_text(len(data))})"
    )
    path.write_bytes(data[:-2] + bytes(4_000_000) + data[-2:])
    assert "declares 60000 × 60000 pixels" in reason(path)


def test_damage_inside_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    data = bytearray(WHOLE["png"])
    data[len(data) // 2 : len(data) // 2 + 400] = b"\x55" * 400
    path.write_bytes(data)
    assert reason(path).startswith("is damaged")
    assert probe(path).width == 160


def test_bmp_and_png_without_a_size(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(0, 10))
    assert reason(path) == "is damaged (it declares 0 × 10 pixels)"


def test_tiff_that_cannot_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((8, 8), np.complex64))
    assert reason(path) == "holds complex numbers"
    path.write_bytes(b"II*\0\x08\0\0\0\0\0")
    assert reason(path) == reason(path, probe) == "is damaged (it declares 0 × 0 pixels)"
    path.write_bytes(b"MM\0*")
    assert reason(path) == reason(path, probe) == "is cut off after 4 bytes"


def test_huge_tiff_that_cannot_be_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), np.zeros((400, 500), np.uint8), [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    monkeypatch.setattr("annotator.media.pictures.MAX_PIXELS", 1000)
    assert reason(path) == "declares 500 × 400 pixels, more than the 0 million that fit in memory"
