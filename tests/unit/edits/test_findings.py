"""Decisions about findings of the audit are edits: written, undone, and read back after a restart."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.kinds import FindingState
from annotator.domain.records import FindingDecision
from annotator.edits import Edit, FindingChange, codec
from annotator.edits.history import History
from annotator.store import WriteLane
from tests.projects import make_project


def decision(state: FindingState, key: str = "label/1/2/3") -> FindingDecision:
    return FindingDecision(key, 1, "label", state, "ann", "2026-01-01T00:00:00.000+00:00")


def test_a_decision_is_written_replaced_and_taken_back(tmp_path: Path) -> None:
    database = make_project(tmp_path / "p")
    lane = WriteLane(database)
    history = History(database, lane, "ann")
    kept, skipped = decision(FindingState.KEPT), decision(FindingState.SKIPPED)
    history.perform(Edit("Skip", 1, (FindingChange(None, skipped),)))
    history.perform(Edit("Keep", 1, (FindingChange(skipped, kept),)))
    history.flush()

    def stored() -> list[FindingState]:
        with database.read() as reader:
            return [each.state for each in reader.findings.decided().values()]

    assert stored() == [FindingState.KEPT]
    history.undo()
    history.flush()
    assert stored() == [FindingState.SKIPPED]
    again = History(database, lane, "ann")
    again.undo()
    again.flush()
    assert stored() == []
    lane.close()
    database.close()


def test_a_decision_survives_the_log() -> None:
    changes = (FindingChange(None, decision(FindingState.KEPT)), FindingChange(decision(FindingState.KEPT), None))
    assert codec.load_changes(codec.dump_changes(changes)) == changes
