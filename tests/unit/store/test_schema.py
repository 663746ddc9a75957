"""The migrations make exactly the tables of the mappings, and old and new databases are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from annotator.domain.geometry import Tag
from annotator.domain.records import Label, new_annotation
from annotator.errors import StoreError
from annotator.store import Database, NewImage, schema
from annotator.store.tables import Base


def _indexes(connection: object) -> set[tuple[str, str]]:
    rows = connection.execute(  # type: ignore[attr-defined]
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    )
    return {(name, " ".join(sql.split())) for name, sql in rows}


def test_the_migrations_make_the_tables_of_the_mappings(tmp_path: Path) -> None:
    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    mapped = create_engine(f"sqlite:///{tmp_path / 'mapped.db'}")
    with migrated.begin() as connection:
        schema.upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        from_migrations = _indexes(connection)
    with mapped.begin() as connection:
        Base.metadata.create_all(connection)
        assert _indexes(connection) == from_migrations
    migrated.dispose()
    mapped.dispose()


def test_a_certificate_of_the_first_schema_is_kept_unsigned(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO certificate (task, annotator, seed, max_error, audited, errors, bound, accepted, created_at)"
                " VALUES ('tags', 'Ada', 7, 0.05, 0, 0, 1.0, 0, '2026-01-01')"
            )
        )
        schema.upgrade(connection)
        row = connection.execute(text("SELECT seed, model_version, signed_at FROM certificate")).one()
    engine.dispose()
    assert tuple(row) == (7, "", "")


def test_annotations_of_an_earlier_schema_are_counted_by_annotator_and_attribute(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.execute(text("INSERT INTO batch VALUES (x'01', 1, '')"))
        for number, (who, attributes, removed) in enumerate(
            (("ada", '{"occluded":true}', None), ("ada", "", None), ("bob", '{"occluded":true}', b"\x01"))
        ):
            connection.execute(
                text(
                    "INSERT INTO annotation (id, image_id, label_id, kind, geometry, attributes, z_order, annotator, created_at,"
                    " updated_at, extra, source, locked, hidden, removed_by)"
                    " VALUES (:id, 7, 1, 'tag', '', :attributes, 0, :who, '', '', '', 'drawn', 0, 0, :removed)"
                ),
                {"id": bytes([number] * 16), "attributes": attributes, "who": who, "removed": removed},
            )
        schema.upgrade(connection)
        rows = set(connection.execute(text("SELECT scope, key, image_id, number FROM image_tally")).all())
    engine.dispose()
    assert rows == {("annotator", "ada", 7, 2), ("attribute", '["occluded",true]', 7, 1)}


def test_annotations_of_an_image_are_counted_on_the_way_back_to_the_schema_that_kept_their_number(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "p"
    with Database.create(folder) as database, database.write() as writer:
        (image,) = writer.images.add_many([NewImage("a.jpg")])
        label = writer.labels.add(Label(0, "cat", "#4E9BFF", 0, group_id=1))
        writer.annotations.add_many(new_annotation(int(image), label, Tag(), who) for who in ("ada", "ada", "bob"))
    with Database.open(folder) as database, database.write() as writer:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = writer.connection
        command.downgrade(config, "0005")
        assert writer.connection.execute(text("SELECT annotations FROM image")).scalars().all() == [3]
    with Database.open(folder) as database, database.read() as reader:
        assert schema.is_current(reader.connection, folder)
        assert reader.images.shown_counts([int(image)]) == {int(image): (3, 0)}


def test_the_list_of_revisions_is_the_list_of_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == schema.REVISIONS


def test_a_new_database_is_at_the_newest_revision(tmp_path: Path) -> None:
    with Database.create(tmp_path / "p") as database, database.read() as reader:
        assert schema.revision(reader.connection) == schema.REVISIONS[-1]


def test_a_database_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    with Database.create(tmp_path / "p") as database, database.write() as writer:
        writer.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version of Annotator \(schema 9999"):
        Database.open(tmp_path / "p")
