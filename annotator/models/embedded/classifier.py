"""The classifier at the end of the image encoder, as two arrays: to run it on the cells of a feature map, not on their mean.

ONNX Runtime runs graphs and does not give out their weights, and the ``onnx`` package is not needed otherwise, so the two tensors
are read from the file itself. A file is nested records of (number and type, content); the numbers are those of ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from annotator.errors import ModelError
from annotator.models.embedded.assets import LITE0_FILE, REINSTALL, read_asset
from annotator.models.protocols import FloatArray

MODEL_GRAPH, GRAPH_TENSOR, TENSOR_DIMS, TENSOR_NAME, TENSOR_BYTES = 7, 5, 1, 8, 9
VARINT, EIGHT_BYTES, BLOCK, FOUR_BYTES = 0, 1, 2, 5


def classifier(path: Path = LITE0_FILE) -> tuple[FloatArray, FloatArray]:
    """(1000, 1280) weights and (1000,) biases: logits = vector @ weights.T + biases. Raises ModelError for another file."""
    content, _ = read_asset(path)
    try:
        found = tensors(content, {"classes.weight", "classes.bias"})
        weight, bias = found["classes.weight"], found["classes.bias"]
    except (KeyError, IndexError, ValueError) as error:
        raise ModelError(f"The model file {path} has no classifier to read ({error}).", REINSTALL, path=path) from error
    return weight, bias


def tensors(content: bytes, names: set[str]) -> dict[str, FloatArray]:
    """The float32 tensors of ``names`` that a model holds inside itself."""
    found: dict[str, FloatArray] = {}
    for graph in _blocks(content, MODEL_GRAPH):
        for tensor in _blocks(graph, GRAPH_TENSOR):
            fields = list(_fields(tensor))
            name = next((bytes(value).decode() for number, value in fields if number == TENSOR_NAME), "")
            if name in names:
                shape = [size for number, value in fields if number == TENSOR_DIMS for size in _sizes(value)]
                data = next(value for number, value in fields if number == TENSOR_BYTES)
                assert not isinstance(data, int)
                found[name] = np.frombuffer(data, dtype="<f4").reshape(shape).astype(np.float32)
    return found


def _blocks(content: bytes | memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(content):
        if number == wanted and not isinstance(value, int):
            yield value


def _fields(content: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each record's number and its content: a number, or bytes."""
    view = memoryview(content)
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(view, at)
            yield number, value
            continue
        if kind == BLOCK:
            size, at = _varint(view, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError(f"record type {kind}")
        yield number, view[at : at + size]
        at += size


def _sizes(value: int | memoryview) -> list[int]:
    """The sizes of a tensor, one by one or packed."""
    if isinstance(value, int):
        return [value]
    sizes, at = [], 0
    while at < len(value):
        size, at = _varint(value, at)
        sizes.append(size)
    return sizes


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = view[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
