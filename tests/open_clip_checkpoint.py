"""A small CLIP of open_clip with random weights, saved to disk, for the tests of that backend."""

from __future__ import annotations

import json
from pathlib import Path

CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def write_checkpoint(folder: Path, *, seed: int = 0, name: str = "tiny-clip") -> tuple[Path, Path]:
    """Write ``NAME.json`` and ``NAME.pt`` into ``folder`` and return both paths."""
    import torch
    from open_clip.model import CLIP

    config, weights = folder / f"{name}.json", folder / f"{name}.pt"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    torch.manual_seed(seed)
    network = CLIP(**CONFIG)
    # As initialised, such a small network gives almost the same vector for every image.
    for parameter in network.visual.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.save(network.state_dict(), weights)
    return config, weights
