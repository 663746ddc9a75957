"""Builders of edits that a person makes to annotations on one image."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from annotator.domain.geometry import Geometry
from annotator.domain.kinds import Source
from annotator.domain.page import Page
from annotator.domain.records import Annotation, new_id, now
from annotator.edits import resolve
from annotator.edits.changes import AnnotationChange, Edit, RowChange


def draw(page: Page, annotation: Annotation) -> Edit:
    """A new annotation, on top of the others unless it brings its own z-order."""
    if annotation.z_order == 0 and page.annotations:
        annotation = replace(annotation, z_order=page.annotations[-1].z_order)
    title = f"Draw {annotation.kind.value.replace('_', ' ')}"
    return resolve.finished(title, page, resolve.added(page, annotation), annotation.annotator)


def change_geometry(
    page: Page, annotation_id: UUID, geometry: Geometry, *, annotator: str, extra: Mapping[str, Any] | None = None
) -> Edit:
    """An annotation moved or reshaped; ``extra`` is added to its own."""
    values: dict[str, Any] = {"geometry": geometry}
    for old in _chosen(page, (annotation_id,)) if extra else ():
        values["extra"] = {**old.extra, **(extra or {})}
    return _change("Change shape", page, (annotation_id,), values, annotator)


def change_label(page: Page, ids: Iterable[UUID], label_id: int, *, annotator: str) -> Edit:
    """Annotations given another label. Tags of an exclusive group go through ``tags.set_tag``."""
    return _change("Change label", page, ids, {"label_id": label_id}, annotator)


def change_attributes(page: Page, ids: Iterable[UUID], attributes: Mapping[str, Any], *, annotator: str) -> Edit:
    """Attributes set on annotations; those not named stay, those set to None go."""
    changes: list[RowChange] = []
    for old in _chosen(page, ids):
        values = {key: value for key, value in {**old.attributes, **attributes}.items() if value is not None}
        if values != old.attributes:
            changes += resolve.changed(page, old, replace(old, attributes=values), annotator)
    return resolve.finished("Change attributes", page, changes, annotator)


def delete(page: Page, ids: Iterable[UUID], *, annotator: str) -> Edit:
    """Annotations deleted; the suggestions that they came from count as rejected."""
    changes = [c for annotation in _chosen(page, ids) for c in resolve.removed(page, annotation, annotator)]
    return resolve.finished("Delete", page, changes, annotator)


def lock(page: Page, ids: Iterable[UUID], locked: bool = True, *, annotator: str) -> Edit:
    """Annotations protected from the tools, or freed. No verdict changes."""
    return _display("Lock" if locked else "Unlock", page, ids, {"locked": locked}, annotator)


def hide(page: Page, ids: Iterable[UUID], hidden: bool = True, *, annotator: str) -> Edit:
    """Annotations hidden on the canvas, or shown. No verdict changes."""
    return _display("Hide" if hidden else "Show", page, ids, {"hidden": hidden}, annotator)


def reorder(page: Page, ids: Sequence[UUID], *, annotator: str) -> Edit:
    """The drawing order: ``ids`` bottom first; annotations that are not named stay below, as they were."""
    named = {annotation.id: annotation for annotation in _chosen(page, ids)}
    below = [annotation for annotation in page.annotations if annotation.id not in named]
    order = [*below, *(named[i] for i in ids if i in named)]
    changes = [
        AnnotationChange(old, replace(old, z_order=z, updated_at=now()))
        for z, old in enumerate(order)
        if old.z_order != z
    ]
    return Edit("Change order", page.image.id, tuple(changes), annotator)


def raise_to_top(page: Page, ids: Collection[UUID], *, annotator: str) -> Edit:
    """Annotations drawn above all others."""
    return reorder(page, [a.id for a in page.annotations if a.id in ids], annotator=annotator)


def lower_to_bottom(page: Page, ids: Collection[UUID], *, annotator: str) -> Edit:
    """Annotations drawn below all others."""
    lowered = [a.id for a in page.annotations if a.id in ids]
    others = [a.id for a in page.annotations if a.id not in ids]
    return reorder(page, [*lowered, *others], annotator=annotator)


def duplicate(page: Page, ids: Iterable[UUID], *, annotator: str, offset: tuple[float, float] = (10.0, 10.0)) -> Edit:
    """Copies of annotations on the same image, moved by ``offset`` pixels."""
    copies = [replace(a, geometry=a.geometry.moved(*offset)) for a in _chosen(page, ids)]
    return replace(paste(page, copies, annotator=annotator), title="Duplicate")


def paste(page: Page, annotations: Iterable[Annotation], *, annotator: str) -> Edit:
    """Copies of annotations of any image, in place: new ids, drawn by ``annotator``."""
    changes: list[RowChange] = []
    current = page
    for annotation in annotations:
        moment = now()
        copy = replace(
            annotation,
            id=new_id(),
            image_id=page.image.id,
            annotator=annotator,
            created_at=moment,
            updated_at=moment,
            suggestion_id=None,
            source=Source.DRAWN,
            certificate_id=None,
        )
        step = resolve.added(current, copy)
        current = resolve.after(current, Edit("Paste", page.image.id, tuple(step)))
        changes += step
    return resolve.finished("Paste", page, changes, annotator)


def _chosen(page: Page, ids: Iterable[UUID]) -> list[Annotation]:
    wanted = set(ids)
    return [annotation for annotation in page.annotations if annotation.id in wanted]


def _change(title: str, page: Page, ids: Iterable[UUID], values: Mapping[str, Any], annotator: str) -> Edit:
    changes: list[RowChange] = []
    for old in _chosen(page, ids):
        new = replace(old, **values)
        if new != old:
            changes += resolve.changed(page, old, new, annotator)
    return resolve.finished(title, page, changes, annotator)


def _display(title: str, page: Page, ids: Iterable[UUID], values: Mapping[str, Any], annotator: str) -> Edit:
    pairs = ((old, replace(old, **values)) for old in _chosen(page, ids))
    changes = [AnnotationChange(old, replace(new, updated_at=now())) for old, new in pairs if old != new]
    return Edit(title, page.image.id, tuple(changes), annotator)
