"""One XML file of CVAT in the making: pictures are spooled as they pass, tracks are gathered, the head comes last."""

from __future__ import annotations

import tempfile
from pathlib import PurePosixPath
from typing import BinaryIO

from annotator.formats.cvat.elements import Elements
from annotator.formats.cvat.meta import TASKS, write_meta
from annotator.formats.cvat.reader import NO_PICTURE
from annotator.formats.cvat.tracks import Tracks
from annotator.formats.dataset import Dataset, DatasetImage
from annotator.formats.report import Tally, own
from annotator.formats.unheld import Unheld
from annotator.formats.xml_text import attributes_of

_MEMORY = 1 << 23
_MANAGED = frozenset({"id", "name", "width", "height", "outside"})
_NAME = "annotations.xml"


class Part:
    """The file of the pictures, or of the video that is ``sequence``, in its ``folder`` (ends in a slash, empty for none)."""

    def __init__(self, dataset: Dataset, unheld: Unheld, tally: Tally, sequence: str = "", folder: str = "") -> None:
        self._dataset, self._tally = dataset, tally
        self._sequence, self._folder = sequence, folder
        self._elements = Elements(dataset.labels, tally, unheld)
        self._tracks = Tracks(self._elements, tally)
        self._size = (0, 0)
        self._subsets: dict[str, int] = {}
        self.images = 0
        self.name = folder + _NAME
        self.spool: BinaryIO = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # type: ignore[assignment]  # noqa: SIM115

    def image(self, image: DatasetImage) -> str:
        """Write a picture with its annotations; returns the place of its file."""
        kept = own(image.extra, "cvat")
        foreign = {key: str(value) for key, value in kept.items() if key not in _MANAGED}
        values = {"id": str(self.images), "name": image.name, **foreign}
        if image.split:
            values["subset"] = image.split.value
            self._subsets[image.split.value] = self._subsets.get(image.split.value, 0) + 1
        if image.width and image.height:
            values |= {"width": str(image.width), "height": str(image.height)}
        lines = [f"  <image{attributes_of(values)}>\n"]
        for one in image.annotations:
            found = self._elements.shape(one, image)
            if found is not None:
                lines.append(self._elements.text(found, one, image, {"label": one.label}, "    "))
        lines.append("  </image>\n")
        self.spool.write("".join(lines).encode())
        self.images += 1
        folder = f"images/{image.split.value}/" if image.split else "images/"
        return folder + image.name

    def frame(self, image: DatasetImage) -> str:
        """Take in a frame of the video; returns the place of its file."""
        self._tracks.add(image)
        self.images += 1
        if self._size == (0, 0):
            self._size = (image.width, image.height)
        elif (image.width, image.height) != self._size:
            self._tally.converted("", "image size", "a video of CVAT has one size for all frames", image.name)
        name = NO_PICTURE.format(image.frame) + (PurePosixPath(image.name).suffix or ".png")
        if self._folder + name != image.name:
            self._tally.renamed(image.name, self._folder + name, "a frame of CVAT's video is named by its number")
        return f"{self._folder}images/{name}"

    def write(self, file: BinaryIO) -> None:
        """The whole file: head, then what was gathered."""
        if self._sequence:
            self.spool.write(self._tracks.lines().encode())
        header = own(self._dataset.extra, "cvat")
        tasks = own(header, TASKS)
        if tasks:
            header = own(tasks, self._sequence)
        meta = write_meta(
            header,
            self._dataset.labels,
            self._elements.types,
            images=self.images,
            video=self._sequence,
            size=self._size,
            subsets=self._subsets,
        )
        file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
        file.write(meta.encode())
        self.spool.seek(0)
        while block := self.spool.read(1 << 20):
            file.write(block)
        file.write(b"</annotations>\n")
