"""COCO's panoptic pictures: one PNG an image whose colours are segment ids (red + 256 green + 65,536 blue), listed in JSON.

https://cocodataset.org/#format-data, "Panoptic Segmentation". A segment becomes a mask; ``PANOPTIC`` among its foreign fields
sends it back to a panoptic file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Mask
from annotator.formats.coco.files import Record, whole_number
from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.formats.names import clean_name
from annotator.formats.report import own

PANOPTIC = "panoptic"
_FIELDS = frozenset({"id", "category_id", "area", "bbox", "iscrowd", "attributes"})
_LARGEST_ID = (1 << 24) - 1


def read_segments(
    record: Record, file: Path, size: tuple[int, int], name_of: Callable[[Record], str]
) -> list[DatasetAnnotation]:
    """The segments of an image as masks; raises ``ValueError`` that says what is wrong with the record or its picture."""
    segments = record["segments_info"]
    if not isinstance(segments, list) or not all(isinstance(each, dict) for each in segments):
        raise ValueError("segments_info is no list of objects")
    ids = _read_ids(file.with_suffix("") / clean_name(str(record.get("file_name", ""))), size)
    found = []
    for segment in segments:
        identity = whole_number(segment.get("id"))
        if identity is None or not 0 < identity <= _LARGEST_ID:
            raise ValueError(f"the segment id {segment.get('id')!r} is no whole number from 1 to {_LARGEST_ID}")
        mask = Mask.from_array(ids == identity)
        if mask is None:
            raise ValueError(f"the picture has no pixel of segment {identity}")
        attributes = segment.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise ValueError(f"the attributes of segment {identity} are no object")
        if segment.get("iscrowd") == 1:
            attributes = {**attributes, "iscrowd": True}
        foreign = {key: value for key, value in segment.items() if key not in _FIELDS}
        extra = {"coco": {**foreign, PANOPTIC: identity}}
        found.append(DatasetAnnotation(name_of(segment), mask, attributes, extra=extra))
    return found


def _read_ids(file: Path, size: tuple[int, int]) -> NDArray[np.uint32]:
    from PIL import Image

    try:
        with Image.open(file, formats=["PNG"]) as picture:
            if picture.size != size and size != (0, 0):
                raise ValueError(f"{file.name} is {picture.width} x {picture.height}, its image {size[0]} x {size[1]}")
            pixels = np.asarray(picture.convert("RGB")).astype(np.uint32)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    return np.asarray(pixels[..., 0] | pixels[..., 1] << 8 | pixels[..., 2] << 16, np.uint32)


def is_panoptic(one: DatasetAnnotation) -> bool:
    """Whether an annotation came from a panoptic picture and can go back to one."""
    return isinstance(one.geometry, Mask) and not one.suggested and PANOPTIC in own(one.extra, "coco")


def written_segments(
    image: DatasetImage, segments: Sequence[DatasetAnnotation], ids: dict[str, int]
) -> tuple[bytes, list[dict[str, Any]]]:
    """The PNG of an image and its ``segments_info``. Segments keep their ids where these are free; a later covers an earlier."""
    taken: set[int] = set()
    pixels = np.zeros((image.height, image.width), np.uint32)
    infos = []
    numbers = []
    for one in segments:
        wanted = own(one.extra, "coco").get(PANOPTIC)
        number = wanted if isinstance(wanted, int) and 0 < wanted <= _LARGEST_ID else 0
        if not number or number in taken:
            number = max((*taken, 0)) + 1
        taken.add(number)
        numbers.append(number)
        assert isinstance(one.geometry, Mask)
        pixels[one.geometry.to_full_array(image.height, image.width)] = number
    for one, number in zip(segments, numbers, strict=True):
        seen = Mask.from_array(pixels == number)
        if seen is None:
            continue
        attributes = {key: value for key, value in one.attributes.items() if key != "iscrowd"}
        foreign = {key: value for key, value in own(one.extra, "coco").items() if key != PANOPTIC}
        body = {
            "id": number,
            "category_id": ids[one.label],
            "area": seen.area,
            "bbox": [seen.x, seen.y, seen.width, seen.height],
            "iscrowd": int(one.attributes.get("iscrowd") is True),
        }
        infos.append({**foreign, **body, **({"attributes": attributes} if attributes else {})})
    return _png(pixels), infos


def _png(pixels: NDArray[np.uint32]) -> bytes:
    from PIL import Image

    channels = np.stack([pixels & 255, pixels >> 8 & 255, pixels >> 16 & 255], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(channels).save(file, "PNG", compress_level=6)
    return file.getvalue()
