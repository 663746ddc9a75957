"""Tiny ONNX models for tests: one whose output is its input, and ones that always say the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

OPSET, IR_VERSION = 17, 8


def write_identity(path: Path, shape: tuple[int | str, ...]) -> Path:
    """A model that gives back its float32 input of this shape."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("pixels", "same")]
    node = helper.make_node("Identity", ["pixels"], ["same"])
    return _save(path, [node], ends[:1], ends[1:], [])


def write_constant(path: Path, shape: tuple[int | str, ...], outputs: Mapping[str, np.ndarray]) -> Path:
    """A model that gives ``outputs`` (each without the batch axis) for every picture of its input (n, …)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants = [numpy_helper.from_array(np.zeros(1, np.float32), "zero")]
    ends = []
    for name, value in outputs.items():
        ones = np.asarray([-1, *[1] * value.ndim], dtype=np.int64)
        constants += [
            numpy_helper.from_array(ones, f"{name}_ones"),
            numpy_helper.from_array(value[None], f"{name}_one"),
        ]
        nodes += [
            helper.make_node("Reshape", ["nothing", f"{name}_ones"], [f"{name}_nothing"]),
            helper.make_node("Add", [f"{name}_one", f"{name}_nothing"], [name]),
        ]
        ends.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, (shape[0], *value.shape)))
    return _save(path, nodes, [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)], ends, constants)


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: list) -> Path:
    from onnx import checker, helper

    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
