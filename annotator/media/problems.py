"""Why an image cannot be read, in words for the person who owns it.

Media room. Codecs raise ``Unreadable`` with a reason that completes the sentence "photo.jpg …"; the door (``pictures``) puts
the file's name before it and raises ``ImageError``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from annotator.domain.uris import printable
from annotator.errors import ImageError


class Unreadable(Exception):
    """``reason`` completes "photo.jpg …"; ``cure`` says what to do. Never leaves the media room."""

    def __init__(self, reason: str, cure: str = "") -> None:
        self.reason = reason
        self.cure = cure
        super().__init__(reason)


def size_text(size: int) -> str:
    """A file size for people: 31 KB, 4.2 MB."""
    if size < 1000:
        return f"{size} bytes" if size != 1 else "1 byte"
    if size < 1_000_000:
        return f"{size // 1000} KB"
    return f"{size / 1e6:.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def cut_off(size: int) -> Unreadable:
    """The file ends before its picture does."""
    return Unreadable(f"is cut off after {size_text(size)}", "Copy it again from where it came from.")


def damaged(detail: str = "") -> Unreadable:
    """The file has the right beginning and end, but its pixels cannot be decoded."""
    return Unreadable(f"is damaged ({detail})" if detail else "is damaged", "Copy it again from where it came from.")


@contextlib.contextmanager
def parsing() -> Iterator[None]:
    """Whatever a foreign parser stumbles over is damage of the file; only the system's errors and the file's end pass."""
    try:
        yield
    except (Unreadable, OSError, EOFError, MemoryError):
        raise
    except Exception as error:
        raise damaged((str(error).splitlines() or [type(error).__name__])[0]) from error


def too_large(width: int, height: int, limit: int) -> Unreadable:
    """A decompression bomb, or a picture beyond what fits in memory."""
    return Unreadable(
        f"declares {width} × {height} pixels, more than the {limit // 1_000_000} million that fit in memory",
        "Save it as a tiled TIFF, or in parts.",
    )


def image_error(path: Path, problem: Unreadable) -> ImageError:
    """The public error for ``path``: its name, the reason, the cure."""
    return ImageError(f"{printable(path.name)} {problem.reason}.", problem.cure, path=path, reason=problem.reason)


def from_os_error(path: Path, error: OSError) -> ImageError:
    """A file that the operating system does not hand over."""
    match error:
        case FileNotFoundError():
            problem = Unreadable("is missing", "Find it again with rescan, or remove it from the project.")
        case PermissionError():
            problem = Unreadable("may not be read (no permission)", "Give yourself permission to read it.")
        case IsADirectoryError():
            problem = Unreadable("is a folder, not an image", "Add it as a folder of images.")
        case _:
            problem = Unreadable(f"cannot be read ({error.strerror or error})", "Check the disk or the network drive.")
    return image_error(path, problem)
