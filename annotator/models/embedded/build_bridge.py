"""Builds ``imagenet_bridge.safetensors``: one sentence vector for each ImageNet class, in the order of the logits.

    python -m annotator.models.embedded.build_bridge [TARGET]

Needs the extra ``test`` (timm, which comes with open_clip, carries WordNet's lemmas and glosses of the classes). Row t is
the direction of MiniLM("lemma 1, lemma 2, ...") + MiniLM("lemma 1: gloss"), kept as float16.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from annotator.models.embedded.assets import BRIDGE_FILE, write_asset
from annotator.models.embedded.text import MiniLM
from annotator.models.protocols import FloatArray, TextEncoder


def timm_folder() -> Path:
    """The folder of timm's tables, found without importing timm, which would import torch."""
    spec = find_spec("timm")
    if spec is None or spec.origin is None:
        raise SystemExit("timm is not installed; run: pip install '.[test]'")
    return Path(spec.origin).parent / "data" / "_info"


def read_table(name: str) -> dict[str, str]:
    """Synset id → text of one of timm's tab-separated files."""
    lines = (timm_folder() / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", maxsplit=1) for line in lines if line)


def synset_ids() -> list[str]:
    """The 1,000 WordNet ids of ImageNet-1k, sorted, which is the order of the logits."""
    return (timm_folder() / "imagenet_synsets.txt").read_text(encoding="utf-8").split()


def build(encoder: TextEncoder, ids: list[str]) -> FloatArray:
    """(n, 384) float32 rows of length 1 for n WordNet ids."""
    lemmas, glosses = read_table("imagenet_synset_to_lemma.txt"), read_table("imagenet_synset_to_definition.txt")
    names = encoder.encode([lemmas[synset] for synset in ids])
    described = encoder.encode([f"{lemmas[synset].split(',')[0]}: {glosses[synset]}" for synset in ids])
    total = names + described
    rows: FloatArray = total / np.linalg.norm(total, axis=1, keepdims=True)
    return rows


def main(arguments: list[str]) -> None:
    """Write the file and say its hash on standard error."""
    from safetensors.numpy import save

    target = Path(arguments[0]) if arguments else BRIDGE_FILE
    content = save(
        {"synsets": build(MiniLM(), synset_ids()).astype(np.float16)}, metadata={"ids": " ".join(synset_ids())}
    )
    digest = write_asset(target, content)
    sys.stderr.write(f"{target} {len(content)} bytes sha256 {digest}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
