"""Certificates say when they were signed and for which version of the model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("certificate", sa.Column("model_version", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column(
        "certificate", sa.Column("signed_at", sa.String(length=32), server_default=sa.text("''"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("certificate", "signed_at")
    op.drop_column("certificate", "model_version")
