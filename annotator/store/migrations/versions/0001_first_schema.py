"""The first schema: images, labels, annotations, suggestions, verdicts, the log of edits and what the machine did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from annotator.store.types import FileName, UuidBytes

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", UuidBytes(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_batch")),
    )
    op.create_table(
        "counter",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=("pk_counter")),
    )
    op.create_table(
        "edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("inverts", sa.Integer(), nullable=True),
        sa.Column("undo_top", sa.Integer(), nullable=True),
        sa.Column("redo_top", sa.Integer(), nullable=True),
        sa.Column("below", sa.Integer(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("ownership", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["inverts"], ["edit.id"], name=("fk_edit_inverts")),
        sa.PrimaryKeyConstraint("id", name=("pk_edit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_edit_annotator_id", "edit", ["annotator", "id"], unique=False)

    op.create_table(
        "embedding_space",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_embedding_space")),
        sa.UniqueConstraint("name", name=("uq_embedding_space_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_head")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_job")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "label_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_label_group")),
        sa.UniqueConstraint("name", name=("uq_label_group_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "root",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", FileName(), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_root")),
        sa.UniqueConstraint("path", name=("uq_root_path")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("finished_at", sa.String(length=32), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("suggestions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_run")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=("pk_setting")),
    )
    op.create_table(
        "batch_diff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", UuidBytes(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=("fk_batch_diff_batch_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_batch_diff")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batch_diff_batch_id_image_id", "batch_diff", ["batch_id", "image_id"], unique=False)

    op.create_table(
        "batch_label",
        sa.Column("batch_id", UuidBytes(), nullable=False),
        sa.Column("annotation_id", UuidBytes(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("before_id", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=("fk_batch_label_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "annotation_id", name=("pk_batch_label")),
    )
    op.create_index("ix_batch_label_batch_id_image_id", "batch_label", ["batch_id", "image_id"], unique=False)

    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("seed", _BIG, nullable=False),
        sa.Column("max_error", sa.Float(precision=53), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("bound", sa.Float(precision=53), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=("fk_certificate_run_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_certificate")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "image",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("root_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("split", sa.String(length=8), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("annotations", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suggestions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("orientation", sa.Integer(), nullable=False),
        sa.Column("bit_depth", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("file_size", _BIG, nullable=False),
        sa.Column("file_mtime", _BIG, nullable=False),
        sa.Column("uri", FileName(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("sequence", FileName(), nullable=False),
        sa.Column("content_hash", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["root_id"], ["root.id"], name=("fk_image_root_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_image")),
        sa.UniqueConstraint("root_id", "uri", name=("uq_image_root_id_uri")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_content_hash", "image", ["content_hash"], unique=False)
    op.create_index("ix_image_filter", "image", ["state", "split", "flagged", "root_id"], unique=False)

    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("shortcut", sa.String(length=32), nullable=False),
        sa.Column("synonyms", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("skeleton", sa.Text(), nullable=False),
        sa.Column("attributes_schema", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["label_group.id"], name=("fk_label_group_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["label.id"], name=("fk_label_merged_into")),
        sa.ForeignKeyConstraint(["parent_id"], ["label.id"], name=("fk_label_parent_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_label")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "annotation",
        sa.Column("id", UuidBytes(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=False),
        sa.Column("runs", sa.LargeBinary(), nullable=True),
        sa.Column("x1", sa.Float(precision=53), nullable=True),
        sa.Column("y1", sa.Float(precision=53), nullable=True),
        sa.Column("x2", sa.Float(precision=53), nullable=True),
        sa.Column("y2", sa.Float(precision=53), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Integer(), nullable=True),
        sa.Column("z_order", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.Column("extra", sa.Text(), nullable=False),
        sa.Column("suggestion_id", UuidBytes(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("added_by", UuidBytes(), nullable=True),
        sa.Column("removed_by", UuidBytes(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["batch.id"], name=("fk_annotation_added_by")),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=("fk_annotation_certificate_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=("fk_annotation_image_id")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=("fk_annotation_label_id")),
        sa.ForeignKeyConstraint(["removed_by"], ["batch.id"], name=("fk_annotation_removed_by")),
        sa.PrimaryKeyConstraint("id", name=("pk_annotation")),
    )
    op.create_index(
        "ix_annotation_added_by",
        "annotation",
        ["added_by"],
        unique=False,
        sqlite_where=sa.text("added_by IS NOT NULL"),
        postgresql_where=sa.text("added_by IS NOT NULL"),
    )
    op.create_index(
        "ix_annotation_image", "annotation", ["image_id", "annotator", "added_by", "removed_by"], unique=False
    )
    op.create_index(
        "ix_annotation_label", "annotation", ["label_id", "image_id", "added_by", "removed_by"], unique=False
    )
    op.create_index(
        "ix_annotation_removed_by",
        "annotation",
        ["removed_by"],
        unique=False,
        sqlite_where=sa.text("removed_by IS NOT NULL"),
        postgresql_where=sa.text("removed_by IS NOT NULL"),
    )

    op.create_table(
        "bag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.Column("image_ids", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=("fk_bag_label_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_bag")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "done",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=("fk_done_image_id")),
        sa.PrimaryKeyConstraint("image_id", "task", name=("pk_done")),
    )
    op.create_index("ix_done_task_image_id", "done", ["task", "image_id"], unique=False)

    op.create_table(
        "suggestion",
        sa.Column("id", UuidBytes(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("uncalibrated", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(precision=53), nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=False),
        sa.Column("runs", sa.LargeBinary(), nullable=True),
        sa.Column("x1", sa.Float(precision=53), nullable=True),
        sa.Column("y1", sa.Float(precision=53), nullable=True),
        sa.Column("x2", sa.Float(precision=53), nullable=True),
        sa.Column("y2", sa.Float(precision=53), nullable=True),
        sa.Column("distribution", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["label_group.id"], name=("fk_suggestion_group_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=("fk_suggestion_image_id")),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name=("fk_suggestion_label_id")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=("fk_suggestion_run_id")),
        sa.PrimaryKeyConstraint("id", name=("pk_suggestion")),
    )
    op.create_index("ix_suggestion_image_id", "suggestion", ["image_id"], unique=False)
    op.create_index(
        "ix_suggestion_open",
        "suggestion",
        ["task", "label_id", "confidence", "image_id"],
        unique=False,
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_suggestion_run_id", "suggestion", ["run_id"], unique=False)

    op.create_table(
        "verdict",
        sa.Column("suggestion_id", UuidBytes(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("annotation_id", UuidBytes(), nullable=True),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("added_by", UuidBytes(), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["batch.id"], name=("fk_verdict_added_by")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=("fk_verdict_image_id")),
        sa.ForeignKeyConstraint(["suggestion_id"], ["suggestion.id"], name=("fk_verdict_suggestion_id")),
        sa.PrimaryKeyConstraint("suggestion_id", name=("pk_verdict")),
    )
    op.create_index(
        "ix_verdict_added_by",
        "verdict",
        ["added_by"],
        unique=False,
        sqlite_where=sa.text("added_by IS NOT NULL"),
        postgresql_where=sa.text("added_by IS NOT NULL"),
    )
    op.create_index("ix_verdict_image_id", "verdict", ["image_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_verdict_image_id", table_name="verdict")
    op.drop_index(
        "ix_verdict_added_by",
        table_name="verdict",
        sqlite_where=sa.text("added_by IS NOT NULL"),
        postgresql_where=sa.text("added_by IS NOT NULL"),
    )

    op.drop_table("verdict")
    op.drop_index("ix_suggestion_run_id", table_name="suggestion")
    op.drop_index(
        "ix_suggestion_open",
        table_name="suggestion",
        sqlite_where=sa.text("is_open"),
        postgresql_where=sa.text("is_open"),
    )
    op.drop_index("ix_suggestion_image_id", table_name="suggestion")

    op.drop_table("suggestion")
    op.drop_index("ix_done_task_image_id", table_name="done")

    op.drop_table("done")
    op.drop_table("bag")
    op.drop_index(
        "ix_annotation_removed_by",
        table_name="annotation",
        sqlite_where=sa.text("removed_by IS NOT NULL"),
        postgresql_where=sa.text("removed_by IS NOT NULL"),
    )
    op.drop_index("ix_annotation_label", table_name="annotation")
    op.drop_index("ix_annotation_image", table_name="annotation")
    op.drop_index(
        "ix_annotation_added_by",
        table_name="annotation",
        sqlite_where=sa.text("added_by IS NOT NULL"),
        postgresql_where=sa.text("added_by IS NOT NULL"),
    )

    op.drop_table("annotation")
    op.drop_table("label")
    op.drop_index("ix_image_filter", table_name="image")
    op.drop_index("ix_image_content_hash", table_name="image")

    op.drop_table("image")
    op.drop_table("certificate")
    op.drop_index("ix_batch_label_batch_id_image_id", table_name="batch_label")

    op.drop_table("batch_label")
    op.drop_index("ix_batch_diff_batch_id_image_id", table_name="batch_diff")

    op.drop_table("batch_diff")
    op.drop_table("setting")
    op.drop_table("run")
    op.drop_table("root")
    op.drop_table("label_group")
    op.drop_table("job")
    op.drop_table("head")
    op.drop_table("embedding_space")
    op.drop_index("ix_edit_annotator_id", table_name="edit")

    op.drop_table("edit")
    op.drop_table("counter")
    op.drop_table("batch")
