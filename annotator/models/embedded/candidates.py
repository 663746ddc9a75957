"""From the decoder's probability to the masks that are offered: in the frame of the image, with edges drawn to it.

Measured on COCO objects from a box: GrabCut seeded by the decoder beats the decoder alone, and plain GrabCut fails on other
objects than both, so that it is worth offering.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.embedded import edges
from annotator.models.embedded.crops import GRID_SIDE, Bounds, Window, bounds_of, move_map, resize
from annotator.models.protocols import FloatArray, RGBImage

BoolMask = NDArray[np.bool_]

# Context and most pixels a side of the square that GrabCut works on.
SEEDED_CONTEXT, SEEDED_SIDE = 1.6, 160
PLAIN_CONTEXT, PLAIN_SIDE = 1.4, 144
# Whoever clicks more often has chosen between the decoder and plain GrabCut, and wants the next answer soon.
PLAIN_CLICKS = 1
# Seeds: below the first GrabCut starts from background, above the second it may not change its mind.
SEED_FOREGROUND = 0.1
SEED_CERTAIN = 0.8
CERTAINLY_NOT = -0.9
# Without a box nothing else says where the object ends.
SEED_BACKGROUND = 0.03
# The decoder is a little too careful: IoU is best when its probability is cut here.
THRESHOLD = 0.4
# Two candidates more alike than this are one.
SAME = 0.97


@dataclass(frozen=True, slots=True)
class Guess:
    """A mask under way: probability (n, n) over a window."""

    window: Window
    probability: FloatArray


@dataclass(frozen=True, slots=True)
class Prompt:
    """Checked prompts of one call: ``points`` (n, 2), ``labels`` (n,) true for positive, ``box`` clipped to the image."""

    points: FloatArray
    labels: BoolMask
    box: Bounds | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A mask (h, w); ``independent`` when the decoder had no say in it."""

    mask: BoolMask
    independent: bool


def offer(image: RGBImage, guess: Guess, prompt: Prompt) -> list[Offer]:
    """GrabCut seeded by the decoder, then plain GrabCut until the second click, then the decoder smoothed, if it differs."""
    height, width = image.shape[:2]
    coarse = resize(guess.window.cut(image), GRID_SIDE)
    word = edges.spread_clicks(coarse, guess.window.to_grid(prompt.points), prompt.labels)
    said = Guess(guess.window, edges.believe(guess.probability, word))
    side = edges.WALK_SIDE
    pixels, points = resize(guess.window.cut(image), side), guess.window.to_grid(prompt.points, side)
    likely = move_map(said.probability, guess.window, guess.window, side)
    walked = edges.smooth(likely, pixels, points, prompt.labels) + np.float32(0.5 - THRESHOLD)
    smoothed = _keep_to_box(to_image(walked, guess.window, width, height), prompt)
    found = prompt.box or bounds_of(smoothed)
    if found is None:
        return [Offer(smoothed, independent=False)]
    offers = [Offer(_cut(image, said, word, prompt, found, seeded=True), independent=False)]
    if len(prompt.points) <= PLAIN_CLICKS:
        offers.append(Offer(_cut(image, said, word, prompt, found, seeded=False), independent=True))
    cover = shrink(smoothed, guess.window)
    if max(expected_iou(cover, shrink(other.mask, guess.window)) for other in offers) < SAME:
        offers.append(Offer(smoothed, independent=False))
    return offers


def _keep_to_box(mask: BoolMask, prompt: Prompt) -> BoolMask:
    """The mask inside the box, unless a positive click lies outside of it."""
    if prompt.box is None:
        return mask
    x1, y1, x2, y2 = prompt.box
    positive = prompt.points[prompt.labels]
    if len(positive) and ((positive < (x1, y1)) | (positive > (x2, y2))).any():
        return mask
    kept = np.zeros_like(mask)
    inside = np.s_[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
    kept[inside] = mask[inside]
    return kept


def _cut(
    image: RGBImage,
    guess: Guess,
    word: FloatArray,
    prompt: Prompt,
    found: Bounds,
    *,
    seeded: bool,
) -> BoolMask:
    """One iteration of GrabCut around the box or what was found.

    ``word`` (64, 64) over the guess's window: where negative clicks speak up, GrabCut may not disagree.
    """
    height, width = image.shape[:2]
    context, most = (SEEDED_CONTEXT, SEEDED_SIDE) if seeded else (PLAIN_CONTEXT, PLAIN_SIDE)
    window = Window.around(found, context)
    if prompt.box is not None and not window.holds(prompt.points):
        x1, y1 = np.minimum(found[:2], prompt.points.min(0)).tolist()
        x2, y2 = np.maximum(found[2:], prompt.points.max(0)).tolist()
        window = Window.around((x1, y1, x2, y2), context)
    side = min(most, window.side)
    likely = move_map(guess.probability, guess.window, window, side)
    (x1, y1), (x2, y2) = np.round(window.to_grid(np.array(found, np.float32), side)).astype(int).clip(0, side).tolist()
    inside = np.zeros((side, side), np.bool_)
    inside[y1:y2, x1:x2] = True
    if prompt.box is None:
        inside |= likely > SEED_BACKGROUND
        if seeded:
            inside &= likely > SEED_BACKGROUND
    foreground = likely > SEED_FOREGROUND if seeded else inside
    trimap = np.where(foreground, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    if seeded:
        trimap[likely > SEED_CERTAIN] = cv2.GC_FGD
    trimap[~inside] = cv2.GC_BGD
    trimap[move_map(word, guess.window, window, side) < CERTAINLY_NOT] = cv2.GC_BGD
    beyond = resize(window.cut(np.ones((height, width), np.uint8), fill=0), side) == 0
    trimap[beyond] = cv2.GC_BGD
    edges.draw_clicks(trimap, window.to_grid(prompt.points, side), prompt.labels, click_radius(side))
    cut = edges.grab_cut(resize(window.cut(image), side), trimap, 1)
    return to_image(cut.astype(np.float32), window, width, height)


def click_radius(side: int) -> int:
    """Pixels around a click that surely share its answer, on a raster of ``side`` pixels."""
    return max(1, side // 64)


def to_image(values: FloatArray, window: Window, width: int, height: int) -> BoolMask:
    """The (h, w) mask of an image from values (n, n) in [0, 1] over a window, cut at a half."""
    mask = np.zeros((height, width), np.bool_)
    rows, columns, own_rows, own_columns = window.inside(width, height)
    if rows.start < rows.stop and columns.start < columns.stop:
        coarse = (values.clip(0, 1) * 255).astype(np.uint8)
        fine = cv2.resize(coarse, (window.side, window.side), interpolation=cv2.INTER_LINEAR)
        np.greater(fine[own_rows, own_columns], 127, out=mask[rows, columns])
    return mask


def shrink(mask: BoolMask, window: Window) -> FloatArray:
    """The share of each of the (64, 64) cells of a window that the mask (h, w) covers."""
    rows, columns, own_rows, own_columns = window.inside(mask.shape[1], mask.shape[0])
    plane = np.zeros((window.side, window.side), np.uint8)
    plane[own_rows, own_columns] = mask[rows, columns].view(np.uint8) * np.uint8(255)
    return resize(plane, GRID_SIDE).astype(np.float32) / np.float32(255)


def expected_iou(cover: FloatArray, probability: FloatArray) -> float:
    """The IoU to expect of a mask (64, 64) if the probability (64, 64) over the same window is right."""
    both = float((cover * probability).sum())
    return both / max(float(cover.sum() + probability.sum()) - both, 1e-6)
