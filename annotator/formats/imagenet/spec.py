"""What folders named by labels hold, and how they are recognised."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek, is_image_name
from annotator.formats.spec import Field, FormatSpec
from annotator.formats.splits import split_named

_NO_LABELS = frozenset(
    {"images", "labels", "annotations", "jpegimages", "imagesets", "segmentationclass", "segmentationobject"}
)
_SHOWN = 5


def label_folder(name: str) -> tuple[str, str]:
    """(split folder, label) of a picture's path; the label is empty when no folder names one."""
    folders = PurePosixPath(name).parts[:-1]
    split = folders[0] if folders and split_named(folders[0]) else ""
    rest = folders[1:] if split else folders
    return split, rest[0] if rest else ""


def detect(peek: Peek) -> str | None:
    """Pictures in folders, and nothing that looks like the annotations of another format."""
    if peek.of(".json", ".xml", ".yaml", ".yml", ".csv", ".tsv", ".names"):
        return None
    pictures = [name for name in peek.names if is_image_name(name)]
    stems = {str(PurePosixPath(name).with_suffix("")) for name in pictures}
    if not pictures or any(str(PurePosixPath(text).with_suffix("")) in stems for text in peek.of(".txt")):
        return None
    places = {PurePosixPath(name).parent for name in pictures} | {PurePosixPath()}
    if any(PurePosixPath(text).parent not in places for text in peek.of(".txt", ".ini")):
        return None
    labels = {label_folder(name)[1] for name in pictures}
    if "" in labels or {label.lower() for label in labels} & _NO_LABELS:
        return None
    shown = sorted(labels)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"pictures lie in folders named {', '.join(shown[:_SHOWN])}{more}"


SPEC = FormatSpec(
    id="imagenet",
    title="ImageNet folders",
    package="annotator.formats.imagenet",
    detect=detect,
    kinds=frozenset({GeometryKind.TAG}),
    fields=frozenset({Field.SPLIT}),
    single_tag=True,
    needs_images=True,
    image_names=("cat/a.jpg", "cat/sub/a.jpg", "cat/sub dir/a.jpg", "cat/b'c.png", "cat/e\u0301.jpg", "cat/\u00e9.jpg"),
)
