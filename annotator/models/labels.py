"""Names of a foreign model and the labels of a project: which of them mean the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from annotator.domain.records import Label

IGNORE = "ignore"


def map_names(
    names: Sequence[str], labels: Sequence[Label], choices: Mapping[str, int | str] | None = None
) -> tuple[int | None, ...]:
    """For each name the id of the label it means, None where it is to be ignored.

    ``choices`` by name comes first: a label's id, or "ignore". Then a label of that name, then one with it among its
    synonyms; case, accents' encoding, underscores, hyphens and spaces do not matter. Where two labels would do, the first of
    ``labels`` wins. Raises ValueError for a choice that is neither.
    """
    by_name: dict[str, int] = {}
    by_synonym: dict[str, int] = {}
    for label in labels:
        by_name.setdefault(_plain(label.name), label.id)
        for synonym in label.synonyms:
            by_synonym.setdefault(_plain(synonym), label.id)
    known = {label.id for label in labels}
    result: list[int | None] = []
    for name in names:
        choice = (choices or {}).get(name)
        if choice is None:
            result.append(by_name.get(_plain(name), by_synonym.get(_plain(name))))
        elif choice == IGNORE:
            result.append(None)
        elif choice in known:
            result.append(int(choice))
        else:
            raise ValueError(f"{name!r} is mapped to {choice!r}, which is neither a label's id nor {IGNORE!r}")
    return tuple(result)


def _plain(name: str) -> str:
    """What two spellings of one name share."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
