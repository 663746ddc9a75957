"""The project's memory: tables, migrations, repositories and the one writer lane."""
