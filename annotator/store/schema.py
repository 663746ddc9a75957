"""Which version of the schema a database has, how it is made and how it is brought up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, text

from annotator.domain.records import now
from annotator.errors import StoreError
from annotator.store.tables import Base, LabelGroupRow, RootRow

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""All migrations, oldest first. Kept by hand so that opening a current project does not import Alembic."""

MIGRATIONS = Path(__file__).parent / "migrations"


def create(connection: Connection) -> None:
    """Make all tables in an empty database with the rows that every project has."""
    make(connection, REVISIONS[-1])
    seed(connection)


def make(connection: Connection, wanted: str) -> None:
    """Make the tables of a version in an empty database, and note which it is."""
    if wanted != REVISIONS[-1]:
        _migrate(connection, wanted)
        return
    Base.metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": wanted})


def seed(connection: Connection) -> None:
    """The rows that every project has: the root of absolute paths, and one group in which labels exclude each other."""
    connection.execute(insert(RootRow), {"id": 0, "path": "", "added_at": now()})
    connection.execute(insert(LabelGroupRow), {"name": "labels", "exclusive": True})


def revision(connection: Connection) -> str | None:
    """The schema version of the database; None when it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().first()
    return None if found is None else str(found)


def is_current(connection: Connection, path: Path | str) -> bool:
    """Whether the database needs no migration; raises ``StoreError`` when it is newer than this program or not ours."""
    found = revision(connection)
    if found is None:
        raise StoreError(f"{path} is not a project database.", "Choose another folder or restore a backup.", path=path)
    if found not in REVISIONS:
        what = f"{path} was made by a newer version of Annotator (schema {found}; this one knows {REVISIONS[-1]})."
        raise StoreError(what, "Update Annotator to open it.", path=path)
    return found == REVISIONS[-1]


def upgrade(connection: Connection) -> None:
    """Run the missing migrations inside the transaction of ``connection``."""
    if revision(connection) != REVISIONS[-1]:
        _migrate(connection, "head")


def _migrate(connection: Connection, wanted: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, wanted)
