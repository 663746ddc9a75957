"""Annotations: read by image or streamed for export, written singly, in bulk and by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from annotator.domain.geometry import Bounds, GeometryKind
from annotator.domain.kinds import Source
from annotator.domain.page import annotation_order
from annotator.domain.records import Annotation
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store import counters
from annotator.store.bulk import insert_rows
from annotator.store.id_arrays import chunks
from annotator.store.ledger import Ledger
from annotator.store.tables import AnnotationRow
from annotator.store.tallies import Tallies, differences
from annotator.store.types import dump_geometry, dump_mapping, load_geometry, load_mapping
from annotator.store.visibility import annotation_visible

Ownership: TypeAlias = dict[UUID, tuple[UUID | None, UUID | None]]
"""For annotations that belong to batches, the batch that added and the one that removed them."""

_INSERT_CHUNK = 5_000
_SOURCES = {source.value: source for source in Source}

COLUMNS = (
    AnnotationRow.id,
    AnnotationRow.image_id,
    AnnotationRow.label_id,
    AnnotationRow.geometry,
    AnnotationRow.runs,
    AnnotationRow.attributes,
    AnnotationRow.track_id,
    AnnotationRow.z_order,
    AnnotationRow.annotator,
    AnnotationRow.created_at,
    AnnotationRow.updated_at,
    AnnotationRow.extra,
    AnnotationRow.suggestion_id,
    AnnotationRow.source,
    AnnotationRow.certificate_id,
    AnnotationRow.locked,
    AnnotationRow.hidden,
)


_TAGS_ON = (
    select(AnnotationRow.image_id, AnnotationRow.label_id)
    .where(AnnotationRow.image_id.in_(bindparam("ids", expanding=True)), annotation_visible())
    .where(AnnotationRow.kind == literal_column("'tag'"))  # as in the index
    .order_by(AnnotationRow.image_id, AnnotationRow.created_at, AnnotationRow.id)
)


def record(row: Any) -> Annotation:
    """The annotation of a row of ``COLUMNS``."""
    values = (
        row[0],
        row[1],
        row[2],
        load_geometry(row[3], row[4]),
        load_mapping(row[5]),
        *row[6:11],
        load_mapping(row[11]),
        row[12],
        _SOURCES[row[13]],
        row[14],
        bool(row[15]),
        bool(row[16]),
    )
    return Annotation(*values)


class AnnotationReads:
    """Reads of annotations in force."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, annotation_id: UUID) -> Annotation | None:
        """The annotation, or None when there is none in force."""
        query = select(*COLUMNS).where(AnnotationRow.id == annotation_id, annotation_visible())
        row = self._connection.execute(query).first()
        return None if row is None else record(row)

    def for_image(self, image_id: int) -> tuple[Annotation, ...]:
        """The annotations of one image in drawing order."""
        return self.for_images((image_id,)).get(image_id, ())

    def for_images(self, image_ids: Iterable[int]) -> dict[int, tuple[Annotation, ...]]:
        """The annotations of several images in drawing order; images without any are left out."""
        found: dict[int, list[Annotation]] = {}
        for chunk in chunks(int(i) for i in image_ids):
            query = select(*COLUMNS).where(AnnotationRow.image_id.in_(chunk), annotation_visible())
            for row in self._connection.execute(query):
                found.setdefault(row[1], []).append(record(row))
        return {image: tuple(sorted(each, key=annotation_order)) for image, each in found.items()}

    def iterate(self, image_ids: Iterable[int], page: int = 500) -> Iterator[tuple[int, tuple[Annotation, ...]]]:
        """Each image of ``image_ids`` in that order with its annotations, reading ``page`` images at a time."""
        for chunk in chunks((int(i) for i in image_ids), page):
            found = self.for_images(chunk)
            for image_id in chunk:
                yield image_id, found.get(image_id, ())

    def of_label(self, label_id: int, limit: int | None = None) -> list[Annotation]:
        """The annotations of a label in image order, e.g. for the Review wall."""
        query = select(*COLUMNS).where(AnnotationRow.label_id == label_id, annotation_visible())
        query = query.order_by(AnnotationRow.image_id, AnnotationRow.created_at).limit(limit)
        return [record(row) for row in self._connection.execute(query)]

    def latest(self, kind: GeometryKind, limit: int, label_id: int | None = None) -> list[Annotation]:
        """The annotations of a geometry kind (and of a label) that were changed last, the newest first."""
        query = select(*COLUMNS).where(AnnotationRow.kind == kind.value, annotation_visible())
        if label_id is not None:
            query = query.where(AnnotationRow.label_id == label_id)
        query = query.order_by(AnnotationRow.updated_at.desc(), AnnotationRow.id).limit(limit)
        return [record(row) for row in self._connection.execute(query)]

    def labels_of_kind(self, kind: str, sources: Iterable[Source] = tuple(Source)) -> list[tuple[int, int, str]]:
        """(image id, label id, source) of all annotations of a geometry kind, without their geometry: what training reads."""
        query = (
            select(AnnotationRow.image_id, AnnotationRow.label_id, AnnotationRow.source)
            .where(AnnotationRow.kind == kind, annotation_visible())
            .where(AnnotationRow.source.in_([source.value for source in sources]))
            .order_by(AnnotationRow.image_id, AnnotationRow.created_at, AnnotationRow.id)
        )
        return [(row[0], row[1], row[2]) for row in self._connection.execute(query)]

    def labels_on(self) -> list[tuple[int, int]]:
        """(image id, label id) of all annotations, each pair once."""
        row = AnnotationRow
        query = (
            select(row.image_id, row.label_id)
            .where(annotation_visible())
            .distinct()
            .order_by(row.image_id, row.label_id)
        )
        return [(found[0], found[1]) for found in self._connection.execute(query)]

    def images_with(self, kinds: Iterable[GeometryKind]) -> NDArray[np.int64]:
        """The ids of the images that carry an annotation of one of ``kinds``, ascending."""
        query = (
            select(AnnotationRow.image_id)
            .where(AnnotationRow.kind.in_([kind.value for kind in kinds]), annotation_visible())
            .distinct()
            .order_by(AnnotationRow.image_id)
        )
        return np.fromiter(self._connection.execute(query).scalars(), np.int64)

    def bounds_on(self, image_ids: Iterable[int], kinds: Iterable[GeometryKind]) -> list[tuple[int, int, Bounds]]:
        """(image id, label id, bounds) of the annotations of ``kinds`` on some images: what a detector learns from."""
        row, wanted = AnnotationRow, [kind.value for kind in kinds]
        found: list[tuple[int, int, Bounds]] = []
        for chunk in chunks(int(i) for i in image_ids):
            query = select(row.image_id, row.label_id, row.x1, row.y1, row.x2, row.y2).where(
                row.image_id.in_(chunk), row.kind.in_(wanted), row.x1.is_not(None), annotation_visible()
            )
            found += [(r[0], r[1], _bounds(r[2:6])) for r in self._connection.execute(query)]
        return found

    def any_of(self, kinds: Iterable[GeometryKind]) -> bool:
        """Whether any annotation of one of ``kinds`` is in force."""
        query = select(AnnotationRow.id).where(AnnotationRow.kind.in_([kind.value for kind in kinds]))
        return self._connection.execute(query.where(annotation_visible()).limit(1)).first() is not None

    def tags_on(self, image_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """The labels of the tags on each of some images, in the order in which they were given; untagged ones are left out."""
        found: dict[int, tuple[int, ...]] = {}
        for chunk in chunks(int(i) for i in image_ids):
            for image_id, label_id in self._connection.execute(_TAGS_ON, {"ids": chunk}):
                found[image_id] = (*found.get(image_id, ()), label_id)
        return found

    def first_answers(self) -> list[str]:
        """When each image that has annotations got its first, in the order of time."""
        moment = func.min(AnnotationRow.created_at)
        query = select(moment).where(annotation_visible()).group_by(AnnotationRow.image_id).order_by(moment)
        return list(self._connection.execute(query).scalars())

    def certified(self) -> list[tuple[int, int]]:
        """(image id, certificate id) of all annotations that stand under a certificate."""
        query = select(AnnotationRow.image_id, AnnotationRow.certificate_id)
        query = query.where(AnnotationRow.certificate_id.is_not(None), annotation_visible())
        return [(row[0], row[1] or 0) for row in self._connection.execute(query)]


class AnnotationWrites(AnnotationReads):
    """Reads and writes of annotations. A person's go through edits; ``add_many`` alone serves imports."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def add_many(
        self,
        annotations: Iterable[Annotation],
        *,
        batch: UUID | None = None,
        ownership: Mapping[UUID, Any] | None = None,
    ) -> int:
        """Add annotations, as part of ``batch`` when one is given; returns how many."""
        owners, total = ownership or {}, 0
        for chunk in chunks(annotations, _INSERT_CHUNK):
            rows = [_row(annotation) for annotation in chunk]
            for row in rows:
                row["added_by"], row["removed_by"] = owners.get(row["id"], (batch, None))
            insert_rows(self._connection, AnnotationRow, rows)
            self._counted(chunk, 1)
            total += len(rows)
        return total

    def update_many(self, changes: Iterable[tuple[Annotation, Annotation]]) -> None:
        """Replace annotations. Raises ``StoreError`` when one is gone or was changed since ``before`` was read."""
        pairs = list(changes)
        if not pairs:
            return
        rows = []
        for before, after in pairs:
            row = _row(after)
            row["key"], row["known_at"] = row.pop("id"), before.updated_at
            rows.append(row)
            if before.label_id != after.label_id:
                self._ledger.count(counters.ANNOTATION_LABEL, before.label_id, -1)
                self._ledger.count(counters.ANNOTATION_LABEL, after.label_id, 1)
        changed = [(b, a) for b, a in pairs if (b.annotator, b.attributes) != (a.annotator, a.attributes)]
        tallied = differences((before for before, _ in changed), -1)
        tallied.update(differences((after for _, after in changed), 1))
        Tallies(self._connection).add(tallied)
        names = [name for name in rows[0] if name not in ("key", "known_at")]
        statement = (
            update(AnnotationRow)
            .where(AnnotationRow.id == bindparam("key"), AnnotationRow.updated_at == bindparam("known_at"))
            .values({name: bindparam(name) for name in names})
        )
        self._check(self._connection.execute(statement, rows).rowcount, len(rows))
        self._ledger.note(Table.ANNOTATION, images=(before.image_id for before, _ in pairs))

    def remove_many(self, annotations: Sequence[Annotation]) -> Ownership:
        """Delete annotations; returns which of them belonged to batches, for the way back. Raises as ``update_many``."""
        owned: Ownership = {}
        for chunk in chunks(annotations):
            query = select(AnnotationRow.id, AnnotationRow.added_by, AnnotationRow.removed_by)
            for row in self._connection.execute(query.where(AnnotationRow.id.in_([a.id for a in chunk]))):
                if row[1] is not None or row[2] is not None:
                    owned[row[0]] = (row[1], row[2])
        if annotations:
            table = AnnotationRow
            statement = delete(table).where(table.id == bindparam("key"), table.updated_at == bindparam("known_at"))
            rows = [{"key": a.id, "known_at": a.updated_at} for a in annotations]
            self._check(self._connection.execute(statement, rows).rowcount, len(rows))
            self._counted(annotations, -1)
        return owned

    def hide_many(self, annotations: Sequence[Annotation], batch: UUID) -> None:
        """Let ``batch`` remove annotations: they stay in their rows. Raises as ``update_many``."""
        if not annotations:
            return
        table = AnnotationRow
        statement = (
            update(table)
            .where(table.id == bindparam("key"), table.updated_at == bindparam("known_at"))
            .values(removed_by=bindparam("batch"))
        )
        rows = [{"key": a.id, "known_at": a.updated_at, "batch": batch} for a in annotations]
        self._check(self._connection.execute(statement, rows).rowcount, len(rows))
        self._counted(annotations, -1)

    def _counted(self, annotations: Sequence[Annotation], sign: int) -> None:
        for label, number in Counter(a.label_id for a in annotations).items():
            self._ledger.count(counters.ANNOTATION_LABEL, label, sign * number)
        Tallies(self._connection).add(differences(annotations, sign))
        self._ledger.note(Table.ANNOTATION, images=(a.image_id for a in annotations))

    @staticmethod
    def _check(changed: int, expected: int) -> None:
        if changed != expected:
            raise StoreError(
                "An annotation was changed elsewhere in the meantime.", "Look at the image again and repeat it."
            )


def _bounds(values: Sequence[float | None]) -> Bounds:
    """The four numbers of a row that has them."""
    x1, y1, x2, y2 = (float(value or 0.0) for value in values)
    return x1, y1, x2, y2


def _row(annotation: Annotation) -> dict[str, Any]:
    geometry, runs = dump_geometry(annotation.geometry)
    x1, y1, x2, y2 = annotation.geometry.bounds() or (None, None, None, None)
    return {
        "id": annotation.id,
        "image_id": annotation.image_id,
        "label_id": annotation.label_id,
        "kind": annotation.geometry.kind.value,
        "geometry": geometry,
        "runs": runs,
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "attributes": dump_mapping(annotation.attributes),
        "track_id": annotation.track_id,
        "z_order": annotation.z_order,
        "annotator": annotation.annotator,
        "created_at": annotation.created_at,
        "updated_at": annotation.updated_at,
        "extra": dump_mapping(annotation.extra),
        "suggestion_id": annotation.suggestion_id,
        "source": annotation.source.value,
        "certificate_id": annotation.certificate_id,
        "locked": annotation.locked,
        "hidden": annotation.hidden,
    }
