"""Results that a person keeps as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


def save_json(path: Path, value: Any) -> None:
    """A dataclass, or several, as JSON; whole or not at all. Raises ``OSError``."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
