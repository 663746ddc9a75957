"""Every kind of file that a person may have, made here and decoded: pixels, sizes, depth."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from annotator.domain.orientation import orient_pixels
from annotator.errors import ImageError
from annotator.media import decode, probe, read_raw

RNG = np.random.default_rng(7)
HEIGHT, WIDTH = 96, 144


def smooth(channels: int = 3) -> np.ndarray:
    """A picture without symmetry that survives JPEG: ramps and one bright corner."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 255 // WIDTH, y * 255 // HEIGHT, (x + 2 * y) * 255 // (WIDTH + 2 * HEIGHT), 255 - x * 200 // WIDTH]
    result = np.stack(planes[:channels], axis=2).astype(np.uint8)
    result[:16, :24, 0] = 240
    return result if channels > 1 else result[..., 0]


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def close_to(actual: np.ndarray, expected: np.ndarray, within: float) -> bool:
    return actual.shape == expected.shape and float(np.abs(actual.astype(int) - expected).mean()) <= within


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", {}),
        (".bmp", {}),
        (".webp", {"lossless": True}),
        (".tif", {}),
        (".tif", {"compression": "tiff_lzw"}),
        (".tif", {"compression": "tiff_adobe_deflate"}),
        (".tif", {"compression": "packbits"}),
    ],
)
def test_lossless_colour_is_exact(tmp_path: Path, suffix: str, options: dict[str, Any]) -> None:
    pixels = noise(HEIGHT, WIDTH, 3)
    path = save(tmp_path / f"a{suffix}", pixels, **options)
    picture = decode(path)
    assert np.array_equal(picture.pixels, pixels)
    assert picture.pixels.flags.c_contiguous and not picture.pixels.flags.writeable
    assert (picture.full_width, picture.full_height, picture.scale) == (WIDTH, HEIGHT, 1.0)
    info = probe(path)
    assert (info.width, info.height, info.channels, info.bit_depth) == (WIDTH, HEIGHT, 3, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".lzw.tif"])
def test_orientation_is_applied_once_and_never_written(tmp_path: Path, suffix: str, orientation: int) -> None:
    pixels = smooth()
    options: dict[str, Any] = {"exif": exif(orientation)}
    if suffix == ".jpg":
        options |= {"quality": 95, "subsampling": 0}
    elif suffix == ".webp":
        options |= {"lossless": True}
    elif suffix == ".lzw.tif":
        options |= {"compression": "tiff_lzw"}
    path = save(tmp_path / f"phone{suffix}", pixels, **options)
    before = path.read_bytes()
    picture, info = decode(path), probe(path)
    expected = orient_pixels(pixels, orientation)
    assert close_to(picture.pixels, expected, 2.0 if suffix == ".jpg" else 0.0)
    assert (picture.full_height, picture.full_width) == expected.shape[:2]
    assert (info.height, info.width, info.orientation) == (*expected.shape[:2], orientation)
    assert path.read_bytes() == before


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("max_side", [1000, 500, 333, 100, 20])
def test_jpeg_at_display_scale(tmp_path: Path, max_side: int, orientation: int) -> None:
    pixels = cv2.resize(smooth(), (800, 600))
    path = save(tmp_path / "a.jpg", pixels, quality=95, exif=exif(orientation))
    picture = decode(path, max_side=max_side)
    full = orient_pixels(pixels, orientation)
    height, width = full.shape[:2]
    assert (picture.full_width, picture.full_height) == (width, height)
    assert max(picture.pixels.shape[:2]) == min(max_side, 800)
    assert picture.scale == pytest.approx(min(1, max_side / 800))
    shown = picture.pixels.shape[1], picture.pixels.shape[0]
    assert close_to(picture.pixels, cv2.resize(full, shown, interpolation=cv2.INTER_AREA), 3.0)


@pytest.mark.parametrize(("min_side", "shorter"), [(600, 600), (301, 600), (300, 300), (224, 300), (75, 75), (10, 75)])
def test_min_side_lets_the_codec_shrink_but_no_further(tmp_path: Path, min_side: int, shorter: int) -> None:
    path = save(tmp_path / "a.jpg", cv2.resize(smooth(), (800, 600)), quality=90)
    assert min(decode(path, min_side=min_side).pixels.shape[:2]) == shorter


def test_odd_sizes_at_every_jpeg_scale(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", noise(97, 131, 3))
    for max_side in (131, 65, 32, 16, 5, 1):
        picture = decode(path, max_side=max_side)
        assert max(picture.pixels.shape[:2]) == max_side
        assert (picture.full_width, picture.full_height) == (131, 97)


def test_grey_jpeg_progressive_jpeg_and_an_appended_video(tmp_path: Path) -> None:
    grey = save(tmp_path / "grey.jpg", smooth(1), quality=95)
    assert close_to(decode(grey).pixels, np.repeat(smooth(1)[..., None], 3, axis=2), 2.0)
    assert probe(grey).channels == 1
    motion = save(tmp_path / "motion.jpg", smooth(), quality=95, subsampling=0, progressive=True)
    motion.write_bytes(motion.read_bytes() + b"ftypmp42" + bytes(200_000))
    assert close_to(decode(motion).pixels, smooth(), 2.0)
    assert probe(motion).format == "jpeg"


@pytest.mark.parametrize("max_side", [None, 40])
def test_cmyk_jpeg_with_adobe_marker_is_not_inverted(tmp_path: Path, max_side: int | None) -> None:
    red = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    red[...] = (200, 30, 20)
    path = save(tmp_path / "print.jpg", red, "CMYK", quality=95)
    assert b"Adobe" in path.read_bytes()
    pixels = decode(path, max_side=max_side).pixels
    assert np.abs(pixels.reshape(-1, 3).mean(axis=0) - (200, 30, 20)).max() < 6
    assert probe(path).channels == 4


def test_cmyk_jpeg_without_adobe_marker(tmp_path: Path) -> None:
    path = save(tmp_path / "print.jpg", np.full((40, 40, 3), (200, 30, 20), np.uint8), "CMYK", quality=95)
    data = path.read_bytes()
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    path.write_bytes(data[:at] + data[at + 2 + length :])
    pixels = decode(path).pixels.reshape(-1, 3)  # stored inverted all the same, as every program that writes CMYK does
    assert np.abs(pixels.mean(axis=0) - (200, 30, 20)).max() < 6


def test_cmyk_tiff_plain_and_compressed(tmp_path: Path) -> None:
    for options in ({}, {"compression": "tiff_lzw"}):
        path = save(tmp_path / "print.tif", np.full((40, 50, 3), (200, 30, 20), np.uint8), "CMYK", **options)
        pixels = decode(path).pixels
        assert pixels.shape == (40, 50, 3)
        assert np.abs(pixels[5, 5].astype(int) - (200, 30, 20)).max() <= 6


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
def test_palettes(tmp_path: Path, bits: int, suffix: str) -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(2**bits)
    path = tmp_path / f"palette{suffix}"
    image.save(path, **({"bits": bits} if suffix == ".png" else {}))
    assert np.array_equal(decode(path).pixels, np.asarray(image.convert("RGB")))
    assert probe(path).bit_depth == 8


def test_transparent_palette_and_grey_with_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(16)
    image.save(tmp_path / "p.png", transparency=3)
    image.save(tmp_path / "p.gif", transparency=3)
    shown = np.asarray(image) != 3
    for name in ("p.png", "p.gif"):
        pixels = decode(tmp_path / name).pixels
        assert pixels.shape[2] == 4
        assert np.array_equal(pixels[..., 3] == 255, shown)
        assert np.array_equal(pixels[shown][:, :3], np.asarray(image.convert("RGB"))[shown])
    grey, alpha = noise(HEIGHT, WIDTH), noise(HEIGHT, WIDTH)
    for name in ("la.png", "la.tif"):
        Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)]).save(tmp_path / name)
        assert np.array_equal(decode(tmp_path / name).pixels, np.stack([grey, grey, grey, alpha], axis=2))


def test_alpha_and_what_models_see_of_it(tmp_path: Path) -> None:
    pixels = noise(HEIGHT, WIDTH, 4)
    pixels[0, 0], pixels[0, 1] = (10, 20, 30, 0), (10, 20, 30, 255)
    for name, options in (("a.png", {}), ("a.tif", {}), ("a.webp", {"lossless": True, "exact": True})):
        picture = decode(save(tmp_path / name, pixels, **options))
        assert np.array_equal(picture.pixels, pixels)
        rgb = picture.rgb()
        assert rgb.shape == (HEIGHT, WIDTH, 3)
        assert tuple(rgb[0, 0]) == (255, 255, 255) and tuple(rgb[0, 1]) == (10, 20, 30)


def test_one_bit_and_white_is_zero(tmp_path: Path) -> None:
    bits = noise(HEIGHT, WIDTH) > 128
    expected = np.repeat((bits * np.uint8(255))[..., None], 3, axis=2)
    for name, options in (("a.png", {}), ("a.tif", {}), ("g4.tif", {"compression": "group4"}), ("a.bmp", {})):
        assert np.array_equal(decode(save(tmp_path / name, bits, **options)).pixels, expected), name
    tifffile.imwrite(tmp_path / "w.tif", noise(4, 5) * 0 + np.uint8(200), photometric="miniswhite")
    assert (decode(tmp_path / "w.tif").pixels == 55).all()


def test_sixteen_bits_are_shown_through_a_window(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 5000, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    ramp[0, 0], ramp[0, 1] = 0, 65535  # a dead and a hot pixel
    cv2.imwrite(str(tmp_path / "a.png"), ramp)
    tifffile.imwrite(tmp_path / "a.tif", ramp)
    cv2.imwrite(str(tmp_path / "lzw.tif"), ramp, [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    for name in ("a.png", "a.tif", "lzw.tif"):
        picture = decode(tmp_path / name)
        assert picture.bit_depth == probe(tmp_path / name).bit_depth == 16
        assert picture.value_range == (0.0, 65535.0)
        assert picture.window == pytest.approx((1020, 4980), abs=15)
        middle = int(picture.pixels[HEIGHT // 2, 0, 0])
        assert abs(middle - 127) < 4 and picture.pixels.shape == (HEIGHT, WIDTH, 3)
        narrow = decode(tmp_path / name, window=(3000.0, 3001.0)).pixels[..., 0]
        assert np.array_equal(narrow[5:] > 0, ramp[5:] > 3000)


def test_sixteen_bit_colour_with_alpha(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 65536, (HEIGHT, WIDTH, 4), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    picture = decode(tmp_path / "a.png", window=(0.0, 65535.0))
    assert close_to(picture.pixels, (pixels[..., [2, 1, 0, 3]] / 257).round().astype(np.uint8), 0.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.uint32])
def test_measured_numbers_in_tiff(tmp_path: Path, dtype: type) -> None:
    values = np.linspace(-50, 150, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    values = (values + 50 if dtype is np.uint32 else values).astype(dtype)
    tifffile.imwrite(tmp_path / "m.tif", values)
    raw = read_raw(tmp_path / "m.tif")
    assert np.array_equal(raw.pixels, values)
    assert raw.value_range == (float(values.min()), float(values.max()))
    low, high = raw.value_range
    shown = raw.render((low, high)).pixels[..., 0]
    assert close_to(shown, np.floor((values.astype(float) - low) * 255 / (high - low) + 0.5).astype(np.uint8), 0.01)
    assert np.array_equal(decode(tmp_path / "m.tif", window=(low, high)).pixels[..., 0], shown)


def test_float_with_nan_and_infinity(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "n.tif", values)
    picture = decode(tmp_path / "n.tif")
    assert picture.value_range == (pytest.approx(3 / 4095), 1.0)
    assert picture.pixels[0, :3, 0].tolist() == [0, 255, 0]
    tifffile.imwrite(tmp_path / "all.tif", np.full((8, 8), np.nan, np.float32))
    assert not decode(tmp_path / "all.tif").pixels.any()


def test_first_page_planes_and_many_bands(tmp_path: Path) -> None:
    stack = noise(5, HEIGHT, WIDTH)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    assert np.array_equal(decode(tmp_path / "stack.tif").pixels[..., 0], stack[0])
    planes = noise(3, HEIGHT, WIDTH)
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    assert np.array_equal(decode(tmp_path / "planes.tif").pixels, np.moveaxis(planes, 0, -1))
    bands = noise(HEIGHT, WIDTH, 6)
    tifffile.imwrite(tmp_path / "bands.tif", bands, photometric="minisblack", planarconfig="contig")
    assert np.array_equal(decode(tmp_path / "bands.tif").pixels[..., 0], bands[..., 0])


def test_tiled_pyramid_is_read_at_the_level_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as writer:
        options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb"}
        writer.write(np.full((1024, 1536, 3), 10, np.uint8), subifds=2, **options)
        writer.write(np.full((512, 768, 3), 20, np.uint8), subfiletype=1, **options)
        writer.write(np.full((256, 384, 3), 30, np.uint8), subfiletype=1, **options)
    for max_side, level in ((None, 10), (1536, 10), (769, 10), (768, 20), (384, 30), (100, 30)):
        picture = decode(path, max_side=max_side)
        assert (picture.full_width, picture.full_height) == (1536, 1024)
        assert int(picture.pixels[0, 0, 0]) == level
        assert max(picture.pixels.shape) == (max_side or 1536)


def test_huge_tiled_tiff_is_read_coarsely_tile_by_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(1000, 1500)
    tifffile.imwrite(tmp_path / "tiles.tif", pixels, tile=(256, 256), compression="zlib")
    tifffile.imwrite(tmp_path / "strips.tif", np.dstack([pixels] * 3), rowsperstrip=7, photometric="rgb")
    monkeypatch.setattr("annotator.media.pictures.MAX_PIXELS", 100_000)
    for name in ("tiles.tif", "strips.tif"):
        picture = decode(tmp_path / name)
        assert (picture.full_width, picture.full_height) == (1500, 1000)
        assert np.array_equal(picture.pixels[..., 0], pixels[::4, ::4]), name
        assert probe(tmp_path / name).width == 1500


def test_huge_jpeg_is_read_coarsely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.jpg", cv2.resize(smooth(), (800, 600)))
    monkeypatch.setattr("annotator.media.pictures.MAX_PIXELS", 100_000)
    picture = decode(path)
    assert picture.pixels.shape == (150, 200, 3) and picture.scale == 0.25
    assert (picture.full_width, picture.full_height) == (800, 600)


def test_animations_show_their_first_frame(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), value, np.uint8)) for value in (40, 120, 200)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert np.abs(decode(tmp_path / name).pixels[..., :3].astype(int) - 40).max() <= 2, name
    assert probe(tmp_path / "a.webp").animated and probe(tmp_path / "a.png").animated


def test_names_that_are_not_text(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(smooth()).save(data, "PNG")
    for name in (b"caf\xe9.png", '日本 \'s "photo"\n.png'.encode(), "e\u0301.png".encode()):
        path = Path(__import__("os").fsdecode(bytes(tmp_path) + b"/" + name))
        path.write_bytes(data.getvalue())
        assert np.array_equal(decode(path).pixels, smooth())
        assert probe(path).width == WIDTH
        path.write_bytes(data.getvalue()[:90])
        with pytest.raises(ImageError) as caught:
            decode(path)
        assert str(caught.value).isprintable() and str(caught.value).encode("utf-8")


def test_an_odd_colour_profile_is_not_remarked_on_standard_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pixels = smooth()
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[64:68] = b"\x01\x00\x00\x00"  # a rendering intent that does not exist
    path = save(tmp_path / "odd.png", pixels, icc_profile=bytes(profile))
    assert np.array_equal(decode(path).pixels, pixels)
    clear = save(tmp_path / "clear.png", smooth(4)[..., :3], "P", icc_profile=bytes(profile), transparency=0)
    assert decode(clear).pixels.shape[2] == 4
    assert capfd.readouterr().err == ""
