"""From a checkpoint to a network of ``segment_anything``, whose sizes are read off the checkpoint's own tensors.

Kirillov et al., "Segment anything", ICCV 2023.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.errors import ModelError
from annotator.models.weights import first_line

PIXEL_MEAN = [123.675, 116.28, 103.53]
PIXEL_STD = [58.395, 57.12, 57.375]
# No tensor's shape tells it; all published weights have it.
DECODER_HEADS = 8
DAMAGED = "Download it again: it is damaged, or not a weights file."
OTHER_MODEL = "Give the weights of a Segment Anything model: sam_vit_b, sam_vit_l or sam_vit_h."


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of a network; ``grid`` is the side of the image embedding, in patches of ``patch`` pixels."""

    grid: int
    patch: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    global_blocks: tuple[int, ...]
    window: int
    channels: int
    mask_channels: int
    decoder_depth: int
    decoder_mlp: int
    decoder_rate: int
    candidates: int
    score_depth: int
    score_width: int

    @property
    def input_side(self) -> int:
        """Side in pixels of the square that the network sees."""
        return self.grid * self.patch


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The tensors of a file by name. Only tensors are read; nothing in the file runs.

    Takes a state dict as published, one inside "model" or "state_dict", with or without "module." before the names, or
    safetensors. Raises ModelError when the file is missing, cut off or holds something else.
    """
    import torch

    if not path.is_file():
        raise ModelError(f"The weights file {path} does not exist.", "Check the path.", path=path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling, zip, safetensors and torch each have their own
        raise ModelError(
            f"The weights file {path} cannot be loaded: {first_line(error)}.", DAMAGED, path=path
        ) from error
    for name in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelError(f"The weights file {path} holds no state dict of tensors.", OTHER_MODEL, path=path)
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def find_architecture(state: Mapping[str, Any], path: Path) -> Architecture:
    """The sizes of the network whose tensors these are. Raises ModelError when they are not those of Segment Anything."""
    try:
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        width, _, patch, _ = shapes["image_encoder.patch_embed.proj.weight"]
        grid = shapes["image_encoder.pos_embed"][1]
        depth = _count(shapes, "image_encoder.blocks.{}.norm1.weight")
        reaches = [shapes[f"image_encoder.blocks.{i}.attn.rel_pos_h"] for i in range(depth)]
        # A block that sees the whole grid has 2 × grid − 1 relative positions, one that sees a window fewer.
        everywhere = tuple(i for i, reach in enumerate(reaches) if reach[0] == 2 * grid - 1)
        windows = {(reach[0] + 1) // 2 for i, reach in enumerate(reaches) if i not in everywhere} or {grid}
        (window,) = windows
        channels = shapes["image_encoder.neck.0.weight"][0]
        return Architecture(
            grid=grid,
            patch=patch,
            width=width,
            depth=depth,
            heads=width // reaches[0][1],
            mlp_width=shapes["image_encoder.blocks.0.mlp.lin1.weight"][0],
            global_blocks=everywhere,
            window=window,
            channels=channels,
            mask_channels=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
            decoder_depth=_count(shapes, "mask_decoder.transformer.layers.{}.norm1.weight"),
            decoder_mlp=shapes["mask_decoder.transformer.layers.0.mlp.lin1.weight"][0],
            decoder_rate=channels // shapes["mask_decoder.transformer.final_attn_token_to_image.q_proj.weight"][0],
            candidates=shapes["mask_decoder.mask_tokens.weight"][0] - 1,
            score_depth=_count(shapes, "mask_decoder.iou_prediction_head.layers.{}.weight"),
            score_width=shapes["mask_decoder.iou_prediction_head.layers.0.weight"][0],
        )
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        missing = f" ({error.args[0]} is missing)" if isinstance(error, KeyError) else ""
        raise ModelError(
            f"The weights file {path} cannot be loaded: its tensors are not those of Segment Anything{missing}.",
            OTHER_MODEL,
            path=path,
        ) from error


def build_network(architecture: Architecture, state: Mapping[str, Any], path: Path) -> Any:
    """The network (``segment_anything.modeling.Sam``) on the CPU in float32, ready for inference.

    Raises ModelError when the tensors do not fit together.
    """
    import torch
    from segment_anything.modeling import Sam

    # Without memory first: random weights for 640 million parameters would take longer than reading the real ones.
    with torch.device("meta"):
        image_encoder, prompt_encoder, mask_decoder = _parts(architecture)
    network = Sam(image_encoder, prompt_encoder, mask_decoder, PIXEL_MEAN, PIXEL_STD)
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    except RuntimeError as error:
        causes = [line.strip() for line in str(error).splitlines()[1:]] or [first_line(error)]
        raise ModelError(
            f"The weights file {path} cannot be loaded: its tensors do not fit together ({causes[0][:150].rstrip('. ')}).",
            OTHER_MODEL,
            path=path,
        ) from error
    return network.eval().requires_grad_(False)


def _parts(architecture: Architecture) -> tuple[Any, Any, Any]:
    """Image encoder, prompt encoder and mask decoder of these sizes."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer

    side, channels = architecture.input_side, architecture.channels
    image_encoder = ImageEncoderViT(
        img_size=side,
        patch_size=architecture.patch,
        embed_dim=architecture.width,
        depth=architecture.depth,
        num_heads=architecture.heads,
        mlp_ratio=architecture.mlp_width / architecture.width,
        out_chans=channels,
        norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=architecture.window,
        global_attn_indexes=architecture.global_blocks,
    )
    prompt_encoder = PromptEncoder(
        embed_dim=channels,
        image_embedding_size=(architecture.grid, architecture.grid),
        input_image_size=(side, side),
        mask_in_chans=architecture.mask_channels,
    )
    transformer = TwoWayTransformer(
        depth=architecture.decoder_depth,
        embedding_dim=channels,
        num_heads=DECODER_HEADS,
        mlp_dim=architecture.decoder_mlp,
        attention_downsample_rate=architecture.decoder_rate,
    )
    mask_decoder = MaskDecoder(
        transformer_dim=channels,
        transformer=transformer,
        num_multimask_outputs=architecture.candidates,
        iou_head_depth=architecture.score_depth,
        iou_head_hidden_dim=architecture.score_width,
    )
    return image_encoder, prompt_encoder, mask_decoder


def _count(shapes: Mapping[str, Any], pattern: str) -> int:
    """How many of the names pattern.format(0), pattern.format(1), … there are. Raises KeyError when there is none."""
    count = 0
    while pattern.format(count) in shapes:
        count += 1
    if not count:
        raise KeyError(pattern.format(0))
    return count
