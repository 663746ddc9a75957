"""Names of images and labels between tools: separators, climbing paths, Unicode twins, and the file behind a name."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

_DRIVE = re.compile(r"^[A-Za-z]:[/\\]")


def clean_name(text: str) -> str:
    """A relative POSIX path that stays inside its folder: separators turned, drive, root, ``.`` and ``..`` resolved."""
    if "\\" not in text and "./" not in text and "//" not in text and not text.startswith("/") and ":" not in text:
        return text if text not in (".", "..") and not text.endswith("/..") else ""
    text = _DRIVE.sub("", text).replace("\\", "/")
    parts: list[str] = []
    for part in text.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if parts:
                parts.pop()
            continue
        parts.append(part)
    return "/".join(parts)


def is_unicode(text: str) -> bool:
    """Whether the name can be written as UTF-8 (names of files may hold stray bytes)."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def find_file(folders: tuple[Path, ...], name: str) -> Path | None:
    """The first existing file of this name, also under its composed or decomposed Unicode form."""
    forms = (name,) if name.isascii() else (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
    for form in dict.fromkeys(forms):
        for folder in folders:
            file = f"{folder}/{form}"
            if os.path.isfile(file):  # noqa: PTH113  pathlib takes ten times as long, and this is asked for each image
                return Path(file)
    return None


def without_suffix(name: str) -> str:
    """The name without its last ending, folders kept."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix else name
