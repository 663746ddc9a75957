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
# Plain GrabCut sees so much more than the box on every side, at this many pixels along its longer side. Small boxes are enlarged
# for it: its price for the length of an outline is per pixel, and on few pixels it eats whole objects.
PLAIN_MARGIN, PLAIN_SIDE = 0.25, 320
# It has eaten the object when less than this share of the box is left.
PLAIN_LEAST = 0.3
# A box that takes more than this of the image leaves no ground to see.
PLAIN_MOST = 0.98
# What is more like the first candidate than this is no second opinion.
ALIKE = 0.8
# Seeds: below the first GrabCut starts from background, above the second it may not change its mind.
SEED_FOREGROUND = 0.1
SEED_CERTAIN = 0.8
# What the decoder made of clicks is worth more: GrabCut decides only what lies between these two.
CLICKED_CERTAIN = 0.65
CLICKED_NEVER = 0.15
CERTAINLY_NOT = -0.9
# Without a box nothing else says where the object ends.
SEED_BACKGROUND = 0.03
# The decoder is a little too careful: IoU is best when its probability is cut here.
THRESHOLD = 0.35
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
    """GrabCut seeded by the decoder; plain GrabCut, on the first prompt only; the decoder smoothed. The third is no twin.

    After a click the first is the mean of GrabCut's answer and the decoder's.
    """
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
    first = _seeded_cut(image, said, word, prompt, found)
    if len(prompt.points) > (prompt.box is None):
        cover = move_map(shrink(first, guess.window), guess.window, guess.window, side)
        mean = (walked.clip(0, 1) + cover) / np.float32(2)
        first = _keep_to_box(to_image(mean, guess.window, width, height), prompt)
    others = [Offer(smoothed, independent=False)]
    # Whoever clicks once more has chosen between the decoder and plain GrabCut, and wants the next answer soon.
    if len(prompt.points) <= (prompt.box is None):
        plain = _plain_cut(image, prompt, found)
        if plain is not None:
            others.insert(0 if _likeness(plain, first) < ALIKE else 1, Offer(plain, independent=True))
    offers = [Offer(first, independent=False), others[0]]
    if all(_likeness(other.mask, one.mask) < SAME for other in others[1:] for one in offers):
        offers += others[1:]
    return offers


def _likeness(one: BoolMask, other: BoolMask) -> float:
    """Intersection over union; 1 for two empty masks."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 1.0


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


def _seeded_cut(image: RGBImage, guess: Guess, word: FloatArray, prompt: Prompt, found: Bounds) -> BoolMask:
    """One iteration of GrabCut that starts from the decoder's probability, around the box or what was found.

    ``word`` (64, 64) over the guess's window: where negative clicks speak up, GrabCut may not disagree.
    """
    height, width = image.shape[:2]
    window = Window.around(found, SEEDED_CONTEXT)
    if prompt.box is not None and not window.holds(prompt.points):
        x1, y1 = np.minimum(found[:2], prompt.points.min(0)).tolist()
        x2, y2 = np.maximum(found[2:], prompt.points.max(0)).tolist()
        window = Window.around((x1, y1, x2, y2), SEEDED_CONTEXT)
    side = min(SEEDED_SIDE, window.side)
    likely = move_map(guess.probability, guess.window, window, side)
    (x1, y1), (x2, y2) = np.round(window.to_grid(np.array(found, np.float32), side)).astype(int).clip(0, side).tolist()
    inside = np.zeros((side, side), np.bool_)
    inside[y1:y2, x1:x2] = True
    if prompt.box is None:
        inside = likely > SEED_BACKGROUND
    trimap = np.where(likely > SEED_FOREGROUND, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    clicked = len(prompt.points) > 0
    trimap[likely > (CLICKED_CERTAIN if clicked else SEED_CERTAIN)] = cv2.GC_FGD
    if clicked:
        trimap[likely < CLICKED_NEVER] = cv2.GC_BGD
    trimap[~inside] = cv2.GC_BGD
    trimap[move_map(word, guess.window, window, side) < CERTAINLY_NOT] = cv2.GC_BGD
    beyond = resize(window.cut(np.ones((height, width), np.uint8), fill=0), side) == 0
    trimap[beyond] = cv2.GC_BGD
    edges.draw_clicks(trimap, window.to_grid(prompt.points, side), prompt.labels, click_radius(side))
    cut = edges.grab_cut(resize(window.cut(image), side), trimap, 1)
    return to_image(cut.astype(np.float32), window, width, height)


def _plain_cut(image: RGBImage, prompt: Prompt, found: Bounds) -> BoolMask | None:
    """One iteration of GrabCut in the box or the bounds of what was found; None when it eats the object.

    More iterations take more and more of an object that fills its box.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = found
    reach_x, reach_y = (x2 - x1) * PLAIN_MARGIN, (y2 - y1) * PLAIN_MARGIN
    left, top = int(max(0, x1 - reach_x)), int(max(0, y1 - reach_y))
    right, bottom = int(min(width, np.ceil(x2 + reach_x))), int(min(height, np.ceil(y2 + reach_y)))
    scale = PLAIN_SIDE / max(right - left, bottom - top)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(image[top:bottom, left:right], size, interpolation=method).astype(np.uint8)
    trimap = np.full(pixels.shape[:2], cv2.GC_BGD, np.uint8)
    columns, rows = (
        slice(round((low - start) * scale), round((high - start) * scale))
        for low, high, start in ((x1, x2, left), (y1, y2, top))
    )
    trimap[rows, columns] = cv2.GC_PR_FGD
    if np.count_nonzero(trimap) > PLAIN_MOST * trimap.size:
        # Without background it has nothing to tell the object from: the rim must do.
        trimap[[0, -1]] = trimap[:, [0, -1]] = cv2.GC_BGD
    edges.draw_clicks(
        trimap, (prompt.points - (left, top)) * np.float32(scale), prompt.labels, click_radius(PLAIN_SIDE)
    )
    cut = edges.grab_cut(pixels, trimap, 1)
    if np.count_nonzero(cut) < PLAIN_LEAST * np.count_nonzero(trimap):
        return None
    plane = np.zeros((height, width), np.bool_)
    fine = cv2.resize(cut.astype(np.float32), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    plane[top:bottom, left:right] = fine > 0.5
    return plane


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
