"""Where an export may be written: never over the project, never over pictures, and never over a folder that is no dataset.

``--replace`` removes what stands at the target, so a slip of the hand (``.``, the folder of the pictures) must not cost more than
an earlier export. ``--merge`` with pictures would put copies or links over the pictures themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from annotator.domain import uris
from annotator.domain.records import ImageFilter
from annotator.errors import AnnotatorError, FormatError
from annotator.formats import registry
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts

ELSEWHERE = "Choose another place for the export."


def check_target(parts: Parts, path: Path, format_id: str, *, with_images: bool, replace: bool) -> None:
    """Raise ``FormatError`` where writing to ``path`` would remove or overwrite what is no export."""
    place, shown = _real(path), uris.printable(str(path))
    project = _real(parts.folder)
    if place.is_relative_to(project):
        raise FormatError(
            f"{shown} is inside the project's folder, which holds only the project.", ELSEWHERE, path=path
        )
    if not os.path.lexists(path):
        return
    if (replace or with_images or place.is_file()) and _holds_pictures(parts, place):
        what = "is one of" if place.is_file() else "holds"
        raise FormatError(f"{shown} {what} the project's pictures, which no export replaces.", ELSEWHERE, path=path)
    if not replace or not place.is_dir():
        return
    if any(kept.is_relative_to(place) for kept in (project, _real(Path.cwd()), _real(Path.home()))):
        raise FormatError(f"{shown} holds more than an export; it is not replaced.", ELSEWHERE, path=path)
    if any(place.iterdir()) and not _is_dataset(place, format_id):
        raise FormatError(
            f"{shown} holds no dataset, so it is not replaced.",
            "Choose another place, or empty it yourself.",
            path=path,
        )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _holds_pictures(parts: Parts, place: Path) -> bool:
    """Whether a picture of the project is ``place`` or lies below it."""
    view, inside = ImageView(parts), {0}
    for root in view.roots():
        folder = _real(Path(root.path))
        if folder.is_relative_to(place):
            return True
        if place.is_relative_to(folder):
            inside.add(root.id)
    images = view.many(view.ids(ImageFilter(roots=frozenset(inside))).tolist())
    return any(
        _real(view.path_of(image).parent).joinpath(view.path_of(image).name).is_relative_to(place) for image in images
    )


def _is_dataset(folder: Path, format_id: str) -> bool:
    """Whether the folder looks like an export. Folders of pictures look like ImageNet, so these count only for that format."""
    try:
        found = {each.format for each in registry.detect(folder)}
    except AnnotatorError:
        return False
    return bool(found - {"imagenet"}) or (format_id == "imagenet" and bool(found))
