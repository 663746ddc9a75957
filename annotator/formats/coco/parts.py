"""One COCO file in the making: lines go to spools while images pass, ids that nobody gave are filled in at the end.

Spool lines of annotations are ``id TAB image TAB body``: a foreign id stays, ``-`` asks for a new one above all kept ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import orjson

_MEMORY = 1 << 23


def dump(value: Any) -> bytes:
    """Compact JSON; NumPy scalars are written as numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


class Ids:
    """Foreign ids that are kept (each once), and fresh ones above them."""

    def __init__(self) -> None:
        self._taken: set[Any] = set()

    def claim(self, wanted: Any) -> Any | None:
        """The foreign id if it is one and free, else None."""
        if isinstance(wanted, bool) or not isinstance(wanted, int | str) or wanted in self._taken:
            return None
        self._taken.add(wanted)
        return wanted

    @property
    def highest(self) -> int:
        """The largest whole number claimed, 0 when there is none."""
        return max((i for i in self._taken if isinstance(i, int)), default=0)


class ImageIds:
    """Ids of images: foreign ones are unique within a split, fresh ones within the export and the same in all its files.

    A reference is the id as JSON, or ``?n`` for the n-th image that gets a fresh one when all have passed.
    """

    def __init__(self) -> None:
        self._ids: dict[Any, Ids] = {}
        self._fresh = 0

    def reference(self, wanted: Any, split: Any) -> bytes:
        identity = self._ids.setdefault(split, Ids()).claim(wanted)
        if identity is not None:
            return dump(identity)
        self._fresh += 1
        return b"?%d" % self._fresh

    def resolver(self) -> Callable[[bytes], bytes]:
        """Turns references into ids; call it after the last reference was given."""
        base = max((ids.highest for ids in self._ids.values()), default=0)
        return lambda reference: b"%d" % (base + int(reference[1:])) if reference[:1] == b"?" else reference


class CocoPart:
    """Images and annotations of one file."""

    def __init__(self) -> None:
        self._images: BinaryIO = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # type: ignore[assignment]  # noqa: SIM115
        self._annotations: BinaryIO = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # type: ignore[assignment]  # noqa: SIM115
        self._ids = Ids()
        self._nameless = 0
        self.labels: set[str] = set()

    @property
    def highest(self) -> int:
        """The largest whole id that was kept."""
        return self._ids.highest

    def add_image(self, reference: bytes, body: dict[str, Any]) -> None:
        """Add an image under its reference."""
        self._images.write(reference + b"\t" + dump(body) + b"\n")

    def add_annotation(self, wanted: Any, image: bytes, body: dict[str, Any]) -> bool:
        """Add an annotation; False when its foreign id could not be kept."""
        identity = self._ids.claim(wanted)
        self._nameless += identity is None
        self._annotations.write(
            (b"-" if identity is None else dump(identity)) + b"\t" + image + b"\t" + dump(body) + b"\n"
        )
        return identity is not None or wanted is None

    def write(
        self,
        file: BinaryIO,
        resolve: Callable[[bytes], bytes],
        header: dict[str, Any],
        categories: Iterable[dict[str, Any]] | None,
        *,
        with_ids: bool = True,
        above: int = 0,
    ) -> int:
        """The whole file; without ``categories`` (captions have none) it has no such list, panoptic annotations have no ids.

        New ids are ``above`` that of all files, so that none stands for two annotations; returns the last one.
        """
        start = dump(header)[:-1]
        file.write(start + (b",\n" if len(start) > 1 else b""))
        file.write(b'"images": [')
        self._images.seek(0)
        between = b"\n"
        for line in self._images:
            identity, _, body = line.partition(b"\t")
            file.write(between + b'{"id":' + resolve(identity) + b"," + body[1:-1])
            between = b",\n"
        file.write(b'],\n"annotations": [')
        self._write_annotations(file, resolve, with_ids=with_ids, above=above)
        file.write(b"]")
        if categories is not None:
            file.write(b',\n"categories": [\n' + b",\n".join(map(dump, categories)) + b"]")
        file.write(b"}\n")
        return above + (self._nameless if with_ids else 0)

    def write_list(self, file: BinaryIO, resolve: Callable[[bytes], bytes]) -> None:
        """The annotations alone, without ids: a results list."""
        file.write(b"[")
        self._write_annotations(file, resolve, with_ids=False)
        file.write(b"]\n")

    def close(self) -> None:
        """Give the spools back."""
        self._images.close()
        self._annotations.close()

    def _write_annotations(
        self, file: BinaryIO, resolve: Callable[[bytes], bytes], *, with_ids: bool, above: int = 0
    ) -> None:
        self._annotations.seek(0)
        fresh = above
        between = b"\n"
        for line in self._annotations:
            identity, image, body = line.split(b"\t", 2)
            if image[:1] == b"?":
                image = resolve(image)
            start = b'{"image_id":'
            if with_ids:
                if identity == b"-":
                    fresh += 1
                    identity = b"%d" % fresh
                start = b'{"id":' + identity + b',"image_id":'
            file.write(between + start + image + b"," + body[1:-1])
            between = b",\n"
