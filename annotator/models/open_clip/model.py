"""Any CLIP model of ``open_clip``: image vectors, text vectors, and tags by comparing the two.

Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from annotator.errors import ModelError
from annotator.models.batching import BatchSizer, stack
from annotator.models.device import DeviceKind, choose, sent
from annotator.models.open_clip.loading import (
    build_network,
    find_weights,
    import_open_clip,
    quiet_root_logger,
    register_name,
)
from annotator.models.pixels import check_image
from annotator.models.protocols import FloatArray, ModelInfo, RGBImage
from annotator.models.weights import content_hash, first_line

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry

# A label's vector is the mean over these sentences and its names: a few plain ones are worth most of the published 80.
TEMPLATES = ("a photo of a {}.", "a photo of the {}.", "a close-up photo of a {}.", "a picture of a {}.", "{}")
CPU_BATCH = 8
GPU_BATCH = 16
GPU_BATCH_LIMIT = 512


class OpenClipModel:
    """``Embedder``, ``TextEncoder`` and ``ZeroShotTagger``; image and text vectors share one space and have length 1.

    ``name``: a model of open_clip ("ViT-B-32") or the path of a JSON config. ``weights``: a file; else ``tag``, which
    open_clip downloads. ``device``: see ``device.choose``. On CUDA it runs in float16, channels last, with the batch as
    large as memory takes. ``preprocessing`` overrides mean, std, interpolation or resize_mode.
    Raises ModelError when weights or package are missing or unfit, UsageError for unknown names.
    """

    def __init__(
        self,
        name: str,
        weights: Path | None = None,
        *,
        tag: str | None = None,
        device: str = "auto",
        half: bool | None = None,
        templates: Sequence[str] = TEMPLATES,
        preprocessing: dict[str, Any] | None = None,
    ) -> None:
        open_clip = import_open_clip()
        import torch
        from open_clip import transform

        self._torch = torch
        self._device = choose(device)
        self._half = self._device.half_precision if half is None else half
        self._templates = tuple(templates)
        known = register_name(name)
        path, prescribed = find_weights(known, weights, tag)
        self._network = build_network(
            known,
            path,
            device=self._device.name,
            half=self._half,
            preprocessing={**prescribed, **(preprocessing or {})},
        )
        if self._device.kind is DeviceKind.CUDA:
            self._network = self._network.to(memory_format=torch.channels_last)
        config = transform.PreprocessCfg(**self._network.visual.preprocess_cfg)
        self._transform = transform.image_transform_v2(config, is_train=False)
        self._resize_mode, self._fill = config.resize_mode, config.fill_color
        size = config.size
        self._input_size = int(size if isinstance(size, int) else max(size))
        self._tokenizer = _load_tokenizer(open_clip, known)
        on_gpu = self._device.kind is not DeviceKind.CPU
        self._sizer = BatchSizer(
            start=GPU_BATCH if on_gpu else CPU_BATCH,
            limit=GPU_BATCH_LIMIT if on_gpu else CPU_BATCH,
            is_out_of_memory=self._is_out_of_memory,
            release=self._release_memory,
        )
        digest = content_hash(path)
        safe_name = re.sub(r"[^A-Za-z0-9._-]", "_", known)
        self._info = ModelInfo(
            f"open_clip:{known}", digest[:16], self._device.name, f"open_clip-{safe_name}-{digest[:12]}"
        )
        self._dimension = int(self._encode_batch([""]).shape[1])

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def input_size(self) -> int:
        return self._input_size

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied with before the softmax, as trained."""
        return float(self._network.logit_scale.detach().float().exp().item())

    def embed(self, images: Sequence[RGBImage]) -> FloatArray:
        """(n, d) vectors of length 1."""
        for image in images:
            check_image(image)
        return stack(self._sizer.run(images, self._embed_batch), self._dimension)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) vectors of length 1, in the space of the images."""
        return stack(self._sizer.run(texts, self._encode_batch), self._dimension)

    def label_matrix(self, labels: Sequence[Sequence[str]]) -> FloatArray:
        """(d, n) unit columns: for each label the mean direction over its names in all templates."""
        sentences = [
            [
                template.format(" ".join(name.replace("_", " ").split()))
                for name in names
                for template in self._templates
            ]
            for names in labels
        ]
        vectors = self.encode([sentence for group in sentences for sentence in group])
        matrix = np.empty((self._dimension, len(labels)), dtype=np.float32)
        start = 0
        for column, group in enumerate(sentences):
            mean = vectors[start : start + len(group)].mean(axis=0)
            matrix[:, column] = mean / np.linalg.norm(mean)
            start += len(group)
        return matrix

    def zero_shot(self, vectors: FloatArray, matrix: FloatArray) -> FloatArray:
        """(n, labels) probabilities: softmax over labels of logit scale × cosine. ``vectors``: (n, d) from ``embed``."""
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:
            raise ValueError(f"expected (n, {self._dimension}) vectors, got {vectors.shape}")
        logits = np.float32(self.logit_scale) * (vectors.astype(np.float32) @ matrix)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: FloatArray = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities

    def _embed_batch(self, images: Sequence[RGBImage]) -> FloatArray:
        batch = self._torch.stack([self._pixels(image) for image in images])
        batch = sent(batch, self._device, dtype=self._torch.float16 if self._half else self._torch.float32)
        if self._device.kind is DeviceKind.CUDA:
            batch = batch.contiguous(memory_format=self._torch.channels_last)
        with self._torch.inference_mode():
            return self._rows(self._network.encode_image(batch, normalize=False))

    def _encode_batch(self, texts: Sequence[str]) -> FloatArray:
        tokens = self._tokenizer(list(texts)).to(self._device.name)
        with self._torch.inference_mode():
            return self._rows(self._network.encode_text(tokens, normalize=False))

    def _rows(self, features: Any) -> FloatArray:
        # Normalised in float32: a float16 sum of squares overflows at 65,504.
        rows: FloatArray = self._torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
        return rows

    def _pixels(self, image: RGBImage) -> Any:
        """The network's input (3, side, side) for one image, by open_clip's own transform."""
        from PIL import Image

        return self._transform(Image.fromarray(limit_ratio(image, self._resize_mode, self._fill)))

    def _is_out_of_memory(self, error: BaseException) -> bool:
        return isinstance(error, (self._torch.OutOfMemoryError, MemoryError)) or "out of memory" in str(error).lower()

    def _release_memory(self) -> None:
        if self._device.kind is DeviceKind.CUDA:
            self._torch.cuda.empty_cache()
        elif self._device.kind is DeviceKind.MPS:
            self._torch.mps.empty_cache()


def limit_ratio(image: RGBImage, resize_mode: str, fill: int) -> NDArray[np.uint8]:
    """The image, or of a very long one a part that the transform treats alike.

    open_clip's "shortest" scales the whole image before it crops: a 1×5000 image would need gigabytes. Its "longest"
    would scale a side to nothing. So "shortest" gets the middle, at most 4 to 1, "longest" a border of ``fill``.
    """
    height, width = image.shape[:2]
    short, long = min(height, width), max(height, width)
    if resize_mode == "shortest" and long > 4 * short:
        start = (long - 4 * short) // 2
        middle = slice(start, start + 4 * short)
        image = image[middle] if height == long else image[:, middle]
    elif resize_mode == "longest" and long > 16 * short:
        border = -(-long // 16) - short
        around = (border // 2, border - border // 2)
        across = (around, (0, 0)) if width == long else ((0, 0), around)
        image = np.pad(image, (*across, (0, 0)), constant_values=fill)
    return np.ascontiguousarray(image)


def _load_tokenizer(open_clip: Any, name: str) -> Any:
    """open_clip's tokenizer of a model; some models fetch theirs from the network the first time."""
    try:
        with quiet_root_logger():
            return open_clip.get_tokenizer(name)
    except Exception as error:  # the hub client raises classes of whichever HTTP library it uses
        raise ModelError(
            f"The tokenizer of {name} cannot be loaded ({first_line(error)}).",
            "It needs the network once, or choose a model such as ViT-B-32.",
        ) from error


def load(entry: Entry, weights: Path | None, device: str) -> OpenClipModel:
    """The factory that the catalogue names. Options: ``model``, ``tag``, and overrides of the preprocessing."""
    options = dict(entry.options)
    name, tag = options.pop("model"), options.pop("tag", None)
    return OpenClipModel(name, weights, tag=tag, device=device, preprocessing=options)
