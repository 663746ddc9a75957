"""Reads CVAT XML: pictures with shapes as they come, tracks of a video frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.cvat.meta import TASKS, Meta, read_meta
from annotator.formats.cvat.shapes import TAGS, place_keys, read_shape
from annotator.formats.cvat.spec import looks_like_cvat
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import StreamedImages
from annotator.formats.names import clean_name, find_file
from annotator.formats.pictures import Pictures
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.formats.splits import kept_apart, split_named
from annotator.formats.xml_text import BrokenXmlError, records
from annotator.job_context import QUIET, JobContext

_ROOT = "annotations"
_HEAD = 4096
_IMAGE_KEYS = frozenset({"name", "width", "height", "subset"})
_SHAPE_KEYS = frozenset({"label", "occluded", "z_order", "frame", "outside"})
NO_PICTURE = "frame_{:06d}"


@dataclass
class _Frame:
    annotations: list[DatasetAnnotation] = field(default_factory=list)
    outside: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _File:
    """What one XML file holds: names of its pictures in order, or the frames of its tracks."""

    path: Path
    meta: Meta = field(default_factory=Meta)
    names: list[tuple[str, Split | None]] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    frames: dict[int, _Frame] = field(default_factory=dict)

    @property
    def is_video(self) -> bool:
        """Whether there are frames of a video, with or without shapes."""
        return bool(self.frames or (not self.names and self.meta.frames))

    @property
    def sequence(self) -> str:
        """What the video is called."""
        return self.meta.sequence or self.path.stem


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read CVAT; see ``spec.Reader``. A first pass collects labels, names and tracks; shapes of pictures stream in the second."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    files = [_scan(file, findings) for file in xml_files(source.root)]
    if not any(file.names or file.frames or file.meta.labels for file in files):
        raise FormatError(f"{path} holds no CVAT annotations.", path=path)
    pairs = [pair for file in files for pair in file.names]
    called = iter(kept_apart(pairs, findings.tally))
    for file in files:
        file.called = [next(called) for _ in file.names]
    labels: dict[str, DatasetLabel] = {}
    for file in files:
        for name, label in file.meta.labels.items():
            labels.setdefault(name, label)
    reader = _Reader(source, files, image_size)
    images = StreamedImages(
        "cvat", source.path, reader.images, findings, context, total=len(pairs) or None, keep=source
    )
    header = _header(files)
    return Imported(Dataset(tuple(labels.values()), images, {"cvat": header} if header else {}), images.report)


def _header(files: list[_File]) -> dict[str, Any]:
    """What the only file says of its task, or of several what each does."""
    told = {file.sequence if file.is_video else "": file.meta.header for file in reversed(files) if file.meta.header}
    return {TASKS: told} if sum(file.is_video for file in files) > 1 or len(told) > 1 else next(iter(told.values()), {})


def xml_files(root: Path) -> list[Path]:
    """The file, or those below a folder that look like CVAT's."""
    if root.is_file():
        return [root]
    found = []
    for file in sorted(root.rglob("*.xml")):
        with file.open("rb") as opened:
            if looks_like_cvat(opened.read(_HEAD)):
                found.append(file)
    return found


def _scan(path: Path, findings: Findings) -> _File:
    file = _File(path)
    declared = False
    seen: set[tuple[str, Split | None]] = set()
    try:
        for one in records(path, _ROOT):
            if one.tag == "meta":
                file.meta = read_meta(one)
                declared = bool(file.meta.labels)
            elif one.tag == "image":
                key = (clean_name(one.get("name", "")), split_named(one.get("subset", "")))
                if not key[0] or key in seen:
                    why = "a second picture of this name" if key[0] else "a picture without a name"
                    findings.bad(path, f"image {one.get('id')}", why)
                    continue
                seen.add(key)
                file.names.append(key)
                if not declared:
                    _add_labels(one, file)
            elif one.tag == "track":
                _track(one, file, findings, declared=declared)
    except BrokenXmlError as error:
        findings.bad(path, error.place, error.what)
    return file


def _add_labels(one: Element, file: _File) -> None:
    for shape in one:
        name = shape.get("label", "")
        if shape.tag in TAGS and name and name not in file.meta.labels:
            file.meta.labels[name] = DatasetLabel(name)


def _track(track: Element, file: _File, findings: Findings, *, declared: bool) -> None:
    identity, label = track.get("id", ""), track.get("label", "")
    if not declared and label:
        file.meta.labels.setdefault(label, DatasetLabel(label))
    if not identity.isdecimal() or len(identity) > 18 or label not in file.meta.labels:
        why = f"its label {label!r} is not declared" if identity.isdecimal() else "its id is no whole number"
        findings.bad(file.path, f"track {identity}", why)
        return
    common = {key: value for key, value in track.attrib.items() if key not in ("id", "label")}
    for at, one in enumerate(track):
        if one.tag not in TAGS:
            continue
        number = one.get("frame", "")
        try:
            if not number.isdecimal() or len(number) > 9:
                raise ValueError(f"the frame is {number!r}")
            found = _annotation(one, label, file.meta, common, int(identity))
            if wrong := findings.placed(found.geometry, *file.meta.size):
                raise ValueError(wrong)
        except (ValueError, OverflowError) as error:
            findings.bad(file.path, f"track {identity}, {one.tag} {at + 1}", str(error))
            continue
        frame = file.frames.setdefault(int(number), _Frame())
        if one.get("outside") == "1" and one.tag != "skeleton":
            told = {each.get("name", ""): each.text or "" for each in one.findall("attribute")}
            frame.outside.append(
                {"track": int(identity), "tag": one.tag, "values": dict(one.attrib), "attributes": told}
            )
        else:
            frame.annotations.append(found)


def _annotation(
    one: Element, label: str, meta: Meta, common: dict[str, str], track_id: int | None
) -> DatasetAnnotation:
    if label not in meta.labels:
        raise ValueError(f"its label {label!r} is not declared" if label else "it has no label")
    found = read_shape(one, meta.skeleton(label))
    place = place_keys(one.tag)
    foreign: dict[str, Any] = {**common, **found.foreign}
    for key, value in one.attrib.items():
        if key not in _SHAPE_KEYS and key not in place and not (key == "keyframe" and value == "1"):
            foreign[key] = value
    attributes: dict[str, Any] = {"occluded": True} if one.get("occluded") == "1" else {}
    for child in one.findall("attribute"):
        name = child.get("name", "")
        attributes[name] = meta.value(label, name, child.text or "")
    order = one.get("z_order", "0")
    try:
        z_order = int(order)
    except ValueError:
        raise ValueError(f"z_order is {order!r}, not a whole number") from None
    extra = {"cvat": foreign} if foreign else {}
    return DatasetAnnotation(label, found.geometry, attributes, track_id, z_order, extra=extra)


class _Reader:
    def __init__(self, source: Source, files: list[_File], image_size: ImageSize | None) -> None:
        self._source, self._files, self._size = source, files, image_size
        self._several = len(files) > 1

    def images(self, findings: Findings) -> Iterator[DatasetImage | None]:
        """All pictures of all files, then the frames of their tracks."""
        for file in self._files:
            if file.names:
                yield from self._pictures(file, findings)
            if file.is_video:
                yield from self._video(file, findings)

    def _pictures(self, file: _File, findings: Findings) -> Iterator[DatasetImage | None]:
        order = dict(zip(file.names, file.called, strict=True))
        try:
            for one in records(file.path, _ROOT):
                if one.tag == "image":
                    key = (clean_name(one.get("name", "")), split_named(one.get("subset", "")))
                    called = order.pop(key, None)
                    if called is not None:
                        yield self._picture(one, key, called, file, findings)
        except BrokenXmlError:
            return  # said when the names were collected

    def _picture(
        self, one: Element, key: tuple[str, Split | None], called: str, file: _File, findings: Findings
    ) -> DatasetImage:
        declared = (_pixels(one.get("width")), _pixels(one.get("height")))
        known = self._size(called) if self._size else None
        if known and 0 not in declared and known != declared:
            findings.other_size(called, declared, known)
        width, height = declared if 0 not in declared else known or (0, 0)
        annotations = []
        for at, shape in enumerate(each for each in one if each.tag in TAGS):
            try:
                found = _annotation(shape, shape.get("label", ""), file.meta, {}, None)
                if wrong := findings.placed(found.geometry, width, height):
                    raise ValueError(wrong)
            except (ValueError, OverflowError) as error:
                findings.bad(file.path, f"image {one.get('name')}, {shape.tag} {at + 1}", str(error))
                continue
            annotations.append(found)
            self._say(found, called, findings)
        foreign = {k: v for k, v in one.attrib.items() if k not in _IMAGE_KEYS}
        if key[1] is None and one.get("subset"):
            foreign["subset"] = one.get("subset", "")
        base, subset = file.path.parent, one.get("subset", "")
        folders = (base / "images", base / "images" / clean_name(subset), base, base.parent / "images")
        path = find_file(folders[1:2] + folders[:1] + folders[2:] if subset else folders, key[0])
        extra = {"cvat": foreign} if foreign else {}
        return DatasetImage(called, tuple(annotations), width, height, path, key[1], done=True, extra=extra)

    def _say(self, one: DatasetAnnotation, image: str, findings: Findings) -> None:
        shape = one.extra.get("cvat", {}).get("shape")
        if shape:
            how = f"read as a polygon; written back as the {shape['tag']} while it is unchanged"
            findings.tally.converted(one.label, str(shape["tag"]), how, image)

    def _video(self, file: _File, findings: Findings) -> Iterator[DatasetImage]:
        """Frames with shapes, and those of the task of which there is a picture."""
        base = file.path.parent
        pictures = Pictures((base / "images",) if (base / "images").is_dir() else (base,))
        empty, folder = _Frame(), self._folder(file)
        for number in sorted({*file.frames, *file.meta.frames}):
            name, path = self._named(pictures, folder, NO_PICTURE.format(number))
            frame = file.frames.get(number, empty)
            if number not in file.frames and path is None and not (self._size and self._size(name)):
                continue
            known = self._size(name) if self._size else None
            if known and 0 not in file.meta.size and known != file.meta.size:
                findings.other_size(name, file.meta.size, known)
            width, height = file.meta.size if 0 not in file.meta.size else known or (0, 0)
            extra = {"cvat": {"outside": frame.outside}} if frame.outside else {}
            for one in frame.annotations:
                self._say(one, name, findings)
            yield DatasetImage(
                name,
                tuple(frame.annotations),
                width,
                height,
                path,
                done=True,
                extra=extra,
                sequence=file.sequence,
                frame=number,
            )

    def _folder(self, file: _File) -> str:
        """What tells the frames of several videos apart: the file's folder, or its name where two lie in one."""
        if not self._several:
            return ""
        folder = file.path.parent.relative_to(self._source.folder).as_posix()
        alone = sum(other.path.parent == file.path.parent for other in self._files) == 1
        pieces = [*([] if folder == "." else [folder]), *([] if alone and folder != "." else [file.path.stem])]
        return "/".join(pieces) + "/"

    def _named(self, pictures: Pictures, folder: str, stem: str) -> tuple[str, Path | None]:
        """(name, file) of a frame: by the picture beside its XML, else by the one whose size is known."""
        path = pictures.find(stem)
        if path is not None:
            return folder + stem + path.suffix, path
        return pictures.named(folder + stem, self._size, ".png")


def _pixels(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0
