"""An image's annotations are counted in its tallies alone: the same number in its row doubled what a bulk edit writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE image DROP COLUMN annotations")


def downgrade() -> None:
    op.add_column("image", sa.Column("annotations", sa.Integer(), server_default="0", nullable=False))
    op.execute("""
        UPDATE image SET annotations = counted.number
        FROM (SELECT image_id, sum(number) AS number FROM image_tally WHERE scope = 'annotator' GROUP BY image_id) AS counted
        WHERE image.id = counted.image_id
    """)
