"""What the prompt decoder learns from: crops of photographed objects, cut-outs set into other photos, and drawn shapes.

For ``train_decoder`` only. Reads a folder in the layout of COCO128 with YOLO polygons:

    DIR/images/train/NAME.jpg   DIR/instance_segmentation/labels/train/NAME.txt   DIR/licences.csv (optional)
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.errors import UsageError
from annotator.models.embedded.crops import BOX_CONTEXT, CROP_SIDE, FILL, GRID_SIDE, Bounds, Window, bounds_of, resize
from annotator.models.protocols import FloatArray, RGBImage

# Licences of photos that allow commercial use, as licences.csv words them.
COMMERCIAL = {
    "Attribution License",
    "Attribution-ShareAlike License",
    "Attribution-NoDerivs License",
    "No known copyright restrictions",
    "United States Government Work",
}
# COCO's border between small and medium objects; figures are of medium and large ones.
MEDIUM_AREA = 32**2
# Smaller objects are not cut out.
CUT_AREA = 2 * MEDIUM_AREA
# Degrees to either side, and the logarithm of the change of the sides' ratio: of cut-outs, and of whole photos.
TURN, STRETCH = 25.0, 0.3
PHOTO_TURN, PHOTO_STRETCH = 15.0, 0.2
# Of the photos' crops so many are turned, and of those without a box so many show the whole photo, as a first click does.
TURNED_SHARE = 0.6
WHOLE_SHARE = 0.3
# Of the compositions so many have a second cut-out before or behind the object.
CROWDED_SHARE = 0.5
LEAST_AREA = 16**2

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True)
class Photo:
    """A photo (h, w, 3) RGB and the masks (h, w) of the objects marked in it. ``number`` is its place in the list."""

    number: int
    name: str
    licence: str
    pixels: RGBImage
    masks: tuple[BoolMask, ...]

    @property
    def commercial(self) -> bool:
        return self.licence in COMMERCIAL


@dataclass(frozen=True)
class Sample:
    """One crop to learn from. ``mask`` (64, 64) float32 coverage; ``box`` XYXY in cells of that grid, None without a box.

    ``photos``: the numbers of all photos with a part in it, so that a fold can leave them out.
    """

    pixels: RGBImage
    mask: FloatArray
    box: Bounds | None
    photos: tuple[int, ...]
    kind: str


def read_photos(folder: Path) -> list[Photo]:
    """The photos that have polygons, by name. Raises UsageError when the folder is not laid out as the module says."""
    labels = sorted((folder / "instance_segmentation" / "labels" / "train").glob("*.txt"))
    if not labels:
        raise UsageError(
            f"{folder} has no instance_segmentation/labels/train/*.txt.", "Give a folder in COCO128's layout."
        )
    licences = {name: row["licence"] for name, row in _licence_rows(folder).items()}
    photos: list[Photo] = []
    for label in labels:
        path = folder / "images" / "train" / f"{label.stem}.jpg"
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise UsageError(f"{path} cannot be decoded.", path=path)
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8)
        masks = [_fill(line, pixels.shape[:2]) for line in label.read_text(encoding="ascii").splitlines()]
        kept = tuple(mask for mask in masks if np.count_nonzero(mask) >= LEAST_AREA)
        photos.append(Photo(len(photos), path.name, licences.get(path.name, "unknown"), pixels, kept))
    return photos


def _licence_rows(folder: Path) -> dict[str, dict[str, str]]:
    """File name → row of licences.csv; empty without the file."""
    path = folder / "licences.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file_name"]: row for row in csv.DictReader(file)}


def licence_table(folder: Path, photos: list[Photo]) -> str:
    """The licence and origin of each photo as CSV, to go with the weights."""
    rows = _licence_rows(folder)
    columns = ("file_name", "licence", "licence_url", "photo_url")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for photo in photos:
        row = rows.get(photo.name, {"file_name": photo.name, "licence": photo.licence})
        writer.writerow([row.get(column, "") for column in columns])
    return text.getvalue()


def _fill(line: str, shape: tuple[int, int]) -> BoolMask:
    """The mask of one YOLO polygon: class, then x y in shares of the width and height."""
    points = np.array(line.split()[1:], np.float64).reshape(-1, 2) * (shape[1], shape[0])
    canvas = np.zeros(shape, np.uint8)
    # Sub-pixel vertices in sixteenths; pixel centres lie at +.5 in the polygon's frame and at 0 in OpenCV's.
    cv2.fillPoly(canvas, [np.round((points - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return canvas.astype(np.bool_)


def _sure_bounds(mask: BoolMask) -> Bounds:
    """Bounds of a mask that is known not to be empty."""
    bounds = bounds_of(mask)
    if bounds is None:
        raise ValueError("the mask is empty")
    return bounds


def make_samples(photos: list[Photo], seed: int, *, crops: int, compositions: int, drawings: int) -> list[Sample]:
    """All samples: ``crops`` with and ``crops`` without a box per medium object (one each per small one), then the made ones."""
    generator = np.random.default_rng(seed)
    samples: list[Sample] = []
    for photo in photos:
        for mask in photo.masks:
            repeats = crops if np.count_nonzero(mask) >= MEDIUM_AREA else 1
            for boxed in (True, False):
                samples += [_photographed(generator, photo, mask, boxed) for _ in range(repeats)]
    cutouts = [(photo, mask) for photo in photos for mask in photo.masks if np.count_nonzero(mask) >= CUT_AREA]
    made = 0
    while made < compositions:
        photo, mask = cutouts[generator.integers(len(cutouts))]
        ground = photos[generator.integers(len(photos))]
        composed = _compose(generator, photo, mask, ground, made % 2 == 0)
        if composed is not None:
            samples.append(composed)
            made += 1
    for index in range(drawings):
        samples.append(_draw(generator, photos[generator.integers(len(photos))], index % 2 == 0))
    return samples


def _photographed(generator: np.random.Generator, photo: Photo, mask: BoolMask, boxed: bool) -> Sample:
    """A crop of the object where it is, the photo often a little turned and stretched about it."""
    pixels, shape = photo.pixels, mask
    if generator.random() < TURNED_SHARE:
        x1, y1, x2, y2 = _sure_bounds(mask)
        turn = _turn(generator, PHOTO_TURN, PHOTO_STRETCH)
        centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        matrix = np.hstack([turn, (centre - turn @ centre)[:, None]])
        size = mask.shape[1], mask.shape[0]
        turned = cv2.warpAffine(mask.astype(np.uint8), matrix, size) > 0
        if 2 * np.count_nonzero(turned) > np.count_nonzero(mask):
            shape = turned
            pixels = cv2.warpAffine(photo.pixels, matrix, size, borderValue=(FILL, FILL, FILL)).astype(np.uint8)
    return crop_sample(generator, pixels, shape, boxed, (photo.number,), "photo")


def crop_sample(
    generator: np.random.Generator,
    pixels: RGBImage,
    mask: BoolMask,
    boxed: bool,
    photos: tuple[int, ...],
    kind: str,
) -> Sample:
    """A crop as inference would make it for an imprecise box, or anywhere around the object when ``boxed`` is false."""
    x1, y1, x2, y2 = _sure_bounds(mask)
    width, height = x2 - x1, y2 - y1
    if boxed:
        jitter = generator.normal(0, 0.02, 4) * (width, height, width, height)
        box: Bounds | None = tuple(np.array((x1, y1, x2, y2)) + jitter)
        assert box is not None
        window = Window.around(box, BOX_CONTEXT * generator.uniform(0.95, 1.1))
    else:
        box = None
        window = _free_window(generator, (x1, y1, x2, y2), pixels.shape[1], pixels.shape[0])
    crop = resize(window.cut(_relight(generator, pixels)), CROP_SIDE)
    cover = resize(window.cut(mask.astype(np.uint8) * 255, fill=0), GRID_SIDE).astype(np.float32) / np.float32(255)
    grid: Bounds | None = None
    if box is not None:
        (gx1, gy1), (gx2, gy2) = window.to_grid(np.array(box, np.float32)).tolist()
        grid = (gx1, gy1, gx2, gy2)
    if generator.random() < 0.5:
        crop, cover = np.ascontiguousarray(crop[:, ::-1]), np.ascontiguousarray(cover[:, ::-1])
        grid = None if grid is None else (GRID_SIDE - grid[2], grid[1], GRID_SIDE - grid[0], grid[3])
    return Sample(crop, cover, grid, photos, kind)


def _free_window(generator: np.random.Generator, bounds: Bounds, width: int, height: int) -> Window:
    """The whole photo, where the object is not tiny in it; else a square anywhere around the object."""
    extent = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    if generator.random() < WHOLE_SHARE and extent * GRID_SIDE > 4 * max(width, height):
        return Window.whole(width, height)
    context = float(np.exp(generator.uniform(np.log(1.3), np.log(5.0))))
    # Never much more than the photo, and around the object all the same.
    window = Window.around(bounds, min(context, max(width, height) / extent))
    spare = max(0.0, window.side - 0.8 * extent) / 2
    shift = generator.uniform(-spare, spare, 2).round().astype(int)
    return replace(window, left=window.left + int(shift[0]), top=window.top + int(shift[1]))


def _relight(generator: np.random.Generator, pixels: RGBImage) -> RGBImage:
    """Another exposure, contrast, white balance and, at times, strength of colour."""
    gain = generator.uniform(0.75, 1.25) * generator.uniform(0.92, 1.08, 3)
    table = (np.arange(256)[:, None] - 127) * gain + 127 + generator.uniform(-20, 20)
    relit = cv2.LUT(pixels, table.clip(0, 255).astype(np.uint8)[None]).astype(np.uint8)
    if generator.random() < 0.3:
        grey = cv2.cvtColor(cv2.cvtColor(relit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = generator.uniform(0.2, 1.4)
        relit = cv2.addWeighted(relit, share, grey, 1 - share, 0).astype(np.uint8)
    return np.asarray(relit, np.uint8)


def _compose(generator: np.random.Generator, photo: Photo, mask: BoolMask, ground: Photo, boxed: bool) -> Sample | None:
    """An object cut out and set into another photo in that photo's light; None when next to nothing of it is left.

    At times with a second cut-out of either photo before or behind it.
    """
    height, width = ground.pixels.shape[:2]
    long_side = generator.uniform(0.15, 0.7) * min(height, width)
    cut, shape = _cut_out(generator, photo, mask, long_side)
    left = int(generator.integers(0, max(1, width - cut.shape[1])))
    top = int(generator.integers(0, max(1, height - cut.shape[0])))
    canvas, light = ground.pixels.copy(), generator.uniform(0.2, 0.7)
    others = [(each, one) for each in (photo, ground) for one in each.masks if np.count_nonzero(one) >= CUT_AREA]
    if not others or generator.random() >= CROWDED_SHARE:
        truth = _paste(generator, canvas, cut, shape, left, top, light)
    else:
        second = _cut_out(generator, *others[generator.integers(len(others))], long_side * generator.uniform(0.5, 1.3))
        reach = 0.7 * long_side
        aside, away = generator.uniform(-reach, reach, 2)
        place = int(left + aside), int(top + away)
        if generator.random() < 0.5:
            _paste(generator, canvas, *second, *place, light)
            truth = _paste(generator, canvas, cut, shape, left, top, light)
        else:
            truth = _paste(generator, canvas, cut, shape, left, top, light)
            truth &= ~_paste(generator, canvas, *second, *place, light)
    if np.count_nonzero(truth) < max(LEAST_AREA, 0.25 * np.count_nonzero(shape)):
        return None
    return crop_sample(generator, canvas, truth, boxed, (photo.number, ground.number), "composition")


def _cut_out(
    generator: np.random.Generator, photo: Photo, mask: BoolMask, long_side: float
) -> tuple[RGBImage, NDArray[np.uint8]]:
    """The pixels and mask of an object, turned and stretched, about ``long_side`` pixels long."""
    cut, shape = _turned(generator, photo.pixels, mask)
    scale = min(long_side / max(cut.shape[:2]), 2.0)
    size = (max(8, round(cut.shape[1] * scale)), max(8, round(cut.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    # The polygons run a little outside the objects: without a pixel less the old background would give them away.
    eroded = cv2.erode(cv2.resize(shape, size, interpolation=cv2.INTER_LINEAR), np.ones((3, 3), np.uint8))
    return cv2.resize(cut, size, interpolation=method).astype(np.uint8), eroded.astype(np.uint8)


def _paste(
    generator: np.random.Generator,
    canvas: RGBImage,
    cut: RGBImage,
    shape: NDArray[np.uint8],
    left: int,
    top: int,
    light: float,
) -> BoolMask:
    """Set a cut-out into the canvas with a soft edge; the mask (h, w) of what lies inside."""
    height, width = canvas.shape[:2]
    truth = np.zeros((height, width), np.bool_)
    rows, columns = slice(max(0, -top), max(0, height - top)), slice(max(0, -left), max(0, width - left))
    cut, shape = cut[rows, columns], shape[rows, columns]
    if not shape.any():
        return truth
    place = np.s_[max(0, top) : max(0, top) + shape.shape[0], max(0, left) : max(0, left) + shape.shape[1]]
    region = canvas[place]
    alpha = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), generator.uniform(0.5, 1.2))[..., None]
    region[:] = (alpha * _match_light(cut, shape > 0, region, light) + (1 - alpha) * region).astype(np.uint8)
    truth[place] = shape > 0
    return truth


def _turned(generator: np.random.Generator, pixels: RGBImage, mask: BoolMask) -> tuple[RGBImage, NDArray[np.uint8]]:
    """The object's pixels and mask, turned and stretched at random, cut to where it then is."""
    x1, y1, x2, y2 = (int(value) for value in _sure_bounds(mask))
    width, height = x2 - x1, y2 - y1
    turn = _turn(generator, TURN, STRETCH)
    reach_x, reach_y = np.abs(turn) @ (width, height)
    side_x, side_y = max(1, round(float(reach_x))), max(1, round(float(reach_y)))
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    matrix = np.hstack([turn, ((side_x / 2, side_y / 2) - turn @ centre)[:, None]])
    turned = cv2.warpAffine(pixels, matrix, (side_x, side_y), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)
    shape = cv2.warpAffine(mask.astype(np.uint8), matrix, (side_x, side_y)).astype(np.uint8)
    bounds = bounds_of(shape > 0)
    if bounds is None:
        return pixels[y1:y2, x1:x2], mask[y1:y2, x1:x2].astype(np.uint8)
    left, top, right, bottom = (int(value) for value in bounds)
    return turned[top:bottom, left:right], shape[top:bottom, left:right]


def _turn(generator: np.random.Generator, most_turn: float, most_stretch: float) -> NDArray[np.float64]:
    """A random turn and stretch (2, 2) of at most so much."""
    angle = np.radians(generator.uniform(-most_turn, most_turn))
    stretch = float(np.exp(generator.uniform(-most_stretch, most_stretch) / 2))
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: NDArray[np.float64] = np.array([[cosine, -sine], [sine, cosine]]) * [stretch, 1 / stretch]
    return turned


def _match_light(cut: RGBImage, shape: BoolMask, ground: RGBImage, share: float) -> FloatArray:
    """The cut-out with ``share`` of the way gone to the ground's mean and spread of each channel."""
    if not shape.any():
        return cut.astype(np.float32)
    own, other = cut[shape].astype(np.float32), ground.reshape(-1, 3).astype(np.float32)
    mean, spread = own.mean(0), own.std(0) + 1
    wanted_mean = mean + share * (other.mean(0) - mean)
    wanted_spread = spread + share * (other.std(0) + 1 - spread)
    lit: FloatArray = ((cut - mean) / spread * wanted_spread + wanted_mean).clip(0, 255).astype(np.float32)
    return lit


def _draw(generator: np.random.Generator, ground: Photo, boxed: bool) -> Sample:
    """A smooth closed curve filled with texture, over a photo or another texture, with a shadow and a blurred edge."""
    height, width = ground.pixels.shape[:2]
    base = ground.pixels if generator.random() < 0.5 else _texture(generator, height, width)
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    radius = np.ones_like(angles)
    for wave in range(2, 7):
        radius += generator.normal(0, 0.35 / wave) * np.cos(wave * angles + generator.uniform(0, 2 * np.pi))
    radius = np.maximum(radius, 0.2) * generator.uniform(0.1, 0.3) * min(height, width)
    stretch, turn = generator.uniform(0.5, 1.0), generator.uniform(0, np.pi)
    x, y = radius * np.cos(angles), stretch * radius * np.sin(angles)
    points = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1)
    points += (generator.uniform(0.3, 0.7) * width, generator.uniform(0.3, 0.7) * height)
    plane = np.zeros((height, width), np.uint8)
    cv2.fillPoly(plane, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    shadow = cv2.GaussianBlur(np.roll(plane, generator.integers(2, 10, 2), (0, 1)).astype(np.float32), (0, 0), 4)
    dark = base * (1 - generator.uniform(0, 0.5) * shadow[..., None])
    alpha = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), generator.uniform(0.5, 2.0))[..., None]
    canvas = (alpha * _texture(generator, height, width) + (1 - alpha) * dark).astype(np.uint8)
    return crop_sample(generator, canvas, plane.astype(np.bool_), boxed, (ground.number,), "drawing")


def _texture(generator: np.random.Generator, height: int, width: int) -> RGBImage:
    """Coloured noise at three scales over a colour gradient."""
    result = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((2, 1.0), (generator.integers(5, 12), 0.5), (generator.integers(20, 90), 0.4)):
        noise = generator.uniform(-1, 1, (int(cells), int(cells), 3)).astype(np.float32)
        noise = noise * 0.4 + noise.mean(2, keepdims=True) * 0.8
        strength *= generator.uniform(0.1, 1.0) * 70
        result += strength * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return (result + generator.uniform(60, 195, 3)).clip(0, 255).astype(np.uint8)
