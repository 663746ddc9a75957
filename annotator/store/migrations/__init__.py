"""Alembic migrations of the project database, one file per change of the schema."""
