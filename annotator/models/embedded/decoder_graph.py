"""Writes the graph of the prompt decoder without its weights: ``prompt_decoder.onnx``. For ``train_decoder`` only.

The weights are declared as external data and come from a safetensors file when the graph is loaded (``decoder.load_decoder``),
so that weights trained anew need no new graph, and running them needs neither torch nor onnx.
Inputs: ``s4 s8 s16 s32`` of the encoder on a 256 × 256 crop, ``prompts`` (n, 4, 64, 64). Output: ``logits`` (n, 2, 64, 64).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import TensorProto

from annotator.models.embedded.crops import CROP_SIDE, GRID_SIDE, PROMPT_CHANNELS
from annotator.models.embedded.encoder import FEATURE_CHANNELS
from annotator.models.embedded.onnx_graph import Graph, serialise
from annotator.models.protocols import FloatArray

NORM_EPSILON = 1e-5
LIKENESS_EPSILON = 0.05


def build(weights: Mapping[str, FloatArray], *, dilations: tuple[int, ...], norm_groups: int) -> bytes:
    """The serialised graph for weights of these names and shapes."""
    graph = Graph("prompt_decoder")
    maps = {
        stride: graph.input(f"s{stride}", TensorProto.FLOAT, ["n", width, CROP_SIDE // stride, CROP_SIDE // stride])
        for stride, width in FEATURE_CHANNELS.items()
    }
    prompts = graph.input("prompts", TensorProto.FLOAT, ["n", PROMPT_CHANNELS, GRID_SIDE, GRID_SIDE])
    for name in sorted(weights):
        graph.weight(name, weights[name])
    graph.weight("const.ones", np.ones(norm_groups, np.float32))
    graph.weight("const.zeros", np.zeros(norm_groups, np.float32))
    graph.weight("const.groups", np.array([0, norm_groups, -1], np.int64))

    def convolve(source: str, layer: str, *, stride: int = 1, dilation: int = 1) -> str:
        kernel = weights[f"{layer}.weight"].shape[2]
        inputs = [source, f"{layer}.weight"] + ([f"{layer}.bias"] if f"{layer}.bias" in weights else [])
        return graph.node(
            "Conv",
            inputs,
            f"{layer}.conv",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            dilations=[dilation, dilation],
            pads=[dilation * (kernel // 2)] * 4,
        )

    def enlarge(source: str, scale: float) -> str:
        sizes = graph.weight(f"const.{source}.scales", np.array([1, 1, scale, scale], np.float32))
        return graph.node(
            "Resize", [source, "", sizes], f"{source}.up", mode="linear", coordinate_transformation_mode="half_pixel"
        )

    def normalise(source: str, layer: str, side: int) -> str:
        """Group normalisation: instance normalisation of the grouped channels, then scale and shift by channel."""
        channels = weights[f"{layer}.weight"].shape[0]
        grouped = graph.node("Reshape", [source, "const.groups"], f"{layer}.grouped")
        flat = graph.node(
            "InstanceNormalization", [grouped, "const.ones", "const.zeros"], f"{layer}.flat", epsilon=NORM_EPSILON
        )
        shape = graph.weight(f"const.{layer}.shape", np.array([0, channels, side, side], np.int64))
        value = graph.node("Reshape", [flat, shape], f"{layer}.unit")
        for operator, part in (("Mul", "weight"), ("Add", "bias")):
            column = graph.weight(f"const.{layer}.column", np.array([channels, 1, 1], np.int64))
            broad = graph.node("Reshape", [f"{layer}.{part}", column], f"{layer}.{part}.column")
            value = graph.node(operator, [value, broad], f"{layer}.{operator.lower()}")
        return value

    coarse = GRID_SIDE // 2
    x = convolve(maps[8], "lateral8")
    for stride, scale in ((16, 2.0), (32, 4.0)):
        x = graph.node("Add", [x, enlarge(convolve(maps[stride], f"lateral{stride}"), scale)], f"sum.{stride}")
    x = graph.node("Add", [x, convolve(prompts, "prompt", stride=2)], "sum.prompt")
    x = graph.node("Add", [x, convolve(_likeness(graph, "sum.32", prompts), "like")], "sum.like")
    for index, dilation in enumerate(dilations):
        name = f"blocks.{index}"
        pooled = graph.node("GlobalAveragePool", [x], f"{name}.mean")
        pooled = graph.node("Flatten", [pooled], f"{name}.vector", axis=1)
        pooled = graph.node("Gemm", [pooled, f"{name}.pool.weight", f"{name}.pool.bias"], f"{name}.gemm", transB=1)
        shape = graph.weight(f"const.{name}.pooled", np.array([0, -1, 1, 1], np.int64))
        pooled = graph.node("Reshape", [pooled, shape], f"{name}.pooled")
        value = normalise(convolve(x, f"{name}.conv", dilation=dilation), f"{name}.norm", coarse)
        value = graph.node("Relu", [graph.node("Add", [value, pooled], f"{name}.sum")], f"{name}.relu")
        x = graph.node("Add", [x, value], f"{name}.out")
    up = enlarge(convolve(x, "reduce"), 2.0)
    fine = graph.node("Concat", [up, maps[4], prompts], "joined", axis=1)
    fine = graph.node("Relu", [normalise(convolve(fine, "fine"), "fine_norm", GRID_SIDE)], "fine.relu")
    fine = graph.node("Relu", [convolve(fine, "finer")], "finer.relu")
    graph.node("Identity", [convolve(fine, "out")], "logits")
    graph.output("logits", TensorProto.FLOAT, ["n", weights["out.weight"].shape[0], GRID_SIDE, GRID_SIDE])
    model = graph.model(
        "Prompt decoder on EfficientNet-Lite0 features; its weights are in a safetensors file. Apache-2.0."
    )
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "weights"
    return serialise(model)


def _likeness(graph: Graph, source: str, prompts: str) -> str:
    """``decoder_training.likeness`` as nodes."""
    coarse = GRID_SIDE // 2
    epsilon = graph.weight("const.epsilon", np.array(LIKENESS_EPSILON, np.float32))
    mean = graph.node("ReduceMean", [source], "likeness.mean", axes=[2, 3], keepdims=1)
    centred = graph.node("Sub", [source, mean], "likeness.centred")
    length = graph.node("ReduceL2", [centred], "likeness.length", axes=[1], keepdims=1)
    unit = graph.node("Div", [centred, graph.node("Add", [length, epsilon], "likeness.safe")], "likeness.unit")
    box = graph.node(
        "Slice",
        [
            prompts,
            graph.weight("const.first", np.array([0], np.int64)),
            graph.weight("const.second", np.array([1], np.int64)),
            graph.weight("const.channels", np.array([1], np.int64)),
        ],
        "likeness.box",
    )
    present = graph.node("ReduceMax", [box], "likeness.present", axes=[2, 3], keepdims=1)
    masks = graph.node(
        "Concat", [prompts, graph.node("Sub", [present, box], "likeness.around")], "likeness.masks", axis=1
    )
    pooled = graph.node("AveragePool", [masks], "likeness.pooled", kernel_shape=[2, 2], strides=[2, 2])
    flat = graph.weight("const.flat", np.array([0, 0, -1], np.int64))
    places = graph.node("Reshape", [pooled, flat], "likeness.places")
    cells = graph.node("Reshape", [unit, flat], "likeness.cells")
    turned = graph.node("Transpose", [cells], "likeness.turned", perm=[0, 2, 1])
    axes = graph.weight("const.last", np.array([2], np.int64))
    weight = graph.node("ReduceSum", [places, axes], "likeness.weight", keepdims=1)
    sums = graph.node("MatMul", [places, turned], "likeness.sums")
    means = graph.node("Div", [sums, graph.node("Add", [weight, epsilon], "likeness.divisor")], "likeness.means")
    cosines = graph.node("MatMul", [means, cells], "likeness.cosines")
    shape = graph.weight("const.like.shape", np.array([0, -1, coarse, coarse], np.int64))
    return graph.node("Reshape", [cosines, shape], "likeness.map")
