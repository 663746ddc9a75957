"""Certificates say what counted as right: to the eye of a person, or by which measure against which dataset."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("certificate", sa.Column("criterion", sa.Text(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    op.drop_column("certificate", "criterion")
