"""Errors that a person can act on.

Every failure that is not our own mistake is an ``AnnotatorError``: one sentence that says what happened and names the
file, one that says what to do. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path


def install_again(extra: str = "", *, force: bool = False) -> str:
    """The cure for what is missing or damaged in this installation: its own Python installs it again, with ``extra``.

    It is never installed by its name alone, which another program bears on PyPI. ``force`` exchanges files that are there.
    """
    forced = "--force-reinstall --no-deps " if force else ""
    what = f'".[{extra}]"' if extra else "."
    return (
        "In the folder that Annotator was installed from, run: "
        f'"{sys.executable}" -m pip install {forced}-c constraints.txt {what}'
    )


class AnnotatorError(Exception):
    """The root of all expected failures.

    ``what`` says what happened and names the file; ``cure`` says what to do about it (may be empty).
    """

    def __init__(self, what: str, cure: str = "", *, path: Path | str | None = None) -> None:
        self.what = what
        self.cure = cure
        self.path = None if path is None else Path(path)
        super().__init__(f"{what} {cure}".strip())


class UsageError(AnnotatorError):
    """The request itself is wrong (an unknown label, strategy or option): exit status 2 on the command line."""


class ImageError(AnnotatorError):
    """An image file cannot be read. ``reason`` is stored and shown beside the file's name: "is cut off after 31 KB"."""

    def __init__(self, what: str, cure: str = "", *, path: Path | str | None = None, reason: str = "") -> None:
        super().__init__(what, cure, path=path)
        self.reason = reason or what


class StoreError(AnnotatorError):
    """The database is missing, locked, damaged, full or newer than this program."""


class ModelError(AnnotatorError):
    """A model or its weights are missing, damaged or do not fit the request."""


class FormatError(AnnotatorError):
    """A dataset cannot be read or written in the named format."""


class JobCancelled(Exception):
    """Raised by ``JobContext.check_cancelled`` when the person has cancelled the job."""
