"""Alembic's entry: runs the migrations on the connection that ``schema.upgrade`` hands over.

For writing a migration from a checkout: ``alembic -c annotator/store/migrations/alembic.ini revision --autogenerate``.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from annotator.store.tables import Base


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        with create_engine(context.config.get_main_option("sqlalchemy.url", "sqlite://")).begin() as fresh:
            context.configure(connection=fresh, target_metadata=Base.metadata, render_as_batch=True)
            context.run_migrations()
        return
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    context.run_migrations()


_run()
