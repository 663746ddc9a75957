"""The project's settings: a key and a JSON value."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from annotator.events import Table
from annotator.store.ledger import Ledger
from annotator.store.tables import SettingRow
from annotator.store.types import dump_json


class SettingReads:
    """Reads of settings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, or ``default`` when it was never set."""
        found = self._connection.execute(select(SettingRow.value).where(SettingRow.key == key)).scalar_one_or_none()
        return default if found is None else orjson.loads(found)

    def all(self) -> dict[str, Any]:
        """Every setting."""
        rows = self._connection.execute(select(SettingRow.key, SettingRow.value).order_by(SettingRow.key))
        return {key: orjson.loads(value) for key, value in rows}


class SettingWrites(SettingReads):
    """Reads and writes of settings."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def set(self, key: str, value: Any) -> None:
        """Store ``value``, anything that JSON can hold."""
        self._ledger.note(Table.SETTING)
        text = dump_json(value)
        found = self._connection.execute(update(SettingRow).where(SettingRow.key == key).values(value=text))
        if found.rowcount == 0:
            self._connection.execute(insert(SettingRow), {"key": key, "value": text})

    def remove(self, key: str) -> None:
        """Forget ``key``; nothing happens when it was never set."""
        self._ledger.note(Table.SETTING)
        self._connection.execute(delete(SettingRow).where(SettingRow.key == key))
