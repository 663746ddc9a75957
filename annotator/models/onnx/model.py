"""A detector or segmenter from an ONNX file and its card, as a ``Detector``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from annotator.errors import ModelError
from annotator.models.boxes import suppress
from annotator.models.device import cpu_threads, onnx_providers
from annotator.models.onnx.card import Axes, read_card
from annotator.models.onnx.frames import Frame, prepare
from annotator.models.onnx.layouts import Found, LayoutError, read, roles
from annotator.models.pixels import check_image
from annotator.models.protocols import Detections, ModelInfo, RGBImage
from annotator.models.weights import content_hash, first_line

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry

BATCH = 8
ANYTHING = "object"
INPUT_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


class OnnxModel:
    """``Detector`` of the model at ``path``, an ONNX file or its card.

    ``class_agnostic``: every box is called "object", and boxes suppress each other whatever their class. ``min_score``:
    instead of the card's. Raises ModelError when card or model are missing, damaged or do not fit together.
    """

    def __init__(
        self, path: Path, *, device: str = "auto", class_agnostic: bool = False, min_score: float | None = None
    ) -> None:
        import msgspec

        card, self._path = read_card(path)
        if min_score is not None:
            card = msgspec.structs.replace(card, output=msgspec.structs.replace(card.output, min_score=min_score))
        self._card = card
        self._class_agnostic = class_agnostic
        self._session = self._open(onnx_providers(device))
        self._outputs = [output.name for output in self._session.get_outputs()]
        try:
            self._roles = roles(card, self._outputs)
        except LayoutError as error:
            raise self._unfit(str(error)) from error
        self._input, self._dtype, self._fixed_batch = self._check_input()
        self._batch = self._fixed_batch or BATCH
        used = self._session.get_providers()[0].removesuffix("ExecutionProvider").lower()
        self._info = ModelInfo(f"onnx:{self._path.stem}", content_hash(self._path)[:16], used)

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def names(self) -> Sequence[str]:
        return (ANYTHING,) if self._class_agnostic else self._card.names

    @property
    def input_side(self) -> int:
        """The longer side of the input in pixels; decode pictures no larger than needed for it."""
        return max(self._card.input.width, self._card.input.height)

    def detect(self, images: Sequence[RGBImage]) -> list[Detections]:
        """Boxes of each picture, best first, in its pixels and inside it; a segmenter adds their masks.

        Raises ModelError when what comes out is not what the card says.
        """
        for image in images:
            check_image(image)
        results: list[Detections] = []
        for start in range(0, len(images), self._batch):
            results.extend(self._detect_batch(images[start : start + self._batch]))
        return results

    def _detect_batch(self, images: Sequence[RGBImage]) -> list[Detections]:
        frames = [Frame.of(image.shape[1], image.shape[0], self._card.input) for image in images]
        inputs = [prepare(image, frame, self._card.input) for image, frame in zip(images, frames, strict=True)]
        # A model exported for a fixed number of pictures gets empty ones to fill up.
        inputs += [np.zeros_like(inputs[0])] * (self._fixed_batch - len(inputs))
        batch = np.stack(inputs)
        try:
            tensors = self._session.run(list(self._roles.values()), {self._input: batch.astype(self._dtype)})
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes
            raise self._unfit(first_line(error)) from error
        results = []
        for index, frame in enumerate(frames):
            try:
                found = read(self._card, self._of_one(tensors, index, len(batch)))
            except LayoutError as error:
                raise self._unfit(str(error)) from error
            results.append(self._in_picture(found, frame))
        return results

    def _of_one(self, tensors: Sequence[NDArray[Any]], index: int, count: int) -> dict[str, NDArray[Any]]:
        """The tensors of one picture by role. Raises LayoutError when there is not one slice for each picture."""
        for name, tensor in zip(self._roles.values(), tensors, strict=True):
            if tensor.ndim < 2 or len(tensor) != count:
                raise LayoutError(f"the output {name!r} has the shape {tensor.shape} for {count} pictures")
        return {role: tensor[index] for role, tensor in zip(self._roles, tensors, strict=True)}

    def _in_picture(self, found: Found, frame: Frame) -> Detections:
        """What stays after clipping and suppression, in the frame of the picture."""
        boxes = np.clip(frame.to_picture(found.boxes), 0, [frame.width, frame.height] * 2).astype(np.float32)
        real = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
        classes = np.zeros_like(found.classes) if self._class_agnostic else found.classes
        output = self._card.output
        kept = real[suppress(boxes[real], found.scores[real], output.max_overlap, classes[real])][: output.max_boxes]
        masks: list[NDArray[np.bool_]] = []
        if found.mask is not None:
            whole = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1).astype(int)
            for index in kept:
                x1, y1, x2, y2 = (int(value) for value in whole[index])
                masks.append(frame.cut_mask(found.mask(int(index)), self._card.input, (x1, y1, x2, y2)))
        return Detections(boxes[kept], found.scores[kept], classes[kept].astype(np.int64), tuple(masks))

    def _open(self, providers: list[str]) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cpu_threads()
        options.inter_op_num_threads = 1
        # Errors only: warnings about a foreign file's unused weights help nobody.
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return onnxruntime.InferenceSession(str(self._path), options, providers=providers)
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a bad file
            raise ModelError(
                f"The model {self._path} cannot be loaded: {first_line(error)}.",
                "Export or download it again: it is damaged, or not an ONNX file.",
                path=self._path,
            ) from error

    def _check_input(self) -> tuple[str, Any, int]:
        """Name and dtype of the input, and how many pictures must go in at once (0: any number)."""
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise self._unfit(f"it has {len(inputs)} inputs, expected one")
        (node,) = inputs
        if node.type not in INPUT_TYPES:
            raise self._unfit(f"its input is {node.type}, expected one of {', '.join(INPUT_TYPES)}")
        sizes = self._card.input
        picture = [3, sizes.height, sizes.width] if sizes.axes is Axes.NCHW else [sizes.height, sizes.width, 3]
        shape = list(node.shape)
        fits = len(shape) == 4 and all(
            got == want for got, want in zip(shape[1:], picture, strict=True) if isinstance(got, int)
        )
        if not fits:
            raise self._unfit(f"its input is {shape}, by `input` in the card it would be {['n', *picture]}")
        return node.name, INPUT_TYPES[node.type], shape[0] if isinstance(shape[0], int) else 0

    def _unfit(self, what: str) -> ModelError:
        return ModelError(
            f"The model {self._path} does not fit its card: {what}.",
            "Correct the card: docs/models.md explains the keys.",
            path=self._path,
        )


def load(entry: Entry, weights: Path | None, device: str) -> OnnxModel:
    """The factory that the catalogue names. Options: ``class_agnostic``, ``min_score``."""
    if weights is None:
        raise ModelError(f"{entry.id} has no model.", "Give an ONNX file with its card.")
    return OnnxModel(weights, device=device, **entry.options)
