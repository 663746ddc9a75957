"""MiniLM on ONNX Runtime: sentences to vectors without torch or transformers. ``build_minilm`` made the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import ModelError, UsageError
from annotator.models.embedded.assets import MINILM_FILE, REINSTALL, TOKENIZER_FILE, open_session, read_asset
from annotator.models.protocols import FloatArray, ModelInfo

if TYPE_CHECKING:
    from annotator.models.catalogue import Entry

DIMENSION = 384
MAX_TOKENS = 256
BATCH = 32


class MiniLM:
    """``TextEncoder``: (n, 384) vectors of length 1. Text beyond 256 tokens is cut. Case does not matter.

    Raises ModelError when a file is missing or damaged.
    """

    def __init__(
        self,
        weights: Path = MINILM_FILE,
        tokenizer: Path = TOKENIZER_FILE,
        *,
        threads: int | None = None,
        device: str = "auto",
    ) -> None:
        from tokenizers import Tokenizer

        self._session, digest = open_session(weights, threads=threads, device=device, outputs={"vectors"})
        content, _ = read_asset(tokenizer)
        try:
            self._tokenizer = Tokenizer.from_str(content.decode("utf-8"))
        except Exception as error:  # the tokenizers library raises bare Exception
            raise ModelError(
                f"The tokenizer file {tokenizer} is damaged ({error}).", REINSTALL, path=tokenizer
            ) from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
        on_gpu = self._session.get_providers()[0].startswith("CUDA")
        self._info = ModelInfo("minilm", digest[:16], "cuda" if on_gpu else "cpu", f"minilm_l6_v2-{digest[:12]}")

    @property
    def info(self) -> ModelInfo:
        return self._info

    @property
    def dimension(self) -> int:
        return DIMENSION

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """(n, 384) float32 vectors of length 1, in the order of ``texts``."""
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        # Texts of one length go together, so that short ones are not padded to the longest.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH):
            chunk = order[start : start + BATCH]
            encoded = self._tokenizer.encode_batch([texts[index] for index in chunk])
            ids = np.array([item.ids for item in encoded], dtype=np.int64)
            mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
            (vectors[chunk],) = self._session.run(["vectors"], {"ids": ids, "mask": mask})
        return vectors


def load(entry: Entry, weights: Path | None, device: str) -> MiniLM:
    """The factory that the catalogue names; its weights ship with it, so that a file of the user's is refused."""
    if weights is not None:
        raise UsageError(f"{entry.id} takes no weights file.", "Its weights ship with Annotator.")
    return MiniLM(device=device)
