"""The experiment of ``python -m tests.faults``, in small: a killed process loses nothing that it had acknowledged."""

from __future__ import annotations

from tests import faults


def test_a_killed_process_loses_nothing() -> None:
    assert faults.run(3, seed=1) == {"kills": 3, "faults": 1, "lost": 0}
