"""COCO files as parsed: lists checked for shape and ids, annotations left as raw JSON until their image is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import orjson

from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.findings import Findings

Record = dict[str, Any]
INSTANCES, KEYPOINTS, STUFF = "instances", "person_keypoints", "stuff"
KINDS = (INSTANCES, "labels", "captions", "panoptic", KEYPOINTS, STUFF)
APART = frozenset({KEYPOINTS, STUFF})
"""Kinds of files of annotations that are otherwise among the instances."""
IN_FILES = "in files"
"""Among foreign fields: the kinds of files that have the annotation or label, where they are not the usual ones."""


class _Top(msgspec.Struct):
    """The lists that matter; ``annotations`` stays unparsed, a view of the file's bytes."""

    images: list[dict[str, Any]] = []
    categories: list[dict[str, Any]] = []
    annotations: list[msgspec.Raw] = []


class _Key(msgspec.Struct, gc=False):
    image_id: int | str
    id: int | str | None = None


class _RawKey(_Key, gc=False):
    bbox: msgspec.Raw = msgspec.Raw(b"")
    segmentation: msgspec.Raw = msgspec.Raw(b"")


_TOP = msgspec.json.Decoder(_Top)
_KEY = msgspec.json.Decoder(_RawKey)
_EMPTY = len("null")
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass
class CocoFile:
    """One file: ``by_image`` maps an image id to the indices of its annotations."""

    path: Path
    header: Record
    images: list[Record]
    categories: list[Record]
    raw: list[Any]
    split: Split | None = None
    by_image: dict[int | str, list[int]] = field(default_factory=dict)
    is_results: bool = False
    may_have_tags: bool = False

    @property
    def kind(self) -> str:
        """What the file's name says that it holds, as in COCO's own; instances where it says nothing."""
        return next((kind for kind in KINDS if self.path.name.lower().startswith(kind)), INSTANCES)

    def record(self, index: int) -> Any:
        """The ``index``-th annotation, parsed now."""
        raw = self.raw[index]
        return orjson.loads(memoryview(raw)) if isinstance(raw, msgspec.Raw) else raw


def load(path: Path, findings: Findings) -> CocoFile:
    """Parse one file and index its annotations by image. Raises ``FormatError`` naming line and column, or the record."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.", path=path) from error
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    listed = data.lstrip()[:1] == b"["
    try:
        file = _parse(path, data, listed)
    except msgspec.ValidationError as error:
        raise FormatError(f"{path}: {error}.", "This is no COCO file, or it is damaged.", path=path) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        file = _lenient(path, data, listed, error)
    _index(file, findings)
    return file


def _parse(path: Path, data: bytes, listed: bool) -> CocoFile:
    if listed:
        return CocoFile(path, {}, [], [], _LIST.decode(data), is_results=True)
    top = _TOP.decode(data)
    # The rest of the header (info, licenses, foreign keys) is wanted as it is, without the lists.
    rest = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    header = {
        k: orjson.loads(memoryview(v)) for k, v in rest.items() if k not in ("images", "categories", "annotations")
    }
    return CocoFile(path, header, top.images, top.categories, list(top.annotations))


def _lenient(path: Path, data: bytes, listed: bool, error: Exception) -> CocoFile:
    """Files with NaN or Infinity, which Python writes though JSON has none: the records that hold them are judged later."""
    try:
        content = json.loads(data)
    except json.JSONDecodeError as failure:
        raise FormatError(
            f"{path}, line {failure.lineno} column {failure.colno}: not JSON: {failure.msg}.",
            "The file is damaged or cut short; get it again.",
            path=path,
        ) from failure
    except (UnicodeDecodeError, RecursionError) as failure:
        raise FormatError(f"{path}: not JSON: {failure}.", path=path) from failure
    if listed:
        return CocoFile(path, {}, [], [], content, is_results=True)
    if not isinstance(content, dict):
        raise FormatError(f"{path}: {error}.", "This is no COCO file.", path=path)
    lists = {key: content.pop(key, []) for key in ("images", "categories", "annotations")}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise FormatError(f"{path}: {key!r} is no list of objects.", path=path) from error
    return CocoFile(path, content, lists["images"], lists["categories"], lists["annotations"])


def _index(file: CocoFile, findings: Findings) -> None:
    known = {image.get("id") for image in file.images if isinstance(image.get("id"), int | str)}
    seen: set[int | str] = set()
    decode, by_image = _KEY.decode, file.by_image
    for index, raw in enumerate(file.raw):
        try:
            key: _Key = decode(raw) if isinstance(raw, msgspec.Raw) else msgspec.convert(raw, _Key)
        except (msgspec.DecodeError, UnicodeError) as error:
            findings.bad(file.path, f"annotations[{index}]", str(error))
            continue
        if not isinstance(key, _RawKey) or len(memoryview(key.bbox)) + len(memoryview(key.segmentation)) <= 2 * _EMPTY:
            file.may_have_tags = True
        if not file.is_results:
            if key.image_id not in known:
                findings.bad(file.path, f"annotations[{index}]", f"image_id {key.image_id!r} is not among the images")
                continue
            if key.id is not None and key.id in seen:
                findings.bad(file.path, f"annotations[{index}]", f"the id {key.id!r} was used before")
                continue
            if key.id is not None:
                seen.add(key.id)
        group = by_image.get(key.image_id)
        if group is None:
            by_image[key.image_id] = [index]
        else:
            group.append(index)


def whole_number(value: Any) -> int | None:
    """An int, also when written as 3.0; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None
