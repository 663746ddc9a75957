"""A small Segment Anything with random weights, saved as the published checkpoints are."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


def build_sam(
    *, grid: int = 8, width: int = 32, heads: int = 2, depth: int = 2, channels: int = 32, seed: int = 0
) -> Any:
    """A ``segment_anything.modeling.Sam`` whose network sees squares of 16 × ``grid`` pixels."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    torch.manual_seed(seed)
    side = 16 * grid
    network = Sam(
        image_encoder=ImageEncoderViT(
            img_size=side,
            patch_size=16,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            out_chans=channels,
            norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=3,
            global_attn_indexes=(depth - 1,),
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=channels,
            image_embedding_size=(grid, grid),
            input_image_size=(side, side),
            mask_in_chans=4,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=channels,
            transformer=TwoWayTransformer(depth=2, embedding_dim=channels, num_heads=8, mlp_dim=64),
            iou_head_hidden_dim=32,
        ),
        pixel_mean=MEAN,
        pixel_std=STD,
    )
    with torch.no_grad():
        # Zero as built: positions would not matter, and a wrong window would go unseen.
        for name, parameter in network.named_parameters():
            if "pos" in name:
                parameter.normal_(std=0.3)
    return network.eval().requires_grad_(False)


def write_checkpoint(folder: Path, name: str = "tiny_sam.pth", *, confident: bool = False, **sizes: int) -> Path:
    """A checkpoint of ``build_sam(**sizes)``; ``confident``: its masks are steep and its scores near 1."""
    import torch

    state = build_sam(**sizes).state_dict()
    if confident:
        state["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.95
        for name_of_tensor in state:
            if name_of_tensor.startswith("mask_decoder.output_hypernetworks") and ".layers.2." in name_of_tensor:
                state[name_of_tensor] *= 1e4
    path = folder / name
    torch.save(state, path)
    return path
