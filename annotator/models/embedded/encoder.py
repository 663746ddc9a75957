"""EfficientNet-Lite0 on ONNX Runtime: image vectors, ImageNet logits and feature maps without torch.

Equal to the published torch model to 1e-5 of its outputs (tests compare them). ``build_lite0`` made the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from annotator.models.batching import BatchSizer, stack
from annotator.models.embedded.assets import LITE0_FILE, open_session
from annotator.models.pixels import preprocess
from annotator.models.protocols import FloatArray, ModelInfo, RGBImage

INPUT_SIZE = 224
DIMENSION = 1280
CLASSES = 1000
FEATURE_CHANNELS = {4: 24, 8: 40, 16: 112, 32: 320}
# On a CPU one image to thirty-two run at the same rate; eight keep the activations small and progress and cancel prompt.
CPU_BATCH = 8
GPU_BATCH, GPU_BATCH_LIMIT = 16, 256


class EmbeddedImageEncoder:
    """``Embedder``, ``LogitEmbedder`` and ``DenseEmbedder``. Loads in about 0.1 s; safe to call from several threads.

    ``threads`` None: what ``device.cpu_threads`` says. Raises ModelError when the file is missing or damaged.
    """

    def __init__(self, weights: Path = LITE0_FILE, *, threads: int | None = None, device: str = "auto") -> None:
        self._session, digest = open_session(
            weights, threads=threads, device=device, outputs={"gap", "logits", "head", "s4"}
        )
        on_gpu = self._session.get_providers()[0].startswith("CUDA")
        self._sizer = BatchSizer(
            start=GPU_BATCH if on_gpu else CPU_BATCH,
            limit=GPU_BATCH_LIMIT if on_gpu else CPU_BATCH,
            is_out_of_memory=is_out_of_memory,
        )
        # The suffix counts changes of the preprocessing, which changes vectors as much as new weights would.
        self._info = ModelInfo(
            "embedded", digest[:16], "cuda" if on_gpu else "cpu", f"efficientnet_lite0-{digest[:12]}-crop1"
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def dimension(self) -> int:
        return DIMENSION

    @property
    def n_logits(self) -> int:
        """Number of ImageNet classes in the logits."""
        return CLASSES

    @property
    def input_size(self) -> int:
        return INPUT_SIZE

    def embed(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, 1280) vectors, the mean of the last feature map; not normalised."""
        return stack([vectors for (vectors,) in self._run(["gap"], images)], DIMENSION)

    def embed_with_logits(self, images: Sequence[RGBImage]) -> tuple[FloatArray, FloatArray]:
        """(n, 1280) vectors and (n, 1000) logits of the ImageNet classes, from one forward pass."""
        found = self._run(["gap", "logits"], images)
        return stack([vectors for vectors, _ in found], DIMENSION), stack([logits for _, logits in found], CLASSES)

    def embed_dense(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, 7, 7, 1280) cells of the last feature map; their mean is the vector of ``embed``."""
        cells = INPUT_SIZE // 32
        found = [maps.transpose(0, 2, 3, 1) for (maps,) in self._run(["head"], images)]
        return np.concatenate(found) if found else np.empty((0, cells, cells, DIMENSION), np.float32)

    def feature_maps(self, batch: FloatArray, strides: Sequence[int] = (4, 8, 16, 32)) -> dict[int, FloatArray]:
        """Stride → (n, c, h / stride, w / stride) float32 maps, c as in ``FEATURE_CHANNELS``.

        ``batch``: (n, 3, h, w) float32 RGB, (x − 127) / 128, h and w multiples of 32. Raises ValueError for other shapes.
        """
        if (
            batch.ndim != 4
            or batch.shape[1] != 3
            or batch.shape[2] % 32
            or batch.shape[3] % 32
            or batch.dtype != np.float32
        ):
            raise ValueError(
                f"expected (n, 3, h, w) float32 with h and w multiples of 32, got {batch.shape} {batch.dtype}"
            )
        if unknown := set(strides) - set(FEATURE_CHANNELS):
            raise ValueError(f"no feature map at stride {sorted(unknown)}, only at {sorted(FEATURE_CHANNELS)}")
        if not len(batch):
            return {
                s: np.empty((0, FEATURE_CHANNELS[s], batch.shape[2] // s, batch.shape[3] // s), np.float32)
                for s in strides
            }
        maps = self._session.run([f"s{stride}" for stride in strides], {"images": batch})
        return dict(zip(strides, maps, strict=True))

    def _run(self, outputs: list[str], images: Sequence[RGBImage]) -> list[list[FloatArray]]:
        """The outputs of each batch."""

        def forward(batch: Sequence[RGBImage]) -> list[FloatArray]:
            found: list[FloatArray] = self._session.run(outputs, {"images": preprocess(batch, INPUT_SIZE)})
            return found

        return self._sizer.run(images, forward)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ONNX Runtime, or Python, could not get the memory that it asked for."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "failed to allocate memory" in text or "out of memory" in text
