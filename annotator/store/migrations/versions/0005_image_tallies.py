"""How many annotations of each annotator and attribute an image has, for filters; and an index of tags."""

from __future__ import annotations

from collections import Counter

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_CHUNK = 5_000
_KEY_CHARS = 200
_IN_FORCE = """
    (added_by IS NULL OR added_by IN (SELECT id FROM batch WHERE applied))
    AND (removed_by IS NULL OR removed_by NOT IN (SELECT id FROM batch WHERE applied))
"""


def upgrade() -> None:
    table = op.create_table(
        "image_tally",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_tally_image_id")),
        sa.PrimaryKeyConstraint("scope", "key", "image_id", name=op.f("pk_image_tally")),
        sqlite_with_rowid=False,
    )
    tag = sa.text("kind = 'tag'")
    op.create_index("ix_annotation_tag", "annotation", ["image_id"], sqlite_where=tag, postgresql_where=tag)
    connection = op.get_bind()
    connection.execute(
        sa.text(f"""
            INSERT INTO image_tally (scope, key, image_id, number)
            SELECT 'annotator', substr(annotator, 1, 200), image_id, count(*) FROM annotation
            WHERE {_IN_FORCE} GROUP BY substr(annotator, 1, 200), image_id
        """)
    )
    found: Counter[tuple[str, int]] = Counter()
    query = f"SELECT image_id, attributes, count(*) FROM annotation WHERE attributes <> '' AND {_IN_FORCE}"
    for image, text, number in connection.execute(sa.text(f"{query} GROUP BY image_id, attributes")):
        for name, value in orjson.loads(text).items():
            key = orjson.dumps([name, value]).decode()
            if len(key) <= _KEY_CHARS:
                found[key, image] += number
    rows = [{"scope": "attribute", "key": key, "image_id": image, "number": n} for (key, image), n in found.items()]
    for start in range(0, len(rows), _CHUNK):
        connection.execute(sa.insert(table), rows[start : start + _CHUNK])


def downgrade() -> None:
    op.drop_index("ix_annotation_tag", "annotation")
    op.drop_table("image_tally")
