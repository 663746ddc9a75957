"""Runs, heads, embedding spaces, certificates and the journal of jobs: what the machine did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select, update

from annotator.domain.kinds import Task
from annotator.domain.records import Head, Run, now
from annotator.errors import StoreError
from annotator.events import Table
from annotator.store.ledger import Ledger
from annotator.store.tables import CertificateRow, EmbeddingSpaceRow, HeadRow, JobRow, RunRow
from annotator.store.types import dump_mapping, load_mapping

_RUN = (
    RunRow.id,
    RunRow.task,
    RunRow.model_id,
    RunRow.model_version,
    RunRow.parameters,
    RunRow.started_at,
    RunRow.finished_at,
    RunRow.images,
    RunRow.suggestions,
)
_HEAD = (
    HeadRow.id,
    HeadRow.task,
    HeadRow.model_id,
    HeadRow.version,
    HeadRow.path,
    HeadRow.released,
    HeadRow.metrics,
    HeadRow.created_at,
)


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """A space in which vectors can be compared: one model at one version."""

    id: int
    name: str
    model_id: str
    model_version: str
    dimension: int
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One line of the journal of jobs."""

    id: int
    name: str
    state: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    started_at: str = ""
    finished_at: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A bound on the error rate of what is accepted in bulk; ``seed`` fixed the audited sample before it was shown.

    ``audited`` and ``errors`` count the sample behind ``bound``. Without ``signed_at`` nothing was certified (yet).
    ``model_version`` is taken from the run when the certificate is made. ``criterion`` says in words what counted as right.
    """

    id: int
    task: Task
    annotator: str
    seed: int
    max_error: float
    audited: int
    errors: int
    bound: float
    accepted: int
    run_id: int | None = None
    created_at: str = ""
    model_version: str = ""
    signed_at: str = ""
    criterion: str = ""


def _run(row: Any) -> Run:
    return Run(row[0], Task(row[1]), row[2], row[3], load_mapping(row[4]), *row[5:9])


def _head(row: Any) -> Head:
    values = (row[0], Task(row[1]), *row[2:5], bool(row[5]), load_mapping(row[6]), row[7])
    return Head(*values)


class RunReads:
    """Reads of runs, heads, spaces, jobs and certificates."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, run_id: int) -> Run:
        """The run; raises ``StoreError`` when there is none."""
        row = self._connection.execute(select(*_RUN).where(RunRow.id == run_id)).first()
        if row is None:
            raise StoreError(f"The project has no run number {run_id}.")
        return _run(row)

    def latest(self, task: Task) -> Run | None:
        """The last run of a task that has finished."""
        query = select(*_RUN).where(RunRow.task == task.value, RunRow.finished_at != "")
        row = self._connection.execute(query.order_by(RunRow.id.desc()).limit(1)).first()
        return None if row is None else _run(row)

    def all(self) -> list[Run]:
        """All runs, oldest first."""
        return [_run(row) for row in self._connection.execute(select(*_RUN).order_by(RunRow.id))]

    def heads(self, task: Task | None = None) -> list[Head]:
        """The heads of a task, or all, oldest first."""
        query = select(*_HEAD).order_by(HeadRow.id)
        if task is not None:
            query = query.where(HeadRow.task == task.value)
        return [_head(row) for row in self._connection.execute(query)]

    def released_head(self, task: Task) -> Head | None:
        """The newest released head of a task."""
        query = select(*_HEAD).where(HeadRow.task == task.value, HeadRow.released).order_by(HeadRow.id.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _head(row)

    def spaces(self) -> list[EmbeddingSpace]:
        """All embedding spaces."""
        space = EmbeddingSpaceRow
        columns = (space.id, space.name, space.model_id, space.model_version, space.dimension, space.created_at)
        return [EmbeddingSpace(*row) for row in self._connection.execute(select(*columns).order_by(space.id))]

    def jobs(self, limit: int = 100) -> list[JobRecord]:
        """The last jobs, newest first."""
        job = JobRow
        columns = (
            job.id,
            job.name,
            job.state,
            job.parameters,
            job.message,
            job.result,
            job.started_at,
            job.finished_at,
        )
        rows = self._connection.execute(select(*columns).order_by(job.id.desc()).limit(limit))
        return [JobRecord(*r[:3], load_mapping(r[3]), r[4], load_mapping(r[5]), *r[6:8]) for r in rows]

    def certificates(self) -> list[Certificate]:
        """All certificates, oldest first."""
        c = CertificateRow
        columns = (
            c.id, c.task, c.annotator, c.seed, c.max_error, c.audited, c.errors, c.bound, c.accepted, c.run_id, c.created_at,
            c.model_version, c.signed_at, c.criterion,
        )  # fmt: skip
        rows = self._connection.execute(select(*columns).order_by(c.id))
        return [Certificate(row[0], Task(row[1]), *row[2:]) for row in rows]


class RunWrites(RunReads):
    """Reads and writes of what the machine did."""

    def __init__(self, connection: Connection, ledger: Ledger) -> None:
        super().__init__(connection)
        self._ledger = ledger

    def start(self, task: Task, model_id: str, model_version: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Begin a run; returns its id."""
        row = {
            "task": task.value,
            "model_id": model_id,
            "model_version": model_version,
            "parameters": dump_mapping(parameters or {}),
            "started_at": now(),
            "finished_at": "",
            "images": 0,
            "suggestions": 0,
        }
        self._ledger.note(Table.RUN)
        return int(self._connection.execute(insert(RunRow).returning(RunRow.id), row).scalar_one())

    def progress(self, run_id: int, images: int, suggestions: int, *, finished: bool = False) -> None:
        """Write how far a run has come."""
        values: dict[str, Any] = {"images": images, "suggestions": suggestions}
        if finished:
            values["finished_at"] = now()
        self._connection.execute(update(RunRow).where(RunRow.id == run_id).values(values))
        self._ledger.note(Table.RUN)

    def add_head(self, head: Head) -> int:
        """Add a head (its id is ignored); returns its id."""
        row = {
            "task": head.task.value,
            "model_id": head.model_id,
            "version": head.version,
            "path": head.path,
            "released": head.released,
            "metrics": dump_mapping(head.metrics),
            "created_at": head.created_at or now(),
        }
        self._ledger.note(Table.HEAD)
        return int(self._connection.execute(insert(HeadRow).returning(HeadRow.id), row).scalar_one())

    def release_head(self, head_id: int, released: bool = True) -> None:
        """Release a head, or take its release back."""
        self._connection.execute(update(HeadRow).where(HeadRow.id == head_id).values(released=released))
        self._ledger.note(Table.HEAD)

    def add_space(self, name: str, model_id: str, model_version: str, dimension: int) -> int:
        """The id of the embedding space of that name, made when it is new."""
        query = select(EmbeddingSpaceRow.id).where(EmbeddingSpaceRow.name == name)
        found = self._connection.execute(query).scalar_one_or_none()
        if found is not None:
            return found
        row = {
            "name": name,
            "model_id": model_id,
            "model_version": model_version,
            "dimension": dimension,
            "created_at": now(),
        }
        statement = insert(EmbeddingSpaceRow).returning(EmbeddingSpaceRow.id)
        return int(self._connection.execute(statement, row).scalar_one())

    def start_job(self, name: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Note in the journal that a job has begun; returns its id."""
        row = {
            "name": name,
            "parameters": dump_mapping(parameters or {}),
            "state": "running",
            "message": "",
            "result": "",
            "started_at": now(),
            "finished_at": "",
        }
        return int(self._connection.execute(insert(JobRow).returning(JobRow.id), row).scalar_one())

    def finish_job(self, job_id: int, state: str, message: str = "", result: Mapping[str, Any] | None = None) -> None:
        """Note how a job has ended: ``done``, ``failed`` or ``cancelled``."""
        values = {"state": state, "message": message, "result": dump_mapping(result or {}), "finished_at": now()}
        self._connection.execute(update(JobRow).where(JobRow.id == job_id).values(values))

    def add_certificate(self, certificate: Certificate) -> int:
        """Add a certificate (its id is ignored); returns its id."""
        names = (
            "annotator", "seed", "max_error", "audited", "errors", "bound", "accepted", "run_id", "signed_at", "criterion",
        )  # fmt: skip
        row = {name: getattr(certificate, name) for name in names}
        version = certificate.model_version
        if not version and certificate.run_id is not None:
            version = self.get(certificate.run_id).model_version
        row |= {"model_version": version}
        row |= {"task": certificate.task.value, "created_at": certificate.created_at or now()}
        return int(self._connection.execute(insert(CertificateRow).returning(CertificateRow.id), row).scalar_one())

    def finish_certificate(
        self,
        certificate_id: int,
        *,
        annotator: str,
        audited: int,
        errors: int,
        bound: float,
        accepted: int,
        criterion: str = "",
    ) -> None:
        """Write what the audit found, and by which ``criterion``, in the name of whoever concludes it.

        With ``accepted`` above 0 the certificate is signed by that.
        Raises ``StoreError`` when there is no such certificate or it was signed before: a signature is final.
        """
        values: dict[str, Any] = {"audited": audited, "errors": errors, "bound": bound, "accepted": accepted}
        values |= {"annotator": annotator, "criterion": criterion}
        if accepted:
            values["signed_at"] = now()
        unsigned = (CertificateRow.id == certificate_id, CertificateRow.signed_at == "")
        if self._connection.execute(update(CertificateRow).where(*unsigned).values(values)).rowcount != 1:
            raise StoreError(f"The project has no certificate number {certificate_id} to sign.")
        self._ledger.note(Table.RUN)
