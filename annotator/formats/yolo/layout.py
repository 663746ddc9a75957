"""Which pictures and label files a YOLO folder holds: data.yaml, darknet lists, or what the folders themselves say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from annotator.domain.kinds import Split
from annotator.errors import FormatError
from annotator.formats.findings import Findings
from annotator.formats.names import clean_name
from annotator.formats.peek import IMAGE_SUFFIXES, is_image_name
from annotator.formats.splits import kept_apart, split_named
from annotator.formats.yolo.spec import NAME_LISTS
from annotator.formats.yolo.tasks import KeypointShape, YoloTask

_LABEL_FOLDERS = ("labels", "Labels", "annotations", "Annotations")


@dataclass(frozen=True)
class Item:
    """One picture (``image`` may not exist) and its label file (None when there is none)."""

    name: str
    image: Path
    labels: Path | None
    split: Split | None


@dataclass(frozen=True)
class Layout:
    """``names`` maps class numbers to names; ``header`` keeps foreign keys of data.yaml.

    ``rotated``: data.yaml says ``task: obb``; ``keypoints``: its ``kpt_shape``, with the points' names where it has some.
    """

    names: dict[int, str]
    header: dict[str, Any]
    items: list[Item]
    rotated: bool = False
    keypoints: KeypointShape | None = None
    points: tuple[str, ...] = ()


def explore(folder: Path, file: Path | None, findings: Findings) -> Layout:
    """Find everything under ``folder``; ``file`` is the data.yaml if one was named. Raises ``FormatError``."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix.lower() in {*IMAGE_SUFFIXES, *_TEXTS})
    config = file or next((f for f in files if f.suffix.lower() in (".yaml", ".yml") and _names_classes(f)), None)
    lists: dict[Path, Split] = {}
    names: dict[int, str] = {}
    header: dict[str, Any] = {}
    pictures: dict[Path, Split | None] = {}
    if config is not None:
        content = load_yaml(config)
        names = _names(config, content.get("names"))
        header = {k: v for k, v in content.items() if k not in ("names", "path", "train", "val", "test", "nc")}
        if "nc" in content and content["nc"] != len(names):
            findings.tally.warn(f"{config}: nc is {content['nc']!r}, but there are {len(names)} names; the names count")
        for key in ("train", "val", "test"):
            _entries(config, content, key, files, lists, pictures)
    else:
        names = _listed_names(files, folder)
        for f in files:
            split = split_named(f.stem)
            if f.suffix == ".txt" and split and _lists_pictures(f):
                lists[f] = split
    for listed, split in lists.items():
        for line in listed.read_text("utf-8", "replace").splitlines():
            if line.strip():
                pictures.setdefault(_resolve(line, listed.parent, folder), split)
    for f in files:
        if is_image_name(f.name) and f not in pictures and config is None:
            pictures[f] = None
    known = set(files)
    items = [_item(picture, split, folder, known) for picture, split in pictures.items()]
    used = {item.labels for item in items}
    items += [_orphan(f, folder) for f in files if f.suffix == ".txt" and f not in used and _in_labels(f, folder)]
    return Layout(names, header, _apart(items, findings), *_declared(config or folder, header))


_TEXTS = frozenset({".txt", ".yaml", ".yml", ".names", ".data"})


def standing_names(config: Path) -> dict[int, str]:
    """Class names of a data.yaml whose lists are train.txt and so on; raises ``FormatError`` for another layout."""
    content = load_yaml(config)
    places = [content.get(key) for key in ("train", "val", "test") if content.get(key)]
    if any(not isinstance(place, str) or place not in ("train.txt", "val.txt", "test.txt") for place in places):
        raise FormatError(
            f"{config} is laid out in another way than this export, so the two cannot be merged.",
            "Export to a folder of its own.",
            path=config,
        )
    names = _names(config, content.get("names"))
    if list(names) != list(range(len(names))):
        raise FormatError(f"{config}: its class numbers have gaps.", "Export to a folder of its own.", path=config)
    return names


def load_yaml(config: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(config.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f", line {where.line + 1}" if where else ""
        raise FormatError(f"{config}{place}: not YAML: {getattr(error, 'problem', error)}.", path=config) from error
    if not isinstance(content, dict):
        raise FormatError(f"{config} holds no keys.", path=config)
    return content


def _declared(config: Path, header: dict[str, Any]) -> tuple[bool, KeypointShape | None, tuple[str, ...]]:
    shape = header.get("kpt_shape")
    if not shape:
        return header.get("task") == YoloTask.OBB, None, ()
    if not (isinstance(shape, list) and [type(v) for v in shape] == [int, int] and shape[0] > 0 and shape[1] in (2, 3)):
        raise FormatError(f"{config}: kpt_shape is {shape!r}, not [points, 2 or 3].", path=config)
    names = header.get("kpt_names")
    if isinstance(names, dict) and names:
        names = next(iter(names.values()))
    if not isinstance(names, list) or len(names) != shape[0]:
        names = range(1, shape[0] + 1)
    return False, KeypointShape(*shape), tuple(map(str, names))


def _names_classes(file: Path) -> bool:
    return b"names" in file.read_bytes()[:65536]


def _names(config: Path, value: Any) -> dict[int, str]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not all(isinstance(k, int) and not isinstance(k, bool) and k >= 0 for k in value):
        raise FormatError(f"{config}: names is neither a list nor numbered names.", path=config)
    names = {number: str(name) for number, name in sorted(value.items())}
    if len(set(names.values())) != len(names):
        raise FormatError(f"{config}: two classes have the same name.", "Rename one of them.", path=config)
    return names


def _listed_names(files: list[Path], folder: Path) -> dict[int, str]:
    found = [f for f in files if f.name in NAME_LISTS or f.suffix == ".names"]
    if not found:
        raise FormatError(f"{folder} has no data.yaml, obj.names or classes.txt.", "Add the class names.", path=folder)
    try:
        lines = [line.strip() for line in found[0].read_text("utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise FormatError(f"{found[0]} is not UTF-8.", path=found[0]) from error
    return _names(found[0], [line for line in lines if line])


def _entries(
    config: Path,
    content: dict[str, Any],
    key: str,
    files: list[Path],
    lists: dict[Path, Split],
    pictures: dict[Path, Split | None],
) -> None:
    """Take in what data.yaml says of a split: folders of pictures or lists of them."""
    value = content.get(key)
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if not isinstance(entry, str):
            continue
        root = content.get("path")
        bases = [config.parent / root] if isinstance(root, str) else []
        bases = [*bases, config.parent]
        places = [
            p for base in bases for p in (base / entry, base / clean_name(entry)) if "\x00" not in entry and p.exists()
        ]
        if not places:
            continue
        place = places[0]
        if place.is_file():
            lists.setdefault(place, Split(key))
            continue
        for file in files:
            if is_image_name(file.name) and file.is_relative_to(
                Path(place).resolve() if ".." in place.parts else place
            ):
                pictures.setdefault(file, Split(key))
        for labels in _label_candidates(place / "x.jpg")[:-1]:
            if labels.parent.is_dir():
                stems = {p.with_suffix("") for p in pictures}
                for text in sorted(labels.parent.rglob("*.txt")):
                    guess = place / text.relative_to(labels.parent)
                    if guess.with_suffix("") not in stems:
                        pictures.setdefault(guess, Split(key))


def _lists_pictures(file: Path) -> bool:
    lines = file.read_text("utf-8", "replace").splitlines()
    return bool(lines) and all(is_image_name(line.strip()) for line in lines if line.strip())


def _resolve(line: str, beside: Path, folder: Path) -> Path:
    """The picture of a list's line: relative to the list, or by the longest end of the path that exists below."""
    name = clean_name(line)
    parts = PurePosixPath(name).parts
    for base in (beside, folder):
        for skipped in range(len(parts)):
            candidate = base.joinpath(*parts[skipped:])
            if candidate.is_file() or any(c.is_file() for c in _label_candidates(candidate)):
                return candidate
    return beside / name


def _label_candidates(image: Path) -> list[Path]:
    found = []
    parts = image.parts
    places = [i for i, part in enumerate(parts[:-1]) if part.lower() == "images"]
    for place in reversed(places):
        for folder in _LABEL_FOLDERS:
            found.append(Path(*parts[:place], folder, *parts[place + 1 :]).with_suffix(".txt"))
    return [*found, image.with_suffix(".txt")]


def _item(picture: Path, split: Split | None, folder: Path, known: set[Path]) -> Item:
    labels = next((c for c in _label_candidates(picture) if c in known), None)
    relative = PurePosixPath(picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else picture.name)
    name, guessed = _short(relative)
    return Item(name, picture, labels, split or guessed)


def _orphan(labels: Path, folder: Path) -> Item:
    name, split = _short(PurePosixPath(labels.relative_to(folder).as_posix()))
    return Item(name, labels, labels, split)


def _in_labels(file: Path, folder: Path) -> bool:
    return any(part in _LABEL_FOLDERS for part in file.relative_to(folder).parts[:-1])


def _short(relative: PurePosixPath) -> tuple[str, Split | None]:
    """The name below the image folder, and the split that the folders tell: images/train/x or train/images/x."""
    parts = list(relative.parts)
    split = None
    if len(parts) > 1 and parts[0].lower() in ("images", "labels", "annotations"):
        parts = parts[1:]
        if len(parts) > 1 and (split := split_named(parts[0])):
            parts = parts[1:]
    elif len(parts) > 1 and (split := split_named(parts[0])):
        parts = parts[1:]
        if len(parts) > 1 and parts[0].lower() in ("images", "labels"):
            parts = parts[1:]
    elif len(parts) > 1 and parts[0].startswith("obj_") and parts[0].endswith("_data"):
        split = split_named(parts[0][4:-5])
        parts = parts[1:]
    return "/".join(parts), split


def _apart(items: list[Item], findings: Findings) -> list[Item]:
    """Names that are in several splits get the split in front."""
    names = kept_apart([(item.name, item.split) for item in items], findings.tally)
    return [replace(item, name=name) for item, name in zip(items, names, strict=True)]
