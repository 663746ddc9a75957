"""Writes ONNX graphs node by node, for the build scripts of this folder only.

The graphs that ship are written by hand from the published weights and not by torch's exporter: the result is the same
bytes on every machine, holds no names of Python modules, and depends on one opset that every ONNX Runtime since 1.14 runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects nodes and weights; every method returns the name of the value it made."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[NodeProto] = []
        self._weights: dict[str, TensorProto] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, element: int, shape: Sequence[int | str]) -> str:
        """Declare an input; a string in ``shape`` is a size that is free at run time."""
        self._inputs.append(helper.make_tensor_value_info(name, element, list(shape)))
        return name

    def output(self, name: str, element: int, shape: Sequence[int | str]) -> None:
        """Declare the value ``name`` as an output."""
        self._outputs.append(helper.make_tensor_value_info(name, element, list(shape)))

    def weight(self, name: str, values: NDArray[Any]) -> str:
        """Store an array in the graph under ``name``, in its own dtype."""
        self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append one operation with one output."""
        self._nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def model(self, description: str) -> ModelProto:
        """The checked model."""
        graph = helper.make_graph(self._nodes, self._name, self._inputs, self._outputs, list(self._weights.values()))
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="annotator",
            doc_string=description,
        )
        checker.check_model(model, full_check=True)
        return model


def serialise(model: ModelProto) -> bytes:
    """The same bytes for the same model, on every machine."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content
