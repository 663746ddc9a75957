"""Classical segmentation around a prompt: GrabCut, random-walker smoothing, and sharpening of a band along the edge.

Rother et al., "GrabCut", SIGGRAPH 2004; Grady, "Random walks for image segmentation", PAMI 2006 (here with the decoder's
probability as a prior on every pixel). Constants are measured on COCO objects.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.models.protocols import FloatArray, RGBImage

WALK_SIDE = 128
WALK_PRIOR = 0.05
WALK_ITERATIONS = 40
WALK_TOLERANCE = 1e-3
# In units of the mean squared colour step between neighbours.
WALK_CONTRAST = 0.5
WALK_FLOOR = np.float32(0.02)
CLICK_WEIGHT = 10.0
# How weakly a click's word fades with distance where no edge is in its way.
SPREAD_PRIOR = 0.0005
SPREAD_LOGIT = 5.0
# Each one carries the word a pixel further.
SPREAD_ITERATIONS = 80
SPREAD_CONTRAST = 1.0
SPREAD_FLOOR = np.float32(0.002)
BAND = 0.06
BAND_ITERATIONS = 2
# Standard deviation in grey levels of what is no more than one even area.
FLAT = 1.0
# GrabCut's own generator seeds its mixture models.
SEED = 7

BoolMask = NDArray[np.bool_]


def grab_cut(image: RGBImage, trimap: NDArray[np.uint8], iterations: int) -> BoolMask:
    """Foreground (h, w) of an RGB image from a trimap of cv2's GC_* values.

    The trimap's own guess when it lacks a side, or the image has no edges.
    """
    mask = trimap.copy()
    foreground = (mask & 1).astype(np.bool_)
    # Each of the two colour models has five components and needs that many pixels.
    if np.count_nonzero(foreground) < 8 or np.count_nonzero(~foreground) < 8:
        return foreground
    # Without any edge there is nothing to cut along, and the search for the least cut takes minutes.
    if float(image.reshape(-1, 3).std(0).max()) < FLAT:
        return foreground
    cv2.setRNGSeed(SEED)
    background_model, foreground_model = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, mask, None, background_model, foreground_model, iterations, cv2.GC_INIT_WITH_MASK)
    return (mask & 1).astype(np.bool_)


def draw_clicks(trimap: NDArray[np.uint8], points: FloatArray, labels: NDArray[np.bool_], radius: int) -> None:
    """Fix disks at the clicks (n, 2), in pixels of the trimap, as certain foreground or background."""
    for (x, y), positive in zip(points, labels, strict=True):
        value = cv2.GC_FGD if positive else cv2.GC_BGD
        cv2.circle(trimap, (int(x), int(y)), radius, int(value), thickness=-1)


def smooth(probability: FloatArray, image: RGBImage, points: FloatArray, labels: NDArray[np.bool_]) -> FloatArray:
    """Probability (n, n) float32 pulled to the edges of the image (n, n, 3): a random walk with a prior.

    Minimises Σ w_ij (x_i − x_j)² + γ Σ (x_i − p_i)² over 4-neighbours by conjugate gradients, w falling with the
    distance in Lab. Pixels under a click (n, 2), in pixels of ``image``, are fixed.
    """
    right, down = _affinities(image, WALK_CONTRAST, WALK_FLOOR)
    weight, target = np.full(probability.shape, WALK_PRIOR, np.float32), probability.astype(np.float32).copy()
    _fix_clicks(weight, target, points, np.where(labels, 1.0, 0.0))
    return _conjugate_gradients(right, down, weight, target, WALK_ITERATIONS)


def spread_clicks(image: RGBImage, points: FloatArray, labels: NDArray[np.bool_]) -> FloatArray:
    """What the clicks (n, 2) say of the even areas around them, up to the edges of the image (n, n, 3): (n, n) in [−1, 1].

    The same walk with a prior of 0 everywhere but at the clicks, which say 1 or −1.
    """
    shape = image.shape[:2]
    weight, word = np.full(shape, SPREAD_PRIOR, np.float32), np.zeros(shape, np.float32)
    if len(points):
        right, down = _affinities(image, SPREAD_CONTRAST, SPREAD_FLOOR)
        _fix_clicks(weight, word, points, np.where(labels, 1.0, -1.0))
        word = _conjugate_gradients(right, down, weight, word, SPREAD_ITERATIONS)
    return word.clip(-1, 1)


def believe(probability: FloatArray, word: FloatArray) -> FloatArray:
    """The probability (n, n) with the word of the clicks added to its log-odds."""
    safe = probability.clip(0.01, 0.99)
    believed: FloatArray = (1 / (1 + (1 / safe - 1) * np.exp(-SPREAD_LOGIT * word))).astype(np.float32)
    return np.where(word == 0, probability, believed).astype(np.float32)


def _fix_clicks(weight: FloatArray, target: FloatArray, points: FloatArray, values: NDArray[np.float64]) -> None:
    """Set the 3 × 3 pixels at each click to its value, with a weight that holds."""
    side = len(weight)
    for (x, y), value in zip(points, values, strict=True):
        column, row = int(np.clip(x, 0, side - 1)), int(np.clip(y, 0, side - 1))
        spot = np.s_[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        weight[spot] = CLICK_WEIGHT
        target[spot] = value


def _affinities(image: RGBImage, contrast: float, floor: np.float32) -> tuple[FloatArray, FloatArray]:
    """Weights to the right (h, w − 1) and lower (h − 1, w) neighbours of an RGB image, from the floor to a little over 1."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    across = np.square(np.diff(lab, axis=1)).sum(2)
    along = np.square(np.diff(lab, axis=0)).sum(2)
    scale = contrast * (across.mean() + along.mean()) / 2 + 1e-6
    return np.exp(-across / scale) + floor, np.exp(-along / scale) + floor


def _conjugate_gradients(
    right: FloatArray, down: FloatArray, weight: FloatArray, target: FloatArray, iterations: int
) -> FloatArray:
    """Solve (Laplacian + diag(weight)) x = weight · target, preconditioned by the diagonal."""
    degree = weight.copy()
    degree[:, :-1] += right
    degree[:, 1:] += right
    degree[:-1] += down
    degree[1:] += down
    inverse = 1 / degree
    product, edge_x, edge_y = np.empty_like(degree), np.empty_like(right), np.empty_like(down)

    def multiply(x: FloatArray) -> FloatArray:
        np.multiply(degree, x, out=product)
        np.multiply(right, x[:, 1:], out=edge_x)
        product[:, :-1] -= edge_x
        np.multiply(right, x[:, :-1], out=edge_x)
        product[:, 1:] -= edge_x
        np.multiply(down, x[1:], out=edge_y)
        product[:-1] -= edge_y
        np.multiply(down, x[:-1], out=edge_y)
        product[1:] -= edge_y
        return product

    x = target.copy()
    residual = weight * target - multiply(x)
    direction = inverse * residual
    power = float(np.vdot(residual, direction))
    stop = WALK_TOLERANCE**2 * float(np.vdot(weight * target, weight * target)) + 1e-12
    for _ in range(iterations):
        if float(np.vdot(residual, residual)) <= stop:
            break
        moved = multiply(direction)
        step = power / float(np.vdot(direction, moved))
        x += np.float32(step) * direction
        residual -= np.float32(step) * moved
        scaled = inverse * residual
        following = float(np.vdot(residual, scaled))
        direction = scaled + np.float32(following / power) * direction
        power = following
    return x


def sharpen(
    mask: BoolMask, image: RGBImage, points: FloatArray, labels: NDArray[np.bool_], click_radius: int
) -> BoolMask:
    """The mask (h, w) with a band of .06 · √area along its edge decided again by GrabCut on the image (h, w, 3)."""
    area = int(np.count_nonzero(mask))
    reach = max(1, round(BAND * area**0.5))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    plane = mask.astype(np.uint8)
    outer = cv2.dilate(plane, kernel)
    inner = cv2.erode(plane, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    trimap = np.where(plane, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[inner > 0] = cv2.GC_FGD
    trimap[outer == 0] = cv2.GC_BGD
    draw_clicks(trimap, points, labels, click_radius)
    return grab_cut(image, trimap, BAND_ITERATIONS)
