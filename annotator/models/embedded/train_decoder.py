"""Trains and scores the prompt decoder of the embedded segmenter.

    python -m annotator.models.embedded.train_decoder --data DIR --out FILE [--folds 5] [--commercial-only] [--keep DIR]

``--data`` is a folder in COCO128's layout with polygons (see ``decoder_data``). Without ``--folds`` it trains on all photos
and writes FILE (safetensors, fp16), beside it the graph, prompt_decoder.onnx, and the list of photos with their licences.
With ``--folds 5`` it writes no weights: it trains five times on four fifths of the photos and scores the photos left out; no
photo is scored by weights that saw any part of it, cut-outs included. With ``--commercial-only`` it trains only on photos whose
licence allows commercial use, writes those weights and their list, and scores the others. Weights once trained stay in
``--keep`` and are taken from there while all that made them is the same, so that what is made of them can be scored again and
folds can be trained side by side (``--only-fold``). Figures go to standard output as JSON, progress to standard error.

Needs the extra ``test`` (torch, onnx). Features of the frozen encoder are computed once and cached in ``--cache``. The seed
fixes samples, folds and batches; torch's sums may differ in the last digits between machines and numbers of threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from annotator.models.embedded import decoder_graph, decoder_training
from annotator.models.embedded.assets import DECODER_GRAPH, write_asset
from annotator.models.embedded.decoder import EmbeddedSegmenter
from annotator.models.embedded.decoder_data import Photo, Sample, licence_table, make_samples, read_photos
from annotator.models.embedded.decoder_scores import ObjectScore, score_objects, summarise
from annotator.models.embedded.decoder_training import DILATIONS, NORM_GROUPS, Features, cache_features, train
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.models.protocols import FloatArray

CROPS = 5
COMPOSITIONS = 4400
DRAWINGS = 300
STEPS = 2500
# How often a sample without a box is drawn, of one with a box.
UNBOXED_SHARE = 0.6


def say(text: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def serialise_weights(weights: dict[str, FloatArray]) -> bytes:
    """The safetensors file of the weights in fp16, the same bytes for the same weights."""
    content: bytes = save({name: weights[name].astype(np.float16) for name in sorted(weights)})
    return content


def folds_of(photos: list[Photo], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each photo."""
    order = np.random.default_rng(seed).permutation(len(photos))
    return np.asarray(order % folds, np.int64)


def usable(samples: list[Sample], allowed: set[int]) -> NDArray[np.int64]:
    """The samples made only of photos with an allowed number."""
    return np.array([i for i, sample in enumerate(samples) if allowed.issuperset(sample.photos)], np.int64)


def draw_weights(samples: list[Sample], rows: NDArray[np.int64]) -> FloatArray:
    """How often each of the samples in ``rows`` is drawn, in proportion."""
    return np.array([UNBOXED_SHARE if samples[i].box is None else 1.0 for i in rows], np.float32)


@dataclass(frozen=True)
class Course:
    """What is trained on, how long, and the folder that keeps what came of it (None: nowhere)."""

    photos: list[Photo]
    samples: list[Sample]
    features: Features
    steps: int
    seed: int
    kept: Path | None = None

    def fit(self, held_out: set[int]) -> dict[str, FloatArray]:
        """Train on all samples without any part of the photos held out, or take the weights that did."""
        path = None if self.kept is None else self.kept / f"{self._key(held_out)}.safetensors"
        if path is not None and path.exists():
            say(f"taken from {path}")
            return {name: values.astype(np.float32) for name, values in load_file(path).items()}
        rows = usable(self.samples, {photo.number for photo in self.photos} - held_out)
        drawn = draw_weights(self.samples, rows)
        weights = train(
            self.samples, self.features, rows, steps=self.steps, seed=self.seed, weights=drawn, report=_report
        )
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(serialise_weights(weights))
        return weights

    def _key(self, held_out: set[int]) -> str:
        """A name for weights made of the same features by the same code."""
        made_of = [self.features.digest, self.steps, self.seed, sorted(held_out)]
        digest = hashlib.blake2b(json.dumps(made_of).encode(), digest_size=8)
        for module in (decoder_training, sys.modules[Course.__module__]):
            digest.update(Path(str(module.__file__)).read_bytes())
        return digest.hexdigest()


def score_weights(
    weights: dict[str, FloatArray],
    photos: list[Photo],
    held_out: set[int],
    encoder: EmbeddedImageEncoder,
    clicks_every: int,
) -> list[ObjectScore]:
    """The scores of what would ship with these weights on the photos held out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        path.write_bytes(serialise_weights(weights))
        segmenter = EmbeddedSegmenter(path, encoder=encoder, threads=1)
        return score_objects(
            segmenter, [photo for photo in photos if photo.number in held_out], clicks_every=clicks_every
        )


def _report(step: int, loss: float) -> None:
    say(f"step {step} loss {loss:.3f} CPU {time.process_time():.0f} s")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line in the module's description."""
    parser = argparse.ArgumentParser(prog="train_decoder", description="Trains the prompt decoder.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="weights; with --folds the scores of all objects as JSON"
    )
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--only-fold", type=int, default=-1, help="run one fold, for trials")
    parser.add_argument("--commercial-only", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clicks-every", type=int, default=1, help="simulate clicks on every Nth object, 0 for none")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the weights of folds")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "annotator-decoder-features")
    options = parser.parse_args(arguments)

    torch.set_num_threads(options.threads)
    encoder = EmbeddedImageEncoder(threads=options.threads)
    photos = read_photos(options.data)
    samples = make_samples(photos, options.seed, crops=CROPS, compositions=COMPOSITIONS, drawings=DRAWINGS)
    say(f"{len(photos)} photos, {len(samples)} samples")
    features = cache_features(samples, encoder, options.cache)
    say(f"features ready after {time.process_time():.0f} s of CPU")
    course = Course(photos, samples, features, options.steps, options.seed, options.keep)

    scores: list[ObjectScore] = []
    if options.folds:
        folds = folds_of(photos, options.folds, options.seed)
        for fold in range(options.folds) if options.only_fold < 0 else [options.only_fold]:
            held_out = {photo.number for photo in photos if folds[photo.number] == fold}
            scores += score_weights(course.fit(held_out), photos, held_out, encoder, options.clicks_every)
            say(f"fold {fold}: {json.dumps(summarise(scores))} (all folds so far)")
        options.out.write_text(json.dumps([asdict(score) for score in scores]), encoding="ascii")
    elif options.commercial_only:
        held_out = {photo.number for photo in photos if not photo.commercial}
        weights = course.fit(held_out)
        _write_weights(options.out, weights, options.data, [photo for photo in photos if photo.commercial])
        scores = score_weights(weights, photos, held_out, encoder, options.clicks_every)
    else:
        weights = course.fit(set())
        graph = decoder_graph.build(weights, dilations=DILATIONS, norm_groups=NORM_GROUPS)
        path = options.out.with_name(DECODER_GRAPH.name)
        say(f"{path} {len(graph)} bytes sha256 {write_asset(path, graph)}")
        _write_weights(options.out, weights, options.data, photos)
    sys.stdout.write(json.dumps({"steps": options.steps, "cpu_s": round(time.process_time()), **summarise_all(scores)}))
    sys.stdout.write("\n")


def _write_weights(path: Path, weights: dict[str, FloatArray], data: Path, photos: list[Photo]) -> None:
    """The weights, and beside them the list of the photos that they learned from."""
    content = serialise_weights(weights)
    say(f"{path} {len(content)} bytes sha256 {write_asset(path, content)}")
    path.with_suffix(".licences.csv").write_text(licence_table(data, photos), encoding="utf-8")


def summarise_all(scores: list[ObjectScore]) -> dict[str, float]:
    """``summarise``, rounded; nothing for no scores."""
    return {name: round(value, 4) for name, value in summarise(scores).items()} if scores else {}


if __name__ == "__main__":
    main()
