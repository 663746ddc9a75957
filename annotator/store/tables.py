"""The tables of a project as SQLAlchemy mappings. ``metadata`` and the migrations are kept equal by a test.

Annotations, suggestions and batches have UUIDs made by whoever creates them; everything else has an integer that is never
reused. Columns that lists are filtered by stand before the long texts, so that a scan stays short.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from annotator.store.types import FileName, UuidBytes

# SQLite keeps integers of any size in one type; PostgreSQL needs eight bytes for sizes and times of files.
_BIG = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """The root of all mappings."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {UUID: UuidBytes}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class RootRow(Base):
    """A folder that images were added from. Root 0 is the empty path: its images have absolute URIs."""

    __tablename__ = "root"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    path: Mapped[str] = mapped_column(FileName, unique=True)
    added_at: Mapped[str] = mapped_column(String(32))


class ImageRow(Base):
    """``suggestions`` counts the open ones that have rows; how many annotations there are, ``tallies`` know."""

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("root_id", "uri"),
        Index("ix_image_content_hash", "content_hash"),
        Index("ix_image_filter", "state", "split", "flagged", "root_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    state: Mapped[str] = mapped_column(String(16))
    split: Mapped[str] = mapped_column(String(8))
    flagged: Mapped[bool] = mapped_column(Boolean)
    suggestions: Mapped[int] = mapped_column(Integer, server_default="0")
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    orientation: Mapped[int] = mapped_column(Integer)
    bit_depth: Mapped[int] = mapped_column(Integer)
    channels: Mapped[int] = mapped_column(Integer)
    frame: Mapped[int] = mapped_column(Integer)
    file_size: Mapped[int] = mapped_column(_BIG)
    file_mtime: Mapped[int] = mapped_column(_BIG)
    uri: Mapped[str] = mapped_column(FileName)
    search: Mapped[str] = mapped_column(Text)
    sequence: Mapped[str] = mapped_column(FileName)
    content_hash: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    added_at: Mapped[str] = mapped_column(String(32))
    extra: Mapped[str] = mapped_column("metadata", Text)


class LabelGroupRow(Base):
    __tablename__ = "label_group"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    exclusive: Mapped[bool] = mapped_column(Boolean)


class LabelRow(Base):
    """A deleted label keeps its row, so that its id is never given away and its deletion can be undone."""

    __tablename__ = "label"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    deleted: Mapped[bool] = mapped_column(Boolean)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("label.id"))
    name: Mapped[str] = mapped_column(Text)
    color: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(Integer)
    shortcut: Mapped[str] = mapped_column(String(32))
    synonyms: Mapped[str] = mapped_column(Text)
    definition: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("label.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("label_group.id"))
    skeleton: Mapped[str] = mapped_column(Text)
    attributes_schema: Mapped[str] = mapped_column(Text)


class BatchRow(Base):
    """A bulk edit: the rows it added show while ``applied``, those it removed while not."""

    __tablename__ = "batch"

    id: Mapped[UUID] = mapped_column(UuidBytes, primary_key=True)
    applied: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[str] = mapped_column(String(32))


class BatchLabelRow(Base):
    """An annotation whose label a bulk edit changed."""

    __tablename__ = "batch_label"
    __table_args__ = (Index("ix_batch_label_batch_id_image_id", "batch_id", "image_id"),)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    annotation_id: Mapped[UUID] = mapped_column(UuidBytes, primary_key=True)
    image_id: Mapped[int] = mapped_column(Integer)
    before_id: Mapped[int] = mapped_column(Integer)
    after_id: Mapped[int] = mapped_column(Integer)


class BatchDiffRow(Base):
    """Any other row that a bulk edit changed: one of its own change records, holding only the fields that differ."""

    __tablename__ = "batch_diff"
    __table_args__ = (Index("ix_batch_diff_batch_id_image_id", "batch_id", "image_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batch.id"))
    image_id: Mapped[int] = mapped_column(Integer)
    payload: Mapped[str] = mapped_column(Text)


class AnnotationRow(Base):
    """``added_by`` and ``removed_by`` stand in the indexes, so that filters see without the row whether it is in force."""

    __tablename__ = "annotation"
    __table_args__ = (
        Index("ix_annotation_image", "image_id", "annotator", "added_by", "removed_by"),
        Index("ix_annotation_label", "label_id", "image_id", "added_by", "removed_by"),
        Index(
            "ix_annotation_added_by",
            "added_by",
            sqlite_where=text("added_by IS NOT NULL"),
            postgresql_where=text("added_by IS NOT NULL"),
        ),
        Index(
            "ix_annotation_removed_by",
            "removed_by",
            sqlite_where=text("removed_by IS NOT NULL"),
            postgresql_where=text("removed_by IS NOT NULL"),
        ),
        # An image may have thousands of shapes beside the one or two tags that its thumbnail names.
        Index(
            "ix_annotation_tag",
            "image_id",
            sqlite_where=text("kind = 'tag'"),
            postgresql_where=text("kind = 'tag'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(UuidBytes, primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id"))
    kind: Mapped[str] = mapped_column(String(16))
    geometry: Mapped[str] = mapped_column(Text)
    runs: Mapped[bytes | None] = mapped_column(LargeBinary)
    x1: Mapped[float | None] = mapped_column(Float(53))
    y1: Mapped[float | None] = mapped_column(Float(53))
    x2: Mapped[float | None] = mapped_column(Float(53))
    y2: Mapped[float | None] = mapped_column(Float(53))
    attributes: Mapped[str] = mapped_column(Text)
    track_id: Mapped[int | None] = mapped_column(Integer)
    z_order: Mapped[int] = mapped_column(Integer)
    annotator: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    updated_at: Mapped[str] = mapped_column(String(32))
    extra: Mapped[str] = mapped_column(Text)
    suggestion_id: Mapped[UUID | None] = mapped_column(UuidBytes)
    source: Mapped[str] = mapped_column(String(16))
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))
    locked: Mapped[bool] = mapped_column(Boolean)
    hidden: Mapped[bool] = mapped_column(Boolean)
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))
    removed_by: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))


class RunRow(Base):
    __tablename__ = "run"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    task: Mapped[str] = mapped_column(String(16))
    model_id: Mapped[str] = mapped_column(Text)
    model_version: Mapped[str] = mapped_column(Text)
    parameters: Mapped[str] = mapped_column(Text)
    started_at: Mapped[str] = mapped_column(String(32))
    finished_at: Mapped[str] = mapped_column(String(32))
    images: Mapped[int] = mapped_column(Integer)
    suggestions: Mapped[int] = mapped_column(Integer)


class SuggestionRow(Base):
    """``is_open`` says that no verdict is in force and no later run has superseded the suggestion."""

    __tablename__ = "suggestion"
    __table_args__ = (
        Index("ix_suggestion_image_id", "image_id"),
        Index("ix_suggestion_run_id", "run_id"),
        Index(
            "ix_suggestion_open",
            "task",
            "label_id",
            "confidence",
            "image_id",
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
    )

    id: Mapped[UUID] = mapped_column(UuidBytes, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    task: Mapped[str] = mapped_column(String(16))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("label_group.id"))
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id"))
    is_open: Mapped[bool] = mapped_column(Boolean)
    superseded: Mapped[bool] = mapped_column(Boolean)
    uncalibrated: Mapped[bool] = mapped_column(Boolean)
    score: Mapped[float] = mapped_column(Float(53))
    confidence: Mapped[float] = mapped_column(Float(53))
    kind: Mapped[str] = mapped_column(String(16))
    geometry: Mapped[str] = mapped_column(Text)
    runs: Mapped[bytes | None] = mapped_column(LargeBinary)
    x1: Mapped[float | None] = mapped_column(Float(53))
    y1: Mapped[float | None] = mapped_column(Float(53))
    x2: Mapped[float | None] = mapped_column(Float(53))
    y2: Mapped[float | None] = mapped_column(Float(53))
    distribution: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    extra: Mapped[str] = mapped_column(Text, server_default=text("''"))


class VerdictRow(Base):
    __tablename__ = "verdict"
    __table_args__ = (
        Index("ix_verdict_image_id", "image_id"),
        Index(
            "ix_verdict_added_by",
            "added_by",
            sqlite_where=text("added_by IS NOT NULL"),
            postgresql_where=text("added_by IS NOT NULL"),
        ),
    )

    suggestion_id: Mapped[UUID] = mapped_column(ForeignKey("suggestion.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    decision: Mapped[str] = mapped_column(String(16))
    annotation_id: Mapped[UUID | None] = mapped_column(UuidBytes)
    annotator: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))
    seconds: Mapped[float] = mapped_column(Float(53))
    added_by: Mapped[UUID | None] = mapped_column(ForeignKey("batch.id"))


class DoneRow(Base):
    __tablename__ = "done"
    __table_args__ = (Index("ix_done_task_image_id", "task", "image_id"),)

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    task: Mapped[str] = mapped_column(String(16), primary_key=True)


class EditRow(Base):
    """One line of the log, never changed. ``undo_top`` and ``redo_top`` are the annotator's two stacks after it; ``below``
    is the line under this one in the stack where it lies. So a restart reads one row, however long the log is."""

    __tablename__ = "edit"
    __table_args__ = (Index("ix_edit_annotator_id", "annotator", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    annotator: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(8))
    title: Mapped[str] = mapped_column(Text)
    image_id: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[str] = mapped_column(String(32))
    inverts: Mapped[int | None] = mapped_column(ForeignKey("edit.id"))
    undo_top: Mapped[int | None] = mapped_column(Integer)
    redo_top: Mapped[int | None] = mapped_column(Integer)
    below: Mapped[int | None] = mapped_column(Integer)
    payload: Mapped[str] = mapped_column(Text)
    ownership: Mapped[str] = mapped_column(Text)


class HeadRow(Base):
    __tablename__ = "head"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    task: Mapped[str] = mapped_column(String(16))
    model_id: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    released: Mapped[bool] = mapped_column(Boolean)
    metrics: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))


class EmbeddingSpaceRow(Base):
    __tablename__ = "embedding_space"
    __table_args__ = (UniqueConstraint("name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    model_id: Mapped[str] = mapped_column(Text)
    model_version: Mapped[str] = mapped_column(Text)
    dimension: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[str] = mapped_column(String(32))


class JobRow(Base):
    __tablename__ = "job"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    parameters: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(Text)
    result: Mapped[str] = mapped_column(Text)
    started_at: Mapped[str] = mapped_column(String(32))
    finished_at: Mapped[str] = mapped_column(String(32))


class CertificateRow(Base):
    """``seed`` is stored before the first audited item is shown. ``bound`` is the error rate that ``signed_at`` makes certified;
    without a signature the audit has not ended, or certified nothing. ``criterion`` says what counted as right."""

    __tablename__ = "certificate"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    task: Mapped[str] = mapped_column(String(16))
    annotator: Mapped[str] = mapped_column(Text)
    seed: Mapped[int] = mapped_column(_BIG)
    max_error: Mapped[float] = mapped_column(Float(53))
    audited: Mapped[int] = mapped_column(Integer)
    errors: Mapped[int] = mapped_column(Integer)
    bound: Mapped[float] = mapped_column(Float(53))
    accepted: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[str] = mapped_column(String(32))
    model_version: Mapped[str] = mapped_column(Text, server_default=text("''"))
    signed_at: Mapped[str] = mapped_column(String(32), server_default=text("''"))
    criterion: Mapped[str] = mapped_column(Text, server_default=text("''"))


class FindingRow(Base):
    """What a person decided about a finding of the audit; findings themselves are computed and never stored."""

    __tablename__ = "finding"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8))
    annotator: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(32))


class BagRow(Base):
    __tablename__ = "bag"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id"))
    rule: Mapped[str] = mapped_column(String(16))
    value: Mapped[float] = mapped_column(Float(53))
    image_ids: Mapped[str] = mapped_column(Text)


class SettingRow(Base):
    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class CounterRow(Base):
    """How many there are of something that the screen shows, kept by the transactions that change it."""

    __tablename__ = "counter"

    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(_BIG)


class TallyRow(Base):
    """How many of an image's annotations in force have an annotator or an attribute's value (see ``tallies``)."""

    __tablename__ = "image_tally"
    __table_args__ = ({"sqlite_with_rowid": False},)

    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
