"""Writes COCO: a folder with ``annotations/`` (one file per kind and split) and ``images/``, or one JSON file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

from annotator.domain.geometry import Box, Caption, Keypoints, Mask, Polygon, RotatedBox, Tag
from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.coco import reader, runs
from annotator.formats.coco.files import IN_FILES, INSTANCES, KEYPOINTS, KINDS, STUFF
from annotator.formats.coco.panoptic import PANOPTIC, is_panoptic, written_segments
from annotator.formats.coco.parts import CocoPart, ImageIds
from annotator.formats.coco.records import AS_LIST
from annotator.formats.coco.shapes import CannotWriteError, keypoint_fields, outline_fields
from annotator.formats.coco.spec import SPEC
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.labels import kept_ids, unknown
from annotator.formats.merging import joined
from annotator.formats.names import clean_name, without_suffix
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.job_context import QUIET, JobContext

_OUR_NAME = re.compile(rf"({'|'.join((*KINDS, 'results'))})(_(train|val|test))?\.json")
_MANAGED = frozenset({"id", "measured", "file_name", IN_FILES, AS_LIST})
_POINTS = frozenset({"keypoints", "num_keypoints"})


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write COCO; see ``spec.Writer``. A target that ends in .json is one file and cannot hold suggestions."""
    mode = ImagesMode(images)
    single = target.suffix.lower() == ".json"
    if single and mode is not ImagesMode.NONE:
        raise FormatError(
            f"{target} is one file; pictures need a folder.", "Give a folder, or no pictures.", path=target
        )
    tally = Tally()
    with Target(target, merge=merge, replace=replace, is_file=single) as place:
        if merge and (standing := _standing(target)):
            dataset = joined(dataset, standing, tally)
        work = _Work(dataset, place, mode, tally)
        try:
            for done, image in enumerate(dataset.images):
                if done % 256 == 0:
                    context.check_cancelled()
                    context.progress(done, None, "writing COCO")
                work.add(image)
            work.finish()
        finally:
            work.close()
    return tally.report("coco", target)


class _Work:
    """One export: a part per (kind of file, split)."""

    def __init__(self, dataset: Dataset, place: Target, mode: ImagesMode, tally: Tally) -> None:
        self._place, self._mode, self._tally = place, mode, tally
        self._ids = kept_ids(dataset, tally, first=1)
        self._labels = dataset.labels
        self._header = dict(own(dataset.extra, "coco"))
        self._unheld = Unheld(SPEC, tally)
        self._unheld.labels(dataset)
        self._parts: defaultdict[tuple[str, Split | None], CocoPart] = defaultdict(CocoPart)
        self._results: defaultdict[Split | None, CocoPart] = defaultdict(CocoPart)
        self._image_ids = ImageIds()

    def add(self, image: DatasetImage) -> None:
        """Write one image with its annotations."""
        if not self._unheld.image(image):
            return
        self._tally.images += 1
        foreign = own(image.extra, "coco")
        split = None if self._place.is_file else image.split
        reference = self._image_ids.reference(foreign.get("id"), split)
        listed: set[str] = set()

        def part_of(kind: str) -> CocoPart:
            part = self._parts[kind, split]
            if kind not in listed:
                part.add_image(reference, self._image_body(image, foreign))
                listed.add(kind)
            return part

        part_of("instances")
        self._place.add_image(image.path, f"images/{image.name}", self._mode, self._tally, image.name)
        written: dict[Any, tuple[DatasetAnnotation, dict[str, Any]]] = {}
        ready: list[tuple[tuple[str, ...], DatasetAnnotation, dict[str, Any]]] = []
        segments = self._segments(image)
        if segments:
            self._add_segments(image, segments, split, part_of(PANOPTIC), reference)
        for annotation in image.annotations:
            if annotation in segments:
                continue
            body = self._body(annotation, image)
            if body is None:
                continue
            self._unheld.annotation(annotation, image)
            self._tally.annotations += 1
            identity = own(annotation.extra, "coco").get("id")
            partner = written.get(identity) if identity is not None else None
            if partner is not None and _belong_together(partner[0], annotation):
                joined = (
                    {**body, **partner[1]} if isinstance(annotation.geometry, Keypoints) else {**partner[1], **body}
                )
                partner[1].update(joined)
                continue
            if identity is not None:
                written[identity] = (annotation, body)
            ready.append((_kinds(annotation, single=self._place.is_file), annotation, body))
        for kinds, annotation, body in ready:
            if kinds == ("results",):
                self._results[split].add_annotation(None, reference, _as_result(body))
                continue
            identity = own(annotation.extra, "coco").get("id")
            kept = True
            for kind in kinds:
                without = _POINTS if kind != KEYPOINTS and KEYPOINTS in kinds else frozenset()
                told = {key: value for key, value in body.items() if key not in without} if without else body
                kept &= part_of(kind).add_annotation(identity, reference, told)
                part_of(kind).labels.add(annotation.label)
            if not kept:
                self._tally.converted(
                    annotation.label, "annotation id", "it was taken; a new one was given", image.name
                )

    def _segments(self, image: DatasetImage) -> list[DatasetAnnotation]:
        """What goes back to a panoptic picture."""
        if self._place.is_file or not (image.width and image.height):
            return []
        return [one for one in image.annotations if is_panoptic(one)]

    def _add_segments(
        self,
        image: DatasetImage,
        segments: list[DatasetAnnotation],
        split: Split | None,
        part: CocoPart,
        reference: bytes,
    ) -> None:
        for one in segments:
            if one.label not in self._ids:
                raise unknown(one.label, image.name)
        png, infos = written_segments(image, segments, self._ids)
        for one in segments:
            self._unheld.annotation(one, image)
            self._tally.annotations += 1
            self._tally.kept(one.label, one.geometry.kind.value, image.name)
        name = f"{without_suffix(image.name)}.png"
        self._place.write(f"annotations/{_name(PANOPTIC, split).removesuffix('.json')}/{name}", png)
        part.add_annotation(None, reference, {"file_name": name, "segments_info": infos})

    def finish(self) -> None:
        """Compose the files."""
        if not self._parts:
            self._parts["instances", None] = CocoPart()
        resolve = self._image_ids.resolver()
        last = max(part.highest for part in self._parts.values())
        if self._place.is_file:
            with self._place.file.open("xb") as file:
                categories = [_category(label, self._ids[label.name]) for label in self._labels]
                self._parts["instances", None].write(file, resolve, self._header, categories, above=last)
            return
        for (kind, split), part in self._parts.items():
            with self._place.open(f"annotations/{_name(kind, split)}") as file:
                last = part.write(
                    file,
                    resolve,
                    self._header,
                    None if kind == "captions" else self._categories(kind, part.labels),
                    with_ids=kind != PANOPTIC,
                    above=last,
                )
        for split, part in self._results.items():
            with self._place.open(f"annotations/{_name('results', split)}") as file:
                part.write_list(file, resolve)

    def _categories(self, kind: str, used: set[str]) -> list[dict[str, Any]]:
        """Those that a file of this kind lists: as was read, and what it uses."""
        listed = []
        for label in self._labels:
            kinds = own(label.extra, "coco").get(IN_FILES)
            if not isinstance(kinds, list):
                kinds = [] if kind == STUFF or (kind == KEYPOINTS and not label.skeleton) else [kind]
            if kind in kinds or label.name in used:
                bare = kind != KEYPOINTS and KEYPOINTS in kinds
                shown = replaced(label, skeleton=None) if bare else label
                listed.append(_category(shown, self._ids[label.name]))
        return listed

    def close(self) -> None:
        """Give the spools back."""
        for part in (*self._parts.values(), *self._results.values()):
            part.close()

    def _image_body(self, image: DatasetImage, foreign: Mapping[str, Any]) -> dict[str, Any]:
        name = image.name
        written = foreign.get("file_name")
        if self._mode is ImagesMode.NONE and isinstance(written, str) and clean_name(written) == name:
            name = written
        body: dict[str, Any] = {"file_name": name}
        if image.width and image.height:
            body |= {"width": image.width, "height": image.height}
        if self._place.is_file and image.split:
            body["split"] = image.split.value
        return {**{k: v for k, v in foreign.items() if k not in _MANAGED}, **body}

    def _body(self, annotation: DatasetAnnotation, image: DatasetImage) -> dict[str, Any] | None:
        """The record without its ids; None when it had to be dropped (and was reported)."""
        geometry, kind = annotation.geometry, annotation.geometry.kind.value
        foreign = own(annotation.extra, "coco")
        body = {key: value for key, value in foreign.items() if key not in _MANAGED}
        if annotation.label:
            if annotation.label not in self._ids:
                raise unknown(annotation.label, image.name)
            body["category_id"] = self._ids[annotation.label]
        elif not isinstance(geometry, Caption):
            raise unknown(annotation.label, image.name)
        if annotation.suggested and (self._place.is_file or isinstance(geometry, Caption)):
            why = "suggestions need a folder as target, where they become a results list"
            self._tally.dropped(annotation.label, kind, WHY if isinstance(geometry, Caption) else why, image.name)
            return None
        note = ""
        try:
            match geometry:
                case Polygon() | Mask() | Box() | RotatedBox():
                    fields, note = outline_fields(geometry, image.width, image.height)
                    body |= fields
                    if AS_LIST in foreign and isinstance(fields["segmentation"], dict):
                        body["segmentation"]["counts"] = runs.decompress(fields["segmentation"]["counts"])
                    body |= _measured(foreign, annotation)
                case Keypoints():
                    body |= keypoint_fields(geometry) | _measured(foreign, annotation)
                case Caption():
                    body["caption"] = geometry.text
                case Tag():
                    pass
                case _:
                    raise CannotWriteError(WHY)
        except CannotWriteError as reason:
            self._tally.dropped(annotation.label, kind, str(reason), image.name)
            return None
        self._common(annotation, body)
        if note:
            self._tally.converted(annotation.label, kind, note, image.name)
        else:
            self._tally.kept(annotation.label, kind, image.name)
        return body

    def _common(self, annotation: DatasetAnnotation, body: dict[str, Any]) -> None:
        attributes = dict(annotation.attributes)
        crowd = attributes.pop("iscrowd", None)
        if crowd is not None and not isinstance(crowd, bool):
            attributes["iscrowd"] = crowd
        if not isinstance(annotation.geometry, Tag | Caption) and not annotation.suggested:
            body["iscrowd"] = int(crowd is True)
        elif isinstance(crowd, bool):
            body["iscrowd"] = int(crowd)
        if attributes:
            body["attributes"] = attributes
        if annotation.track_id is not None:
            body["track_id"] = annotation.track_id
        if annotation.confidence is not None:
            body["score"] = annotation.confidence


def _kinds(annotation: DatasetAnnotation, *, single: bool) -> tuple[str, ...]:
    """The kinds of files that an annotation goes to: those that it was read from, else the one of its geometry."""
    if single:
        return (INSTANCES,)
    if annotation.suggested:
        return ("results",)
    foreign = own(annotation.extra, "coco")
    match annotation.geometry:
        case Caption():
            return ("captions",)
        case Tag():
            return ("labels",)
        case Keypoints() if not foreign:
            return (KEYPOINTS,)
    told = foreign.get(IN_FILES)
    return tuple(each for each in told if each in KINDS) or (INSTANCES,) if isinstance(told, list) else (INSTANCES,)


def _standing(target: Path) -> Dataset | None:
    """The dataset that is merged into; None when there is none. Raises ``FormatError`` for files that we would leave beside."""
    if target.is_file():
        return reader.read(target).dataset
    files = reader.coco_files(target) if target.is_dir() else []
    foreign = [f for f in files if f.parent != target / "annotations" or not _OUR_NAME.fullmatch(f.name)]
    if foreign:
        raise FormatError(
            f"{foreign[0]} is a COCO file that is named in another way than this export's, so the two cannot be merged.",
            "Export to a folder of its own, or rename it (annotations/instances_train.json).",
            path=foreign[0],
        )
    return reader.read(target).dataset if files else None


def _as_result(body: dict[str, Any]) -> dict[str, Any]:
    """A result has the fields of its specification only; the mask API takes an empty outline for a wrong one."""
    return {key: value for key, value in body.items() if key != "area" and (key != "segmentation" or value)}


def _name(kind: str, split: Split | None) -> str:
    return f"{kind}_{split.value}.json" if split else f"{kind}.json"


def _measured(foreign: Mapping[str, Any], annotation: DatasetAnnotation) -> dict[str, Any]:
    """The foreign area and box, if the outline is still the one that they belong to."""
    measured = foreign.get("measured")
    if not isinstance(measured, Mapping) or measured.get("of") != hash(annotation.geometry):
        return {}
    return {key: measured[key] for key in ("area", "bbox") if key in measured}


def _belong_together(one: DatasetAnnotation, other: DatasetAnnotation) -> bool:
    """Keypoints and an outline that came from one record and still agree."""
    points, outline = (one, other) if isinstance(one.geometry, Keypoints) else (other, one)
    if not isinstance(points.geometry, Keypoints) or not isinstance(outline.geometry, Polygon | Mask | Box):
        return False
    if isinstance(outline.geometry, Box) and outline.geometry.bounds() == points.geometry.bounds():
        return False
    agree = ("label", "attributes", "track_id", "confidence", "suggested")
    return all(getattr(one, key) == getattr(other, key) for key in agree)


def _category(label: DatasetLabel, number: int) -> dict[str, Any]:
    category: dict[str, Any] = {"id": number, "name": label.name, "supercategory": label.parent}
    if label.skeleton:
        category["keypoints"] = list(label.skeleton.points)
        category["skeleton"] = [[a + 1, b + 1] for a, b in label.skeleton.edges]
    return {**category, **{key: value for key, value in own(label.extra, "coco").items() if key != IN_FILES}}
