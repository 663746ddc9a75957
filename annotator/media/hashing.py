"""Content hashes: how a moved or renamed image is known again, and a copy found out.

Media room.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from annotator.media.problems import from_os_error


def hash_file(path: Path) -> str:
    """Hex BLAKE2b-128 of the file's bytes; raises ``ImageError`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise from_os_error(path, error) from error
