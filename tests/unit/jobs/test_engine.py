"""The engine: every job ends exactly once, a death costs nothing that was saved, and nothing leaks into the pipe."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from annotator.domain.kinds import ImageState
from annotator.errors import AnnotatorError, UsageError
from annotator.events import Table
from annotator.jobs import engine as engine_room
from annotator.jobs.engine import Engine
from annotator.jobs.events import (
    EngineError,
    EngineRestarted,
    JobFailed,
    JobLine,
    JobProgress,
    JobStarted,
    JobStopped,
    JobSucceeded,
)
from annotator.project import Project
from tests.unit.jobs.conftest import PICTURES, Heard

LAST = (JobSucceeded, JobFailed, JobStopped)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"


def handled(project: Project) -> set[int]:
    return {image.id for image in project.images.many(project.images.ids().tolist()) if image.note}


def test_a_job_returns_its_typed_result_and_its_changes(engine: Engine, heard: Heard, project: Project) -> None:
    handle = engine.submit("walk")
    result = handle.result(60)
    assert set(result.handled) == set(project.images.ids().tolist())
    assert result.pid == engine.pid != os.getpid()
    assert len(heard.of(LAST, handle.id)) == len(heard.of(JobStarted, handle.id)) == 1
    assert {i for change in heard.changes if change.touches(Table.IMAGE) for i in change.image_ids} >= set(
        result.handled
    )
    assert all(change.initiator == "walk" for change in heard.changes)


def test_jobs_run_one_after_the_other_in_one_process(engine: Engine, heard: Heard) -> None:
    handles = [engine.submit("walk") for _ in range(3)]
    pids = {handle.result(60).pid for handle in handles}
    assert len(pids) == 1
    order = [e.job_id for e in heard.events if isinstance(e, (JobStarted, *LAST))]
    assert order == [h.id for h in handles for _ in range(2)]


def test_what_libraries_print_does_not_reach_the_pipe(engine: Engine, heard: Heard, tmp_path: Path) -> None:
    assert engine.submit("chatter").result(60).handled == ()
    log = (tmp_path / "engine.log").read_text()
    assert "a model package says hello" in log
    assert "and so does its native code" in log
    assert [line.text for line in heard.of(JobLine)] == ["a line for the log"]


def test_progress_is_throttled_and_has_a_rate(engine: Engine, heard: Heard) -> None:
    engine.submit("chatter").result(60)
    said = heard.of(JobProgress)
    assert 1 <= len(said) < 100
    assert all(each.total == 1000 and each.rate >= 0 for each in said)


def test_an_expected_failure_keeps_its_cure(engine: Engine, heard: Heard) -> None:
    handle = engine.submit("fail")
    with pytest.raises(AnnotatorError) as caught:
        handle.result(60)
    assert (caught.value.what, caught.value.cure) == ("The disk is full.", "Free some space.")
    assert len(heard.of(LAST, handle.id)) == 1


def test_a_bug_is_a_failure_and_the_engine_lives_on(engine: Engine) -> None:
    with pytest.raises(EngineError, match="nobody expected this") as caught:
        engine.submit("fail", {"bug": True}).result(60)
    assert "ZeroDivisionError" in caught.value.detail
    pid = engine.pid
    assert engine.submit("walk").result(60).pid == pid


def test_a_wrong_parameter_is_a_failure(engine: Engine) -> None:
    with pytest.raises(EngineError, match="nonsense"):
        engine.submit("walk", {"nonsense": 1}).result(60)


def test_an_unknown_job_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no job called"):
        engine.submit("fly")


def test_cancelling_a_running_and_a_queued_job(engine: Engine, heard: Heard) -> None:
    running, queued = engine.submit("wait"), engine.submit("walk")
    heard.wait_for(JobProgress)
    queued.cancel()
    running.cancel()
    running.cancel()
    for handle in (running, queued):
        with pytest.raises(CancelledError):
            handle.result(60)
        assert len(heard.of(LAST, handle.id)) == 1
    assert engine.submit("chatter").result(60) is not None


def test_a_job_that_does_not_listen_is_ended(engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_room, "CANCEL_GRACE", 0.2)
    handle = engine.submit("wait", {"politely": False})
    heard.wait_for(JobProgress)
    handle.cancel()
    with pytest.raises(CancelledError):
        handle.result(60)
    assert heard.of(EngineRestarted) == []
    assert engine.submit("chatter").result(60) is not None


def test_killed_in_the_middle_it_restarts_and_resumes(
    engine: Engine, heard: Heard, project: Project, tmp_path: Path
) -> None:
    ids = project.images.ids().tolist()
    marker = tmp_path / "died"
    result = engine.submit("walk", {"die_once_at": ids[5], "marker": str(marker)}).result(120)
    assert marker.exists()
    assert len(heard.of(EngineRestarted)) == 1
    assert heard.of(EngineRestarted)[0].set_aside == ()
    assert set(result.handled) == set(ids[6:])
    assert handled(project) == set(ids)
    assert project.images.problems() == []


def test_killed_from_outside_it_restarts(engine: Engine, heard: Heard, project: Project) -> None:
    handle = engine.submit("wait")
    heard.wait_for(JobProgress)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    heard.wait_for(EngineRestarted)
    until = time.monotonic() + 60
    while engine.pid in (None, first):
        assert time.monotonic() < until
        time.sleep(0.02)
    handle.cancel()
    with pytest.raises(CancelledError):
        handle.result(60)
    assert len(heard.of(LAST, handle.id)) == 1


def test_killed_while_idle_the_next_job_does_not_notice(engine: Engine, heard: Heard) -> None:
    engine.submit("chatter").result(60)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert engine.submit("walk").result(60).pid != first
    assert heard.of(EngineRestarted) == []


def test_an_image_that_kills_it_twice_is_set_aside_and_listed(engine: Engine, heard: Heard, project: Project) -> None:
    ids = project.images.ids().tolist()
    engine.submit("walk", {"deadly": [ids[4]]}).result(240)
    assert handled(project) == set(ids) - {ids[4]}
    (bad,) = project.images.problems()
    assert (bad.id, bad.state) == (ids[4], ImageState.UNREADABLE)
    assert "twice" in bad.reason
    assert [event.set_aside for event in heard.of(EngineRestarted)] == [(), (ids[4],)]


def test_dying_for_no_reason_ends_in_a_failure(engine: Engine, heard: Heard, tmp_path: Path) -> None:
    handle = engine.submit("die")
    with pytest.raises(EngineError, match="exit status 9") as caught:
        handle.result(120)
    assert str(tmp_path / "engine.log") in caught.value.cure
    assert len(heard.of(LAST, handle.id)) == 1
    assert engine.submit("chatter").result(60) is not None


def test_closing_stops_everything_and_leaves_no_process(project: Project, engine: Engine, heard: Heard) -> None:
    running, queued = engine.submit("wait"), engine.submit("walk")
    heard.wait_for(JobProgress)
    pid = engine.pid
    assert pid is not None
    engine.close()
    for handle in (running, queued):
        assert isinstance(handle.outcome.result(0), JobStopped)
        assert len(heard.of(LAST, handle.id)) == 1
    assert not alive(pid)
    with pytest.raises(EngineError, match="closed"):
        engine.submit("walk")


def test_it_dies_with_the_pipe(engine: Engine, heard: Heard) -> None:
    """As when the window is killed: nobody asks the engine to stop, its pipe just closes."""
    engine.submit("wait", {"politely": False})
    heard.wait_for(JobProgress)
    process = engine._process
    assert process is not None
    process.popen.stdin.close()
    assert process.popen.wait(60) is not None


def test_a_listener_that_fails_does_not_stop_the_lane(project: Project, tmp_path: Path) -> None:
    def broken(event: object) -> None:
        raise RuntimeError("a view's mistake")

    with Engine(
        project.path, on_event=broken, jobs_module="tests.unit.jobs.engine_jobs", log_path=tmp_path / "e.log"
    ) as made:
        assert made.submit("scan").result(60).images == PICTURES


def test_an_engine_that_cannot_start_says_so(project: Project, tmp_path: Path) -> None:
    with (
        Engine(project.path, jobs_module="no_such_module", log_path=tmp_path / "e.log") as made,
        pytest.raises(EngineError, match="did not start"),
    ):
        made.submit("scan").result(60)
    assert "no_such_module" in (tmp_path / "e.log").read_text()
