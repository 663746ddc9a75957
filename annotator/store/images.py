"""Images and the folders they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, insert, select, update

from annotator.domain.kinds import ImageState, Split, Task
from annotator.domain.records import Image, ImageFilter, now
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store import counters
from annotator.store.id_arrays import among, chunks, id_array, sorted_once
from annotator.store.image_filter import ImageOrder, carriers, conditions, lacking, ordered, own_conditions, search_text
from annotator.store.ledger import Ledger
from annotator.store.tables import DoneRow, ImageRow, RootRow
from annotator.store.tallies import Tallies
from annotator.store.types import dump_mapping, load_mapping

_INSERT_CHUNK = 2_000
_MANY = 20_000
"""From so many ids on, reading a column of all images costs less than asking for these."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that images were added from; root 0 has the empty path."""

    id: int
    path: str


class Unread(StrEnum):
    """What a scan reads from the files after it has listed them."""

    SIZE = "size"
    HASH = "hash"


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image that a scan or an import found. ``mtime`` in nanoseconds."""

    uri: str
    root_id: int = 0
    size: int = 0
    mtime: int = 0
    width: int = 0
    height: int = 0
    orientation: int = 1
    bit_depth: int = 8
    channels: int = 3
    sequence: str = ""
    frame: int = 0
    split: Split | None = None
    state: ImageState = ImageState.NEW
    reason: str = ""
    content_hash: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


_COLUMNS = (
    ImageRow.id,
    ImageRow.uri,
    ImageRow.root_id,
    ImageRow.content_hash,
    ImageRow.width,
    ImageRow.height,
    ImageRow.orientation,
    ImageRow.bit_depth,
    ImageRow.channels,
    ImageRow.sequence,
    ImageRow.frame,
    ImageRow.split,
    ImageRow.state,
    ImageRow.reason,
    ImageRow.flagged,
    ImageRow.note,
    ImageRow.added_at,
    ImageRow.extra,
)

_BY_ID = select(*_COLUMNS).where(ImageRow.id == bindparam("image"))
_BY_IDS = select(*_COLUMNS).where(ImageRow.id.in_(bindparam("ids", expanding=True)))
_SUGGESTIONS = select(ImageRow.id, ImageRow.suggestions).where(ImageRow.id.in_(bindparam("ids", expanding=True)))
_DONE = select(DoneRow.task).where(DoneRow.image_id == bindparam("image"))


def _record(row: Any) -> Image:
    split, state = row[11], row[12]
    values = (
        *row[:11],
        Split(split) if split else None,
        ImageState(state),
        row[13],
        bool(row[14]),
        row[15],
        row[16],
        load_mapping(row[17]),
    )
    return Image(*values)


class ImageReads:
    """Reads of images and roots."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, image_id: int) -> Image:
        """The image; raises ``StoreError`` when there is none."""
        row = self._connection.execute(_BY_ID, {"image": image_id}).first()
        if row is None:
            raise StoreError(f"The project has no image number {image_id}.")
        return _record(row)

    def many(self, ids: Iterable[int]) -> list[Image]:
        """The images in the order of ``ids``; ids that do not exist are left out."""
        wanted = [int(i) for i in ids]
        found: dict[int, Image] = {}
        for chunk in chunks(wanted):
            for row in self._connection.execute(_BY_IDS, {"ids": chunk}):
                found[row[0]] = _record(row)
        return [found[i] for i in wanted if i in found]

    def by_uri(self, uri: str, root_id: int = 0) -> Image | None:
        """The image at ``uri`` of a root, if it is known."""
        query = select(*_COLUMNS).where(ImageRow.root_id == root_id, ImageRow.uri == uri)
        row = self._connection.execute(query).first()
        return None if row is None else _record(row)

    def by_hash(self, content_hash: str) -> list[Image]:
        """All images whose bytes have this hash: copies of each other, or one that has moved."""
        query = select(*_COLUMNS).where(ImageRow.content_hash == content_hash).order_by(ImageRow.id)
        return [_record(row) for row in self._connection.execute(query)]

    def ids(self, chosen: ImageFilter | None = None, order: ImageOrder = ImageOrder.ADDED) -> NDArray[np.int64]:
        """The ids of the images that pass ``chosen``, in ``order``, as an int64 array.

        What images carry is looked up by itself and the ids intersected here: half the time of a join of 100,000 rows.
        """
        chosen = chosen or ImageFilter()
        own, lacked = own_conditions(chosen), lacking(chosen)
        carrying = [id_array(self._connection, query) for query in carriers(chosen)]
        if order is not ImageOrder.ADDED:
            found = id_array(self._connection, ordered(select(ImageRow.id).where(*own), order))
        elif own or not carrying:
            found = sorted_once(id_array(self._connection, select(ImageRow.id).where(*own)))
        else:
            found = sorted_once(carrying.pop())
        for each in carrying:
            found = found[among(each, found)]
        return found if lacked is None else found[~among(id_array(self._connection, lacked), found)]

    def passing(self, ids: Iterable[int], chosen: ImageFilter) -> NDArray[np.int64]:
        """Those of ``ids`` whose images pass ``chosen``, ascending within every few hundred."""
        query = select(ImageRow.id).where(*conditions(chosen)).order_by(ImageRow.id)
        parts = [id_array(self._connection, query.where(ImageRow.id.in_(chunk))) for chunk in chunks(ids)]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def count(self) -> int:
        """How many images there are."""
        return counters.Counters(self._connection).total(counters.IMAGE_STATE)

    def shown_counts(self, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
        """For each image how many annotations and how many open suggestions it shows."""
        wanted = [int(i) for i in ids]
        drawn = Tallies(self._connection).annotations_on(wanted)
        return {image: (drawn.get(image, 0), number) for image, number in self.open_on(wanted).items()}

    def open_on(self, ids: Iterable[int]) -> dict[int, int]:
        """For each image how many open suggestions with rows it has."""
        found: dict[int, int] = {}
        for chunk in chunks(int(i) for i in ids):
            found.update((row[0], row[1]) for row in self._connection.execute(_SUGGESTIONS, {"ids": chunk}))
        return found

    def problems(self) -> list[Image]:
        """Missing and unreadable images with their reasons."""
        bad = (ImageState.MISSING.value, ImageState.UNREADABLE.value)
        query = select(*_COLUMNS).where(ImageRow.state.in_(bad)).order_by(ImageRow.id)
        return [_record(row) for row in self._connection.execute(query)]

    def done(self, image_id: int) -> frozenset[Task]:
        """The tasks for which a person has said that the image is complete."""
        return frozenset(Task(task) for task in self._connection.execute(_DONE, {"image": image_id}).scalars())

    def done_many(self, ids: Iterable[int]) -> dict[int, frozenset[Task]]:
        """For each image the tasks that are done; images without any are left out."""
        found: dict[int, set[Task]] = {}
        for chunk in chunks(int(i) for i in ids):
            query = select(DoneRow.image_id, DoneRow.task).where(DoneRow.image_id.in_(chunk))
            for row in self._connection.execute(query):
                found.setdefault(row[0], set()).add(Task(row[1]))
        return {image: frozenset(tasks) for image, tasks in found.items()}

    def sizes(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n, 2) width and height in pixels of ``ids``; 0 where a file has not been probed or an id is unknown."""
        query = select(ImageRow.id, ImageRow.width, ImageRow.height)
        wanted = np.unique(np.asarray(ids, np.int64))
        many = len(wanted) > _MANY
        parts = [query] if many else [query.where(ImageRow.id.in_(chunk)) for chunk in chunks(wanted.tolist())]
        rows = [tuple(row) for part in parts for row in self._connection.execute(part)]
        known = np.asarray(rows, np.int64).reshape(-1, 3)
        known = known[np.argsort(known[:, 0], kind="stable")]
        if not len(known):
            return np.zeros((len(ids), 2), np.int64)
        at = np.minimum(np.searchsorted(known[:, 0], ids), len(known) - 1)
        return np.where((known[at, 0] == ids)[:, None], known[at, 1:], 0)

    def for_splitting(self) -> list[tuple[int, int, str, str, str, str]]:
        """(id, root id, uri, split or "", sequence, content hash) of every image that is there, in the order of adding."""
        row = ImageRow
        query = select(row.id, row.root_id, row.uri, row.split, row.sequence, row.content_hash).order_by(row.id)
        bad = (ImageState.MISSING.value, ImageState.UNREADABLE.value)
        return [
            (r[0], r[1], r[2], r[3], r[4], r[5]) for r in self._connection.execute(query.where(row.state.not_in(bad)))
        ]

    def done_ids(self, task: Task) -> NDArray[np.int64]:
        """The ids of the images that are done for ``task``, ascending."""
        return id_array(
            self._connection, select(DoneRow.image_id).where(DoneRow.task == task.value).order_by(DoneRow.image_id)
        )

    def known(self, root_id: int, uris: Iterable[str] | None = None) -> dict[str, tuple[int, int, int]]:
        """For each URI of a root (or those of ``uris`` that it has) its image id, file size and modification time in ns."""
        query = select(ImageRow.uri, ImageRow.id, ImageRow.file_size, ImageRow.file_mtime)
        query = query.where(ImageRow.root_id == root_id)
        parts = [query] if uris is None else [query.where(ImageRow.uri.in_(chunk)) for chunk in chunks(uris)]
        return {row[0]: (row[1], row[2], row[3]) for part in parts for row in self._connection.execute(part)}

    def stamps(self, ids: Iterable[int]) -> dict[int, tuple[int, int]]:
        """For each image its file's size and modification time in nanoseconds."""
        query = select(ImageRow.id, ImageRow.file_size, ImageRow.file_mtime)
        parts = (query.where(ImageRow.id.in_(chunk)) for chunk in chunks(ids))
        return {row[0]: (row[1], row[2]) for part in parts for row in self._connection.execute(part)}

    def unread(self, what: Unread) -> NDArray[np.int64]:
        """The ids of the images that are there but of whose file ``what`` is not known, ascending."""
        condition = ImageRow.width == 0 if what is Unread.SIZE else ImageRow.content_hash == ""
        bad = (ImageState.MISSING.value, ImageState.UNREADABLE.value)
        return id_array(
            self._connection, select(ImageRow.id).where(condition, ImageRow.state.not_in(bad)).order_by(ImageRow.id)
        )

    def roots(self) -> tuple[Root, ...]:
        """The folders that images were added from, without root 0."""
        query = select(RootRow.id, RootRow.path).where(RootRow.id != 0).order_by(RootRow.id)
        return tuple(Root(*row) for row in self._connection.execute(query))


class ImageWrites(ImageReads):
    """Reads and writes of images and roots."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def add_root(self, path: str) -> int:
        """The id of the root at ``path``, made when it is new."""
        found = self._connection.execute(select(RootRow.id).where(RootRow.path == path)).scalar_one_or_none()
        if found is not None:
            return found
        self._ledger.note(Table.IMAGE)
        row = {"path": path, "added_at": now()}
        return int(self._connection.execute(insert(RootRow).returning(RootRow.id), row).scalar_one())

    def move_root(self, root_id: int, path: str) -> None:
        """The folder of a root is somewhere else now: all its images follow."""
        self._connection.execute(update(RootRow).where(RootRow.id == root_id).values(path=path))
        self._ledger.note(Table.IMAGE, everything=True)

    def add_many(self, images: Iterable[NewImage]) -> NDArray[np.int64]:
        """Add the images that are not known yet; returns the new ids in order. Known ones (same root and URI) are left alone."""
        added: list[int] = []
        moment = now()
        for chunk in chunks(images, _INSERT_CHUNK):
            fresh = list({(i.root_id, i.uri): i for i in chunk}.values())
            known = self._known_pairs(fresh)
            rows = [_row(i, moment) for i in fresh if (i.root_id, i.uri) not in known]
            if rows:
                before = self._connection.execute(select(func.coalesce(func.max(ImageRow.id), 0))).scalar_one()
                self._connection.execute(insert(ImageRow), rows)
                added.extend(
                    id_array(
                        self._connection, select(ImageRow.id).where(ImageRow.id > before).order_by(ImageRow.id)
                    ).tolist()
                )
                for scope, column in ((counters.IMAGE_STATE, "state"), (counters.IMAGE_SPLIT, "split")):
                    for key, number in Counter(row[column] for row in rows).items():
                        self._ledger.count(scope, key, number)
        if added:
            self._ledger.note(Table.IMAGE, images=added)
        return np.asarray(added, dtype=np.int64)

    def _known_pairs(self, images: Sequence[NewImage]) -> set[tuple[int, str]]:
        known: set[tuple[int, str]] = set()
        by_root: dict[int, list[str]] = {}
        for image in images:
            by_root.setdefault(image.root_id, []).append(image.uri)
        for root_id, uris in by_root.items():
            for chunk in chunks(uris):
                query = select(ImageRow.uri).where(ImageRow.root_id == root_id, ImageRow.uri.in_(chunk))
                known.update((root_id, uri) for uri in self._connection.execute(query).scalars())
        return known

    def set_info(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """What reading the files told: mappings with ``id`` and any of width, height, orientation, bit_depth, channels,
        content_hash, sequence, frame, file_size, file_mtime (all rows the same keys)."""
        data = [{("image_id" if key == "id" else key): value for key, value in row.items()} for row in rows]
        if not data:
            return
        names = sorted(set(data[0]) - {"image_id"})
        statement = update(ImageRow).where(ImageRow.id == bindparam("image_id"))
        self._connection.execute(statement.values({name: bindparam(name) for name in names}), data)
        self._ledger.note(Table.IMAGE, images=(row["image_id"] for row in data))

    def set_metadata(self, rows: Mapping[int, Mapping[str, Any]]) -> None:
        """What is remembered of images beside what we know ourselves, by image id; replaces what was remembered before."""
        if rows:
            data = [{"image_id": key, "value": dump_mapping(value)} for key, value in rows.items()]
            statement = update(ImageRow).where(ImageRow.id == bindparam("image_id"))
            self._connection.execute(statement.values({"extra": bindparam("value")}), data)
            self._ledger.note(Table.IMAGE, images=rows)

    def set_state(self, ids: Iterable[int], state: ImageState, reason: str = "") -> None:
        """Set the state of images outside the history, as jobs do for missing and unreadable files."""
        self._set_counted(ids, "state", state.value, counters.IMAGE_STATE, reason=reason)

    def set_split(self, ids: Iterable[int], split: Split | None) -> None:
        """Set the split of images outside the history, as imports do."""
        self._set_counted(ids, "split", split.value if split else "", counters.IMAGE_SPLIT)

    def set_flag(self, ids: Iterable[int], flagged: bool) -> None:
        """Flag images outside the history."""
        self._set_counted(ids, "flagged", flagged, counters.IMAGE_FLAGGED)

    def set_note(self, image_id: int, note: str) -> None:
        """Set the note of an image outside the history."""
        self._connection.execute(update(ImageRow).where(ImageRow.id == image_id).values(note=note))
        self._ledger.note(Table.IMAGE, images=(image_id,))

    def set_done(self, ids: Iterable[int], task: Task, done: bool = True) -> None:
        """Say outside the history that images are complete for ``task``, as imports do."""
        for chunk in chunks(int(i) for i in ids):
            query = select(DoneRow.image_id).where(DoneRow.task == task.value, DoneRow.image_id.in_(chunk))
            there = set(self._connection.execute(query).scalars())
            if done:
                rows = [{"image_id": i, "task": task.value} for i in dict.fromkeys(chunk) if i not in there]
                if rows:
                    self._connection.execute(insert(DoneRow), rows)
                self._ledger.count(counters.DONE, task.value, len(rows))
            elif there:
                table = DoneRow.__table__
                self._connection.execute(
                    table.delete().where(DoneRow.task == task.value, DoneRow.image_id.in_(sorted(there)))  # type: ignore[attr-defined]
                )
                self._ledger.count(counters.DONE, task.value, -len(there))
            self._ledger.note(Table.IMAGE, images=chunk)

    def relink(self, image_id: int, uri: str, root_id: int) -> None:
        """The image's file is somewhere else now; it is no longer missing."""
        values = {"uri": uri, "root_id": root_id, "search": search_text(uri)}
        self._connection.execute(update(ImageRow).where(ImageRow.id == image_id).values(values))
        if self.get(image_id).state is ImageState.MISSING:
            self.set_state((image_id,), ImageState.NEW)
        self._ledger.note(Table.IMAGE, images=(image_id,))

    def _set_counted(self, ids: Iterable[int], column: str, value: Any, scope: str, **also: Any) -> None:
        attribute = getattr(ImageRow, column)
        for chunk in chunks(int(i) for i in ids):
            query = select(attribute, func.count()).where(ImageRow.id.in_(chunk)).group_by(attribute)
            for old, number in self._connection.execute(query):
                self.count_change(scope, old, -number)
                self.count_change(scope, value, number)
            self._connection.execute(update(ImageRow).where(ImageRow.id.in_(chunk)).values({column: value, **also}))
            self._ledger.note(Table.IMAGE, images=chunk)

    def count_change(self, scope: str, value: Any, difference: int) -> None:
        """Count ``difference`` more images whose counted field has ``value`` (only the flagged ones are counted as such)."""
        if scope != counters.IMAGE_FLAGGED:
            self._ledger.count(scope, value, difference)
        elif value:
            self._ledger.count(scope, "1", difference)


def _row(image: NewImage, moment: str) -> dict[str, Any]:
    return {
        "root_id": image.root_id,
        "state": image.state.value,
        "split": image.split.value if image.split else "",
        "flagged": False,
        "width": image.width,
        "height": image.height,
        "orientation": image.orientation,
        "bit_depth": image.bit_depth,
        "channels": image.channels,
        "frame": image.frame,
        "file_size": image.size,
        "file_mtime": image.mtime,
        "uri": image.uri,
        "search": search_text(image.uri),
        "sequence": image.sequence,
        "content_hash": image.content_hash,
        "reason": image.reason,
        "note": "",
        "added_at": moment,
        "metadata": dump_mapping(image.metadata),
    }
