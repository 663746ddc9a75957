"""The audit of pictures: those that are there twice, and tags that are missing from them."""

from __future__ import annotations

from collections.abc import Iterator
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from annotator.audit import dense
from annotator.audit import duplicates as copies
from annotator.domain.records import Image
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.neighbours import nearest
from annotator.learning.pool import Pool
from annotator.media import decode
from annotator.models.protocols import DenseTagger
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases import findings
from annotator.usecases.answers import Answers
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts
from annotator.usecases.results import Finding
from annotator.usecases.space import Space

Ids = NDArray[np.int64]

NEIGHBOURS = 5
HASH_PIXELS = 64
ALIKE_WHEN_HASHED = 0.8
"""Cosine from which the model agrees that two pictures with nearly one hash are one."""
THERE = 0.3
"""How likely a label must be somewhere in the picture to be missed."""
BATCH = 16


def duplicates(parts: Parts, space: Space, ids: Ids, context: JobContext) -> list[Finding]:
    """The same files, then the same pictures by their hash and the model, then what looks almost the same to the model alone."""
    ids = np.sort(ids[space.store.have(ids)])
    view = ImageView(parts)
    images = {each.id: each for each in view.many(ids.tolist())}
    same = copies.same_files({each.id: each.content_hash for each in images.values()})
    pairs = [(a, b, 1.0, "the same file as") for a, b in same]
    known = set(same)
    if len(ids) > 1:
        components = Pool(ids, space.store.get(ids)).components
        row = {int(image): at for at, image in enumerate(ids)}
        unit = components / np.maximum(np.linalg.norm(components, axis=1, keepdims=True), 1e-12)
        for a, b, _ in copies.same_pictures(_hashes(parts, view, images, context)):
            cosine = float(unit[row[a]] @ unit[row[b]])
            if (a, b) not in known and cosine >= ALIKE_WHEN_HASHED:
                pairs.append((a, b, cosine, "the same picture as"))
                known.add((a, b))
        alike = copies.look_alikes(ids, *nearest(components, NEIGHBOURS))
        pairs += [(a, b, cosine, "looks almost like") for a, b, cosine in alike if (a, b) not in known]
    return [_copy(images[a], images[b], score, words) for a, b, score, words in pairs]


def _copy(first: Image, copy: Image, score: float, words: str) -> Finding:
    splits = first.split, copy.split
    apart = f", and they are in {splits[0]} and {splits[1]}" if all(splits) and splits[0] != splits[1] else ""
    fix = f"{findings.MOVE_TO}{splits[0]}" if apart else findings.SKIP_IMAGE
    key = findings.key_of(findings.DUPLICATE, copy.id, first.id, apart)
    reason = f"{words} {first.uri}{apart}"
    return Finding(findings.DUPLICATE, copy.id, copy.uri, score, reason, "", first.uri, key, fix)


def _hashes(parts: Parts, view: ImageView, images: dict[int, Image], context: JobContext) -> dict[int, int]:
    """The perceptual hash of every image, kept in the cache by the hash of its file; what cannot be read has none."""
    path = parts.cache / "audit" / "hashes.npz"
    kept: dict[str, int] = {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            kept = dict(zip(stored["files"].tolist(), stored["hashes"].tolist(), strict=True))
    except (OSError, ValueError, EOFError, LookupError, BadZipFile):
        pass  # the cache is made anew below
    found: dict[int, int] = {}
    fresh = 0
    for at, image in enumerate(images.values()):
        if image.content_hash in kept:
            found[image.id] = kept[image.content_hash]
            continue
        context.check_cancelled()
        context.progress(at, len(images), "Comparing pictures")
        try:
            found[image.id] = copies.picture_hash(decode(view.path_of(image), min_side=HASH_PIXELS).rgb())
        except (AnnotatorError, OSError) as error:
            context.log(f"{image.uri}: {error}")
            continue
        if image.content_hash:
            kept[image.content_hash] = found[image.id]
            fresh += 1
    if fresh and not parts.read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as target:
            np.savez(target, files=np.asarray(list(kept)), hashes=np.asarray(list(kept.values()), np.uint64))
        unfinished.replace(path)
    return found


def missing_tags(parts: Parts, space: Space, answers: Answers, context: JobContext) -> Iterator[Finding]:
    """Labels of non-exclusive groups that the model sees somewhere in images that are done without them, the surest first."""
    model = space.model
    groups = [group for group in answers.groups if not group.exclusive]
    if not groups or not len(answers.done):
        return
    if not isinstance(model, DenseTagger):
        context.log(f"{space.model_id} does not say where things are: missing tags were not looked for.")
        return
    labels = [label for group in groups for label in answers.members(group)]
    classes = model.nearest_classes([(label.name, *label.synonyms) for label in labels])
    tagged = {(image_id, label_id) for image_id, label_id, _ in answers.tags}
    view = ImageView(parts)
    found: list[Finding] = []
    images = view.many(answers.done.tolist())
    for start in range(0, len(images), BATCH):
        context.check_cancelled()
        context.progress(start, len(images), "Looking for missing tags")
        for image, logits in _cells(view, model, images[start : start + BATCH], context):
            seen = dense.seen(logits, classes)
            for at, label in enumerate(labels):
                if seen.whether[at] >= THERE and (image.id, label.id) not in tagged:
                    where = _in_image(seen.where[at], image)
                    reason = f"no tag {label.name}, but it is there ({100 * seen.whether[at]:.0f}%)"
                    key = findings.key_of(findings.MISSING, image.id, label.name)
                    score = float(seen.whether[at])
                    fix = f"tag it {label.name}"
                    found.append(
                        Finding(findings.MISSING, image.id, image.uri, score, reason, "", label.name, key, fix, where)
                    )
    yield from sorted(found, key=lambda each: -each.score)


def has_missing(groups: tuple[TagGroup, ...]) -> bool:
    """Whether a tag can be missing: only where an image may have several."""
    return any(not group.exclusive for group in groups)


def _cells(
    view: ImageView, model: DenseTagger, images: list[Image], context: JobContext
) -> Iterator[tuple[Image, NDArray[np.float32]]]:
    pictures = []
    for image in images:
        try:
            pictures.append((image, decode(view.path_of(image), min_side=224).rgb()))
        except (AnnotatorError, OSError) as error:
            context.log(f"{image.uri}: {error}")
    if pictures:
        logits = model.cell_logits([picture for _, picture in pictures])
        yield from zip([image for image, _ in pictures], logits, strict=True)


def _in_image(box: NDArray[np.float32], image: Image) -> tuple[float, float, float, float]:
    """A box in shares of the square that the model saw, the middle of the picture, in the picture's pixels."""
    side = min(image.width, image.height)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    x1, y1, x2, y2 = (float(value) * side for value in box)
    return left + x1, top + y1, left + x2, top + y2
