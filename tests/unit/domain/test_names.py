"""Names of labels: one line of text, or refused."""

from __future__ import annotations

import pytest

from annotator.domain.names import is_storable, label_name
from annotator.errors import UsageError


def test_white_space_becomes_single_blanks() -> None:
    assert label_name("  red\n fox\t🦊 ") == "red fox 🦊"
    assert label_name(" \u2003\n") == ""


@pytest.mark.parametrize("text", ["caf\udce9", "a\x00b"])
def test_what_no_database_holds_is_refused(text: str) -> None:
    assert not is_storable(text)
    with pytest.raises(UsageError, match="is not text"):
        label_name(text)
