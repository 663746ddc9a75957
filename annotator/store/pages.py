"""Reads of a whole page: everything known of one image in a handful of short queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, bindparam, select

from annotator.domain.page import Page, annotation_order, in_terms_of, suggestion_order, verdict_order
from annotator.domain.records import Annotation, Suggestion, Verdict
from annotator.store import annotations as annotation_rows
from annotator.store import suggestions as suggestion_rows
from annotator.store import verdicts as verdict_rows
from annotator.store.id_arrays import chunks
from annotator.store.images import ImageReads
from annotator.store.labels import LabelReads
from annotator.store.tables import AnnotationRow, BatchLabelRow, BatchRow, SuggestionRow, VerdictRow
from annotator.store.visibility import verdict_visible

# Statements that are made once cost a third of those that are made anew for each page.
_IMAGE: BindParameter[int] = bindparam("image")
_DRAWN = select(*annotation_rows.COLUMNS, AnnotationRow.added_by, AnnotationRow.removed_by).where(
    AnnotationRow.image_id == _IMAGE
)
_JUDGED = select(*verdict_rows.COLUMNS, VerdictRow.added_by).where(VerdictRow.image_id == _IMAGE)
_SUGGESTED = select(*suggestion_rows.COLUMNS).where(
    SuggestionRow.image_id == _IMAGE, SuggestionRow.superseded.is_(False)
)


class PageReads:
    """Loads pages, also as they will be: an undo that is being saved turns batches and brings labels back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def load(self, image_id: int, turned: Mapping[UUID, bool] | None = None, revived: Collection[int] = ()) -> Page:
        """The page of an image; raises ``StoreError`` when there is none. Milliseconds, whatever the project's size.

        ``turned`` gives batches another state than the database has; ``revived`` are deleted labels taken as alive.
        """
        asked = {"image": image_id}
        rows = self._connection.execute(_DRAWN, asked).all()
        judged = self._connection.execute(_JUDGED, asked).all()
        batches: set[Any] = {row[-1] for row in judged} | {batch for row in rows for batch in row[-2:]}
        applied: dict[UUID | None, bool] = self._applied(batches)
        applied.update((turned or {}).items())
        applied[None] = True
        drawn = self._annotations(image_id, rows, applied, turned or {})
        in_force = [verdict_rows.record(row) for row in judged if applied[row[-1]]]
        images = ImageReads(self._connection)
        return Page(
            images.get(image_id),
            tuple(sorted(drawn, key=annotation_order)),
            self._open(image_id, in_force, revived),
            tuple(sorted(in_force, key=verdict_order)),
            images.done(image_id),
        )

    def load_many(self, image_ids: Sequence[int]) -> list[Page]:
        """The pages of many images as the database has them, in the order of ``image_ids``; unknown ones are left out.

        A few statements for hundreds of images: a bulk edit reads as many pages as its pile has images.
        """
        found: list[Page] = []
        for ids in chunks(dict.fromkeys(image_ids)):
            images = ImageReads(self._connection)
            done = images.done_many(ids)
            drawn = annotation_rows.AnnotationReads(self._connection).for_images(ids)
            judged, is_open = self._judged(ids), self._open_many(ids)
            for image in images.many(ids):
                verdicts = judged.get(image.id, [])
                closed = {verdict.suggestion_id for verdict in verdicts}
                found.append(
                    Page(
                        image,
                        tuple(sorted(drawn.get(image.id, ()), key=annotation_order)),
                        tuple(s for s in is_open.get(image.id, []) if s.id not in closed),
                        tuple(sorted(verdicts, key=verdict_order)),
                        done.get(image.id, frozenset()),
                    )
                )
        return found

    def _judged(self, ids: Sequence[int]) -> dict[int, list[Verdict]]:
        query = select(*verdict_rows.COLUMNS).where(VerdictRow.image_id.in_(ids), verdict_visible())
        found: dict[int, list[Verdict]] = {}
        for verdict in map(verdict_rows.record, self._connection.execute(query)):
            found.setdefault(verdict.image_id, []).append(verdict)
        return found

    def _open_many(self, ids: Sequence[int]) -> dict[int, list[Suggestion]]:
        query = select(*suggestion_rows.COLUMNS).where(
            SuggestionRow.image_id.in_(ids), SuggestionRow.superseded.is_(False)
        )
        made = [suggestion_rows.record(row) for row in self._connection.execute(query)]
        aliases = LabelReads(self._connection).aliases(()) if made else {}
        found: dict[int, list[Suggestion]] = {}
        for each in sorted(made, key=suggestion_order):
            known = in_terms_of(each, aliases) if aliases else each
            if known is not None:
                found.setdefault(known.image_id, []).append(known)
        return found

    def _applied(self, batches: set[UUID | None]) -> dict[UUID | None, bool]:
        wanted = [batch for batch in batches if batch is not None]
        if not wanted:
            return {}
        query = select(BatchRow.id, BatchRow.applied).where(BatchRow.id.in_(wanted))
        return {row[0]: bool(row[1]) for row in self._connection.execute(query)}

    def _annotations(
        self, image_id: int, rows: Sequence[Any], applied: Mapping[UUID | None, bool], turned: Mapping[UUID, bool]
    ) -> list[Annotation]:
        shown = [row for row in rows if applied[row[-2]] and (row[-1] is None or not applied[row[-1]])]
        drawn = [annotation_rows.record(row) for row in shown]
        for batch, state in turned.items():
            moved = self._moved(batch, image_id, state)
            if moved:
                drawn = [replace(a, label_id=moved.get((a.id, a.label_id), a.label_id)) for a in drawn]
        return drawn

    def _moved(self, batch: UUID, image_id: int, applied: bool) -> dict[tuple[UUID, int], int]:
        """(annotation, label it has) -> label it gets when ``batch`` turns to ``applied``."""
        moved = BatchLabelRow
        old, new = (moved.before_id, moved.after_id) if applied else (moved.after_id, moved.before_id)
        query = select(moved.annotation_id, old, new).where(moved.batch_id == batch, moved.image_id == image_id)
        return {(row[0], row[1]): row[2] for row in self._connection.execute(query)}

    def _open(self, image_id: int, in_force: Sequence[Verdict], revived: Collection[int]) -> tuple[Suggestion, ...]:
        judged = {verdict.suggestion_id for verdict in in_force}
        read = self._connection.execute(_SUGGESTED, {"image": image_id})
        rows = [row for row in read if row[0] not in judged]
        found = [suggestion_rows.record(row) for row in rows]
        aliases = LabelReads(self._connection).aliases(revived) if found else {}
        if aliases:
            found = [each for each in (in_terms_of(s, aliases) for s in found) if each is not None]
        return tuple(sorted(found, key=suggestion_order))
