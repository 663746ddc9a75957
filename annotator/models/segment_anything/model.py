"""Segment Anything as a ``PromptSegmenter``: encode a picture once, then a mask for every click.

Kirillov et al., "Segment anything", ICCV 2023.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from annotator.errors import JobCancelled, ModelError, install_again
from annotator.models.device import DeviceKind, choose, sent
from annotator.models.pixels import check_image
from annotator.models.protocols import Candidates, FloatArray, ModelInfo, Regions, RGBImage
from annotator.models.segment_anything.cache import EmbeddingCache
from annotator.models.segment_anything.loading import build_network, find_architecture, read_checkpoint
from annotator.models.segment_anything.upsampling import Size, enlarge_mask
from annotator.models.weights import content_hash

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry
    from annotator.models.segment_anything.regions import RegionSettings

# A mask as a prompt becomes logits of this size where it is full and the negative where it is empty.
MASK_LOGIT = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class SamEncoding:
    """One picture for one network: ``features`` (1, c, g, g) float32 on the network's device; sizes are (h, w).

    ``input_size`` is the part of the network's square that is picture, ``image_size`` the picture itself.
    """

    features: Any
    input_size: Size
    image_size: Size


@dataclass(frozen=True, slots=True, eq=False)
class SamState:
    """What the decoder said of one candidate: ``logits`` (s, s) float32 over the network's square. Can be pickled."""

    logits: FloatArray


class SegmentAnythingModel:
    """``PromptSegmenter``, ``ScalableSegmenter`` and ``RegionProposer`` with a checkpoint of Segment Anything.

    The architecture is read off the tensors of ``weights``. ``device``: see ``device.choose``; ``half`` runs the image
    encoder in float16 (by default on CUDA). ``cache`` keeps embeddings on disk.
    Raises ModelError when weights or package are missing or unfit.
    """

    def __init__(
        self,
        weights: Path,
        *,
        device: str = "auto",
        half: bool | None = None,
        cache: EmbeddingCache | None = None,
    ) -> None:
        try:
            import torch

            state = read_checkpoint(weights)
            architecture = find_architecture(state, weights)
            network = build_network(architecture, state, weights)
        except ImportError as error:
            raise ModelError(
                f"The segment_anything backend is not installed ({error}).", install_again("torch")
            ) from error
        self._torch = torch
        self._device = choose(device)
        self._half = self._device.half_precision if half is None else half
        self._side = architecture.input_side
        self._channels, self._grid = architecture.channels, architecture.grid
        self._network = network.to(self._device.name)
        if self._half:
            self._network.image_encoder.half()
        self._positions = self._network.prompt_encoder.get_dense_pe()
        self._cache = cache
        self._info = ModelInfo("segment_anything", content_hash(weights)[:16], self._device.name)

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def input_side(self) -> int:
        """The long side in pixels at which the network sees a picture; decode pictures no larger than needed for it."""
        return self._side

    def encode(self, image: RGBImage) -> SamEncoding:
        """What ``segment`` needs of a picture: from the cache if it was encoded before, else by the network.

        Raises ModelError when the device has not enough memory.
        """
        return self.encode_while(image, _always)

    def encode_while(self, image: RGBImage, wanted: Callable[[], bool]) -> SamEncoding:
        """The same; between two blocks of the network it asks whether anybody still ``wanted`` it, else ``JobCancelled``."""
        check_image(image)
        height, width = image.shape[:2]
        pixels = shrink(image, input_size((height, width), self._side))
        cached = self._cache.get(self._key(pixels)) if self._cache else None
        if cached is not None and cached.shape == (1, self._channels, self._grid, self._grid):
            features = self._torch.from_numpy(cached.astype(np.float32)).to(self._device.name)
        else:
            features = self._features(pixels, wanted)
            if self._cache:
                self._cache.put(self._key(pixels), features.cpu().numpy())
        return SamEncoding(features, (pixels.shape[0], pixels.shape[1]), (height, width))

    def segment(
        self,
        encoding: object,
        points: FloatArray,
        point_labels: NDArray[np.bool_],
        box: FloatArray | None = None,
        previous: object | None = None,
        *,
        size: Size | None = None,
    ) -> Candidates:
        """Three candidates for all prompts so far.

        Points and box are in pixels of the encoded picture, as the protocol says. A single click is ambiguous: its
        candidates are whole, part and subpart, by score. To more, the network has one answer, which leads; the best two of
        the others follow.
        ``size`` (h, w) of the masks, e.g. as displayed; None: that of the picture.
        """
        known = _check_encoding(encoding)
        points, point_labels = np.asarray(points).reshape(-1, 2), np.asarray(point_labels, dtype=bool).reshape(-1)
        if len(points) != len(point_labels):
            raise ValueError(
                f"expected a label for each point, got {len(points)} points and {len(point_labels)} labels"
            )
        if box is None and previous is None and not point_labels.any():
            raise ValueError("expected a box, a positive point or a previous mask")
        earlier = None if previous is None else self._as_logits(known, previous)
        logits, scores = self.decode(
            known, points[None], point_labels[None], None if box is None else np.reshape(box, (1, 4)), earlier
        )
        ambiguous = previous is None and len(points) + 2 * (box is not None) == 1
        order = 1 + np.argsort(-scores[0, 1:], kind="stable")
        if not ambiguous:
            order = np.concatenate(([0], order[: max(1, len(order) - 1)]))
        target = size or known.image_size
        return Candidates(
            masks=np.stack([enlarge_mask(logits[0, i], self._side, known.input_size, target) for i in order]),
            scores=np.clip(scores[0, order], 0, 1),
            states=tuple(SamState(logits[0, i]) for i in order),
        )

    def full_mask(self, encoding: object, state: object, size: Size | None = None) -> NDArray[np.bool_]:
        """The (h, w) mask of a candidate's state at ``size``; None: the size of the picture, for the commit."""
        known = _check_encoding(encoding)
        return enlarge_mask(self._as_logits(known, state), self._side, known.input_size, size or known.image_size)

    def refine(
        self, encoding: object, mask: NDArray[np.bool_], points: FloatArray, point_labels: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """The mask as it is: what Segment Anything draws needs no second pass."""
        _check_encoding(encoding)
        return mask

    def regions(self, image: RGBImage, settings: RegionSettings | None = None) -> Regions:
        """Everything in a picture, prompted by a grid of points; see ``regions.propose``."""
        from annotator.models.segment_anything.regions import RegionSettings, propose

        return propose(self, image, settings or RegionSettings())

    def decode(
        self,
        encoding: SamEncoding,
        points: NDArray[Any],
        point_labels: NDArray[np.bool_],
        boxes: FloatArray | None = None,
        earlier: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """The bare network on n prompts of k points: ``points`` (n, k, 2), ``point_labels`` (n, k), ``boxes`` (n, 4).

        Logits (n, m, s, s) over the network's square and scores (n, m), not clipped: first the mask of unambiguous
        prompts, then those of ambiguous ones. ``earlier`` (s, s): logits to refine.
        """
        torch, network = self._torch, self._network
        with torch.inference_mode(), self._memory_trouble():
            prompt = None
            if points.shape[1]:
                prompt = (self._coordinates(points, encoding), self._tensor(point_labels, torch.int))
            corners = None
            if boxes is not None:
                corners = self._coordinates(np.asarray(boxes).reshape(-1, 2, 2), encoding).reshape(-1, 4)
            dense = None if earlier is None else self._tensor(earlier, torch.float)[None, None]
            sparse, dense = network.prompt_encoder(points=prompt, boxes=corners, masks=dense)
            logits, scores = network.mask_decoder.predict_masks(
                image_embeddings=encoding.features,
                image_pe=self._positions,
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
            )
            return logits.cpu().numpy(), scores.cpu().numpy()

    def _features(self, pixels: NDArray[np.uint8], wanted: Callable[[], bool]) -> Any:
        """The image encoder's (1, c, g, g) float32 for pixels whose long side is the network's."""
        torch = self._torch
        with torch.inference_mode(), self._memory_trouble(), self._asking(wanted):
            planes = sent(torch.from_numpy(pixels), self._device).permute(2, 0, 1).contiguous()[None]
            batch = self._network.preprocess(planes)
            return self._network.image_encoder(batch.half() if self._half else batch).float()

    @contextmanager
    def _asking(self, wanted: Callable[[], bool]) -> Iterator[None]:
        """While it lasts, every block of the image encoder asks first. Other threads encode undisturbed."""
        mine = threading.get_ident()

        def ask(*_: Any) -> None:
            if threading.get_ident() == mine and not wanted():
                raise JobCancelled

        hooks = [block.register_forward_pre_hook(ask) for block in self._network.image_encoder.blocks]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _key(self, pixels: NDArray[np.uint8]) -> str:
        """What an embedding depends on: the pixels that the network sees, the weights and the precision."""
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=20)
        digest.update(f"{pixels.shape} {self._info.version} {self._half}".encode())
        return digest.hexdigest()

    def _coordinates(self, points: NDArray[Any], encoding: SamEncoding) -> Any:
        """Points (..., 2) of the picture in the network's frame.

        Ours are places, with a pixel's centre at +.5; the package's are indices of pixels.
        """
        (height, width), (input_height, input_width) = encoding.image_size, encoding.input_size
        scaled = (points.astype(np.float64) - 0.5) * (input_width / width, input_height / height)
        return self._tensor(scaled, self._torch.float)

    def _tensor(self, array: NDArray[Any], dtype: Any) -> Any:
        return self._torch.tensor(array, dtype=dtype, device=self._device.name)

    def _as_logits(self, encoding: SamEncoding, previous: object) -> FloatArray:
        """The logits of a state, or those that stand for a (h, w) bool mask of the picture."""
        if isinstance(previous, SamState):
            return previous.logits
        if not isinstance(previous, np.ndarray) or previous.shape != encoding.image_size:
            got = previous.shape if isinstance(previous, np.ndarray) else type(previous).__name__
            raise ValueError(f"expected a state or a mask {encoding.image_size} of the picture, got {got}")
        import cv2

        height, width = encoding.input_size
        square = np.zeros((self._side, self._side), dtype=np.float32)
        square[:height, :width] = cv2.resize(previous.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        low = self._network.prompt_encoder.mask_input_size
        share: FloatArray = cv2.resize(square, (low[1], low[0]), interpolation=cv2.INTER_AREA)
        return (2 * share - 1) * np.float32(MASK_LOGIT)

    def _memory_trouble(self) -> _MemoryTrouble:
        return _MemoryTrouble(self._torch, self._device.kind)


class _MemoryTrouble:
    """Turns a device's "out of memory" into one line with a cure, and gives back what torch has cached."""

    def __init__(self, torch: Any, kind: DeviceKind) -> None:
        self._torch = torch
        self._kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not _is_out_of_memory(error, self._torch):
            return
        if self._kind is DeviceKind.CUDA:
            self._torch.cuda.empty_cache()
        elif self._kind is DeviceKind.MPS:
            self._torch.mps.empty_cache()
        raise ModelError(
            "Segment Anything does not fit in the device's memory.",
            "Close other programs that use the device, choose --device cpu, or use the smaller sam-vit-b.",
        ) from error


def _is_out_of_memory(error: BaseException, torch: Any) -> bool:
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    )


def _always() -> bool:
    return True


def _check_encoding(encoding: object) -> SamEncoding:
    if not isinstance(encoding, SamEncoding):
        raise ValueError(f"expected what encode gave, got {type(encoding).__name__}")
    return encoding


def input_size(size: Size, side: int) -> Size:
    """(h, w) of a picture of ``size`` when its long side is ``side``; no side falls below one pixel."""
    scale = side / max(size)
    return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))


def shrink(image: RGBImage, size: Size) -> NDArray[np.uint8]:
    """The picture at ``size`` by Pillow's antialiased bilinear filter, as the package does it."""
    from PIL import Image

    resized = Image.fromarray(np.ascontiguousarray(image)).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.array(resized)


def load(entry: Entry, weights: Path | None, device: str) -> SegmentAnythingModel:
    """The factory that the catalogue names; embeddings are kept in the user's cache directory."""
    import platformdirs

    if weights is None:
        raise ModelError(f"{entry.id} has no weights.", "Give a weights file.")
    folder = platformdirs.user_cache_path("annotator", appauthor=False) / "segment_anything"
    return SegmentAnythingModel(weights, device=device, cache=EmbeddingCache(folder))
