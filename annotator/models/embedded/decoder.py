"""The segmenter that ships: a small decoder on EfficientNet-Lite0 features, with GrabCut as the second opinion.

It looks at a 256-pixel square around the prompt, so that a click costs the same on an image of any size. Features of the
last squares are kept: a further click on the same object runs only the decoder. ``train_decoder`` made the weights.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.errors import ModelError
from annotator.models.embedded import edges
from annotator.models.embedded.assets import DECODER_FILE, DECODER_GRAPH, REINSTALL, open_session, read_asset
from annotator.models.embedded.candidates import (
    Guess,
    Prompt,
    click_radius,
    expected_iou,
    offer,
    shrink,
    to_image,
)
from annotator.models.embedded.crops import (
    BOX_CONTEXT,
    CLICK_CONTEXT,
    GRID_SIDE,
    Bounds,
    Window,
    bounds_of,
    move_map,
    network_input,
    prompt_maps,
    resize,
)
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.pixels import check_image
from annotator.models.protocols import Candidates, FloatArray, ModelInfo, RGBImage

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry

BoolMask = NDArray[np.bool_]

STRIDES = (4, 8, 16, 32)
# A square's features take 0.75 MB.
KEPT_WINDOWS = 8
# Sharpening on commit works at no more than this many pixels a side.
SHARPEN_SIDE = 512
SHARPEN_CONTEXT = 1.3
# Without a box the square follows the object found in it, at most this often a prompt.
FOLLOW = 2
SETTLED = 0.8


@dataclass
class Encoding:
    """An image (h, w, 3) and the features of the squares last looked at."""

    image: RGBImage
    maps: OrderedDict[Window, dict[int, FloatArray]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class EmbeddedSegmenter:
    """``PromptSegmenter`` without a GPU or a download. Safe to call from several threads.

    ``weights``: a safetensors file of ``train_decoder``. Raises ModelError when a file is missing, damaged or another's.
    """

    def __init__(
        self,
        weights: Path = DECODER_FILE,
        *,
        encoder: EmbeddedImageEncoder | None = None,
        threads: int | None = None,
        device: str = "auto",
    ) -> None:
        self._encoder = encoder or EmbeddedImageEncoder(threads=threads, device=device)
        self._session, digest = load_decoder(weights, threads=threads)
        self._info = ModelInfo("embedded-segmenter", digest[:16], self._encoder.info.device)

    @property
    def info(self) -> ModelInfo:
        return self._info

    def encode(self, image: RGBImage) -> Encoding:
        """Takes no time: features are computed for the squares that prompts ask for."""
        check_image(image)
        return Encoding(image)

    def segment(
        self,
        encoding: object,
        points: FloatArray,
        point_labels: BoolMask,
        box: FloatArray | None = None,
        previous: object | None = None,
    ) -> Candidates:
        """Two or three masks, see ``candidates.offer``; the prompts as in ``PromptSegmenter.segment``."""
        if not isinstance(encoding, Encoding):
            raise ValueError(f"expected an Encoding of this segmenter, got {type(encoding).__name__}")
        height, width = encoding.image.shape[:2]
        prompt = _check_prompt(width, height, points, point_labels, box)
        start = _start(previous, width, height)
        if prompt.box is None and start is None and not prompt.labels.any():
            raise ValueError("a prompt needs a box, a positive point or a previous mask")
        guess = self._decode(encoding, prompt, start)
        offers = offer(encoding.image, guess, prompt)
        covers = [shrink(one.mask, guess.window) for one in offers]
        scores = np.array([expected_iou(cover, guess.probability) for cover in covers], np.float32)
        # A person who goes on from GrabCut's own answer means that answer, not the decoder's.
        states = tuple(
            Guess(guess.window, cover) if one.independent else guess for one, cover in zip(offers, covers, strict=True)
        )
        return Candidates(np.stack([one.mask for one in offers]), scores, states)

    def refine(self, encoding: object, mask: BoolMask, points: FloatArray, point_labels: BoolMask) -> BoolMask:
        """The mask (h, w) with its edge drawn to the image's by GrabCut in a band; the mask itself when it is empty."""
        if not isinstance(encoding, Encoding):
            raise ValueError(f"expected an Encoding of this segmenter, got {type(encoding).__name__}")
        height, width = encoding.image.shape[:2]
        if mask.shape != (height, width) or mask.dtype != np.bool_:
            raise ValueError(f"expected a mask ({height}, {width}) bool, got {mask.shape} {mask.dtype}")
        prompt = _check_prompt(width, height, points, point_labels, None)
        bounds = bounds_of(mask)
        if bounds is None:
            return mask.copy()
        window = Window.around(bounds, SHARPEN_CONTEXT)
        side = min(SHARPEN_SIDE, window.side)
        plane = resize(window.cut(mask.astype(np.uint8) * 255, fill=0), side) > 127
        sharp = edges.sharpen(
            plane,
            resize(window.cut(encoding.image), side),
            window.to_grid(prompt.points, side),
            prompt.labels,
            click_radius(side),
        )
        return to_image(sharp.astype(np.float32), window, width, height)

    def _decode(self, encoding: Encoding, prompt: Prompt, start: Guess | None) -> Guess:
        """Predict; without a box, move the square to what was found and predict again."""
        height, width = encoding.image.shape[:2]
        window = _first_window(prompt, start, width, height)
        guess = self._predict(encoding, prompt, window, start)
        if prompt.box is not None:
            return guess
        for _ in range(FOLLOW):
            window = _follow(guess, prompt, width, height)
            if _overlap(window, guess.window) >= SETTLED:
                break
            guess = self._predict(encoding, prompt, window, start or guess)
        return guess

    def _predict(self, encoding: Encoding, prompt: Prompt, window: Window, previous: Guess | None) -> Guess:
        """One run of the decoder on a window."""
        before = None if previous is None else move_map(previous.probability, previous.window, window)
        prompts = prompt_maps(window, prompt.box, prompt.points, prompt.labels, before)[None]
        feeds = {f"s{stride}": values for stride, values in self._maps(encoding, window).items()}
        (logits,) = self._session.run(["logits"], {**feeds, "prompts": prompts})
        # Both outputs err in their own ways: their mean is better than either.
        return Guess(window, (1 / (1 + np.exp(-logits[0]))).mean(0).astype(np.float32))

    def _maps(self, encoding: Encoding, window: Window) -> dict[int, FloatArray]:
        """The features of a window, from the last ones or computed."""
        with encoding.lock:
            if window in encoding.maps:
                encoding.maps.move_to_end(window)
                return encoding.maps[window]
        maps = self._encoder.feature_maps(network_input(window.cut(encoding.image))[None], STRIDES)
        with encoding.lock:
            encoding.maps[window] = maps
            while len(encoding.maps) > KEPT_WINDOWS:
                encoding.maps.popitem(last=False)
        return maps


def load_decoder(weights: Path, *, threads: int | None) -> tuple[Any, str]:
    """An ONNX Runtime session of the decoder with the weights of a safetensors file, and the file's SHA-256.

    Raises ModelError when a file is missing or damaged, or the weights are of another model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content, digest = read_asset(weights)
    try:
        tensors = {name: np.ascontiguousarray(values, np.float32) for name, values in load(content).items()}
    except SafetensorError as error:
        raise ModelError(f"{weights} is not a safetensors file ({error}).", REINSTALL, path=weights) from error
    read_asset(DECODER_GRAPH)
    try:
        session, _ = open_session(DECODER_GRAPH, threads=threads, device="cpu", outputs={"logits"}, tensors=tensors)
    except ModelError as error:
        # The graph itself has just been found whole.
        raise ModelError(
            f"{weights} holds the weights of another model.", "Give a file that train_decoder wrote.", path=weights
        ) from error
    return session, digest


def _check_prompt(width: int, height: int, points: FloatArray, labels: BoolMask, box: FloatArray | None) -> Prompt:
    """The prompts with the box in order and clipped to the image. Raises ValueError for shapes and numbers that make no sense."""
    points = np.asarray(points, np.float32)
    labels = np.asarray(labels)
    if points.size == 0:
        points, labels = points.reshape(0, 2), labels.reshape(0)
    if points.ndim != 2 or points.shape[1] != 2 or labels.shape != (len(points),):
        raise ValueError(f"expected points (n, 2) and labels (n,), got {points.shape} and {labels.shape}")
    if not np.isfinite(points).all():
        raise ValueError("a point is not finite")
    points = np.clip(points, 0, (width, height)).astype(np.float32)
    if box is None:
        return Prompt(points, labels.astype(np.bool_), None)
    corners = np.asarray(box, np.float32)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise ValueError(f"expected a finite box (4,) XYXY, got {box}")
    xs, ys = np.sort(np.clip(corners[0::2], 0, width)), np.sort(np.clip(corners[1::2], 0, height))
    if xs[1] - xs[0] < 1 or ys[1] - ys[0] < 1:
        raise ValueError(f"the box {corners.tolist()} covers less than a pixel of the image")
    return Prompt(points, labels.astype(np.bool_), (float(xs[0]), float(ys[0]), float(xs[1]), float(ys[1])))


def _start(previous: object | None, width: int, height: int) -> Guess | None:
    """A state of an earlier answer, or one made from a mask (h, w); None for an empty mask."""
    if previous is None or isinstance(previous, Guess):
        return previous
    if not isinstance(previous, np.ndarray) or previous.shape != (height, width) or previous.dtype != np.bool_:
        raise ValueError(f"previous is neither a state of this segmenter nor a mask ({height}, {width}) bool")
    bounds = bounds_of(previous)
    if bounds is None:
        return None
    window = Window.around(bounds, CLICK_CONTEXT)
    return Guess(window, shrink(previous, window))


def _first_window(prompt: Prompt, start: Guess | None, width: int, height: int) -> Window:
    """Around the box; else where the last mask was, if all points lie there; else the whole image."""
    if prompt.box is not None:
        window = Window.around(prompt.box, BOX_CONTEXT)
        return window if window.holds(prompt.points) else Window.around(_join(prompt.box, prompt.points), BOX_CONTEXT)
    if start is None:
        return Window.whole(width, height)
    if start.window.holds(prompt.points):
        return start.window
    window = start.window
    corners = (window.left, window.top, window.left + window.side, window.top + window.side)
    return Window.around(_join(corners, prompt.points), 1.1)


def _join(bounds: Bounds, points: FloatArray) -> Bounds:
    x1, y1 = np.minimum(bounds[:2], points.min(0)).tolist()
    x2, y2 = np.maximum(bounds[2:], points.max(0)).tolist()
    return x1, y1, x2, y2


def _follow(guess: Guess, prompt: Prompt, width: int, height: int) -> Window:
    """The square around what the decoder found under the clicks, and all positive clicks."""
    plane = (guess.probability > 0.5).astype(np.uint8)
    _, parts = cv2.connectedComponents(plane)
    positive = prompt.points[prompt.labels]
    cells = np.clip(guess.window.to_grid(positive).astype(int), 0, GRID_SIDE - 1)
    named = set(parts[cells[:, 1], cells[:, 0]].tolist()) - {0}
    found = bounds_of(np.isin(parts, list(named)) if named else plane > 0)
    scale = guess.window.side / GRID_SIDE
    if found is None:
        if not len(positive):
            return guess.window
        x1, y1 = positive.min(0).tolist()
        x2, y2 = positive.max(0).tolist()
        reach = guess.window.side / 8
        found = (x1 - reach, y1 - reach, x2 + reach, y2 + reach)
    else:
        left, top = guess.window.left, guess.window.top
        found = (left + found[0] * scale, top + found[1] * scale, left + found[2] * scale, top + found[3] * scale)
    if len(positive):
        found = _join(found, positive)
    return Window.around(found, CLICK_CONTEXT)


def _overlap(one: Window, other: Window) -> float:
    """Intersection over union of two windows."""
    across = min(one.left + one.side, other.left + other.side) - max(one.left, other.left)
    along = min(one.top + one.side, other.top + other.side) - max(one.top, other.top)
    both = max(0, across) * max(0, along)
    return both / (one.side**2 + other.side**2 - both)


def load(entry: Entry, weights: Path | None, device: str) -> EmbeddedSegmenter:
    """The factory that the catalogue names; ``weights`` a safetensors file of ``train_decoder``, None for the shipped one.

    Of those that ship the entry's option ``file`` names one.
    """
    shipped = DECODER_FILE.with_name(str(entry.options.get("file", DECODER_FILE.name)))
    return EmbeddedSegmenter(weights or shipped, device=device)
