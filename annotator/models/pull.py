"""Downloads the weights of the catalogue: resumes, checks the SHA-256, and never leaves a partial file in place."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.errors import ModelError, UsageError
from annotator.job_context import QUIET, JobContext
from annotator.models.catalogue import Entry, Weights, find, models_folder

CHUNK = 1 << 20
ATTEMPTS = 4
TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 1.0


def pull(model_id: str, *, folder: Path | None = None, context: JobContext = QUIET) -> Path:
    """The weights file of a model, downloaded unless it is there already and whole.

    ``folder`` None: ``catalogue.models_folder``. Progress is in bytes. A cancelled or broken download goes on where it
    stopped the next time. Raises UsageError for an unknown id or a model without weights to pull, ModelError when the
    file cannot be had, and JobCancelled.
    """
    entry = find(model_id)
    if entry.weights is None:
        raise UsageError(f"{entry.id} has no weights to pull.", _why_not(entry))
    return fetch(entry.weights, folder or models_folder(), context)


def fetch(weights: Weights, folder: Path, context: JobContext = QUIET) -> Path:
    """``pull`` for weights that need not be in the catalogue."""
    target = folder / weights.file
    if target.is_file():
        # It may have been copied there by hand.
        if _hash(target) == weights.sha256:
            return target
        raise ModelError(f"{target} is there but is not the published file.", "Delete it and pull again.", path=target)
    _Download(weights, target, target.with_name(target.name + ".part"), context).run()
    return target


@dataclass
class _Download:
    """One file on its way: bytes gather in ``part``, which becomes ``target`` when its hash is right."""

    weights: Weights
    target: Path
    part: Path
    context: JobContext

    def run(self) -> None:
        with self._file_errors():
            self.part.parent.mkdir(parents=True, exist_ok=True)
        last: Exception | None = None
        fruitless = 0
        while fruitless < ATTEMPTS:
            self.context.check_cancelled()
            before, last = self._have(), None
            try:
                if self._receive():
                    self._finish()
                    return
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500:
                    raise self._unreachable(error) from error
                last = error
            except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
                last = error
            # A long file over a poor line may break off often: only tries that bring almost nothing are counted.
            fruitless = 0 if self._have() - before >= CHUNK else fruitless + 1
            if last is not None and fruitless < ATTEMPTS:
                time.sleep(PAUSE_SECONDS * fruitless)
        if last is not None:
            raise self._unreachable(last) from last
        raise ModelError(
            f"The download of {self.weights.url} broke off at {self._have():,} bytes.",
            "Pull again: it goes on from there.",
            path=self.part,
        )

    def _have(self) -> int:
        """Bytes that are already here."""
        return self.part.stat().st_size if self.part.exists() else 0

    def _receive(self) -> bool:
        """Fetch what is missing of the part file. False when the connection ended early."""
        start = self._have()
        request = urllib.request.Request(self.weights.url, headers={"User-Agent": "annotator"})
        if request.type not in ("http", "https"):
            raise ModelError(f"{self.weights.url} is not a web address.", "Weights are pulled over http or https.")
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
            # Nothing lies beyond what is here: the file is whole, or longer than the server's and thus another one.
            total = (error.headers.get("Content-Range") or "").rpartition("/")[2]
            error.close()
            if total == str(start):
                return True
            self.part.unlink()
            return False
        with response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                start = 0
            length = response.headers.get("Content-Length")
            total_bytes = start + int(length) if length else None
            return self._save(response, start, total_bytes)

    def _save(self, response: Any, start: int, total: int | None) -> bool:
        """Append the response to the part file from ``start`` on. True when all of it came."""
        done = start
        with self._file_errors():
            if total is not None and total - start > shutil.disk_usage(self.part.parent).free:
                raise OSError(errno.ENOSPC, "no space left on the device")
            stream = self.part.open("r+b" if start else "wb")
        with stream:
            stream.seek(start)
            while True:
                self.context.check_cancelled()
                chunk = response.read(CHUNK)
                if not chunk:
                    break
                with self._file_errors():
                    stream.write(chunk)
                    stream.flush()
                done += len(chunk)
                self.context.progress(done, total, self.weights.file)
        return total is None or done == total

    def _finish(self) -> None:
        """Check the part file and move it into place."""
        if _hash(self.part) != self.weights.sha256:
            self.part.unlink()
            raise ModelError(
                f"What {self.weights.url} sent is not the published file (its SHA-256 differs).",
                "Pull again; if it happens twice, the address serves another file.",
                path=self.target,
            )
        with self._file_errors():
            self.part.replace(self.target)

    def _unreachable(self, error: Exception) -> ModelError:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        if isinstance(error, urllib.error.HTTPError):
            reason = f"{error.code} {error.reason}"
        return ModelError(
            f"{self.weights.url} cannot be fetched ({reason}).",
            f"Check the network, or put the file at {self.target} yourself.",
            path=self.target,
        )

    def _file_errors(self) -> _FileErrors:
        return _FileErrors(self.part)


class _FileErrors:
    """Turns an OSError of our own file, not of the network, into a ModelError that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            cure = (
                "Free some space and pull again: it goes on from there."
                if full
                else "Set ANNOTATOR_MODELS to a folder you may write to."
            )
            raise ModelError(
                f"{self._path} cannot be written ({error.strerror or error}).", cure, path=self._path
            ) from error


def _why_not(entry: Entry) -> str:
    return "Give the name of a model of the catalogue." if entry.accepts_name else "They ship with Annotator."


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
